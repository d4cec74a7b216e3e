"""A request together with what it names: the scorer, the files, the right answers, and the place in the ledger."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from sync.clock import Clock
from sync.progress import Progress

from . import parallel, scorers
from .errors import AnsweredTwice, Ungradable
from .judges.endpoint import split
from .judging.bench import Bench
from .ledger import Entry, Recorder
from .nothing import told, why_nothing
from .reading import outputs
from .reading import references as reference_files
from .reading.reader import Notes
from .request import Request
from .samples import Reference
from .scorer import Scorer, Shape


@dataclass(frozen=True, kw_only=True, slots=True)
class Task:
    """A request, and what it names. ``began`` is by the clock's monotonic seconds."""

    meter: Progress
    clock: Clock
    began: float
    request: Request
    scorer: Scorer
    bench: Bench | None
    target: outputs.Target
    references: Mapping[str, Reference] | None
    rivals: Mapping[str, object] | None
    entry: Entry

    @classmethod
    def of(cls, request: Request, meter: Progress, clock: Clock) -> "Task":
        began = clock.monotonic()
        scorer = scorers.make(request.scorer, request.options)
        bench = None if request.judging is None else Bench.of(request.judging, clock)
        target = outputs.find(request.outputs, request.target, request.files)
        said, references = request.fields, None
        if request.references is None:
            said.require_two()
        else:
            references = reference_files.load(request.references, scorer.shape, said, target.sources)
            fields = reference_files.fields_of_outputs(request.references, said, target.sources)
            request = replace(request, fields=fields)
        rivals = _rivals(request)
        entry = Entry(
            run=target.name,
            scorer=scorer.name,
            scorer_version=scorer.version,
            options=scorer.options,
            fields=said,
            outputs_sha256=outputs.digest(target.sources),
            references_sha256=references.sha256 if references else None,
            rivals_sha256=rivals.sha256 if rivals else None,
        )
        return cls(
            meter=meter,
            clock=clock,
            began=began,
            request=request,
            scorer=scorer,
            bench=bench,
            target=target,
            references=references.by_sample if references else None,
            rivals=rivals.by_sample if rivals else None,
            entry=entry,
        )

    @property
    def rule(self) -> parallel.Rule:
        request = self.request
        return parallel.Rule(
            scorer=request.scorer,
            options=request.options,
            fields=request.fields,
            references=self.references,
        )

    @property
    def processes(self) -> int:
        """How many are to grade; with judges, it is they who take the time."""
        if self.bench is not None or self.request.limit is not None:
            return 1
        wanted = self.request.processes or parallel.cores()
        return wanted if parallel.is_worth_it(self.target.sources, self.rule) else 1

    def recorder(self, entry: Entry, keep: bool) -> Recorder:
        may_differ = self.scorer.name in scorers.RUN_PROGRAMS
        return Recorder(
            self.request.ledger,
            entry,
            keep=keep,
            replace=may_differ,
            asked=[split(name)[0] for name in self.bench.judges] if self.bench else (),
            source=self.target.source,
            files=self.request.files,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Rivals:
    """Other answers to the same questions, by sample id; ``sha256`` identifies them, in hex."""

    by_sample: Mapping[str, object]
    sha256: str


def _rivals(request: Request) -> _Rivals | None:
    if request.judging is None or request.judging.rivals is None:
        return None
    target = outputs.find(request.outputs, request.judging.rivals, request.files)
    samples = outputs.Samples(target.sources, Shape.ROWS, request.fields)
    try:
        answers = {sample.id: sample.answer for sample in samples}
    except AnsweredTwice as twice:
        samples = outputs.Samples(target.sources, Shape.ROWS, request.fields, twice.places)
        answers = {sample.id: sample.answer for sample in samples if sample.contested is None}
    if not answers:
        raise nothing_in(target, samples.notes)
    return _Rivals(by_sample=answers, sha256=outputs.digest(target.sources))


def nothing_in(target: outputs.Target, notes: Notes) -> Ungradable:
    skipped, unread = ([str(one) for one in problems] for problems in (notes.skipped, notes.problems))
    why, hint = why_nothing(skipped, unread, [source.name for source in target.sources])
    return Ungradable(told(target.name, why), hint)
