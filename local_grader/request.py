"""One grading from start to end: find, read, score, record, summarise."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from itertools import islice
from pathlib import Path

from sync.clock import Clock, SystemClock
from sync.errors import UsageError
from sync.progress import Progress, Silent

from . import scorers
from .arc_metrics import ArcTally
from .errors import AnsweredTwice, Ungradable
from .grading import Grading
from .judge import NotNow
from .judging.bench import Bench
from .judging.deciding import Decided
from .judging.wish import JudgingRequest
from .ledger import Entry, Facts, Recorder
from .metrics import Tallies
from .reading import outputs
from .reading import references as reference_files
from .reading.fields import Fields
from .report import Partial, Report
from .samples import Sample
from .scorer import Holder, Option, Shape
from .scores import Grade


class Keep(Enum):
    """Whether the grades go into the ledger; never while what is left to judges is still to be asked of them."""

    ALWAYS = "always"
    HEARD = "where every judge was heard to the end"
    NEVER = "never"


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """What to grade and how.

    ``target`` is the id of a run under the folder ``outputs``, or a path; ``ledger`` is the folder that keeps what
    came out. ``options`` are the scorer's, only those that the user set. ``files`` are globs; none means all.
    ``partial``: not all of the run is there yet. ``is_sample``: it took only the first of its inputs, so that references
    which nobody answered are not missing. ``limit``: grade only so many of the outputs, the first ones; None for all.
    """

    target: str
    scorer: str
    outputs: Path
    ledger: Path
    options: Mapping[str, Option] = field(default_factory=dict)
    fields: Fields = field(default_factory=Fields)
    references: Path | None = None
    files: Sequence[str] = ()
    judging: JudgingRequest | None = None
    is_sample: bool = False
    limit: int | None = None
    partial: Partial | None = None
    keep: Keep = Keep.ALWAYS


@dataclass(frozen=True, kw_only=True, slots=True)
class Rivals:
    """Other answers to the same questions, by sample id; ``sha256`` identifies them, in hex."""

    by_sample: Mapping[str, object]
    sha256: str


def grade_outputs(request: Request, progress: Progress | None = None, clock: Clock | None = None) -> Report:
    """Grades, and writes the grades into the ledger. Where a judge cannot be reached, what rules decide is graded.

    Raises UsageError for what the request asks wrongly, Ungradable where there is nothing to grade or the references cannot be used.
    """
    try:
        return _grade(request, {}, progress, clock)
    except AnsweredTwice as twice:  # seldom; so what it costs to know them beforehand is paid only then
        return _grade(request, twice.places, progress, clock)


def _grade(
    request: Request, contested: Mapping[str, str], progress: Progress | None, clock: Clock | None
) -> Report:
    scorer = scorers.make(request.scorer, request.options)
    meter, clock = progress or Silent(), clock or SystemClock()
    began, judges_s = clock.monotonic(), 0.0
    bench = None if request.judging is None else Bench.of(request.judging, clock)
    target = outputs.find(request.outputs, request.target, request.files)
    references = None
    if request.references is not None:
        references = reference_files.load(request.references, scorer.shape, request.fields)
    rivals = _rivals(request)
    entry = Entry(
        run=target.name,
        scorer=scorer.name,
        scorer_version=scorer.version,
        options=scorer.options,
        fields=request.fields,
        outputs_sha256=outputs.digest(target.sources),
        references_sha256=references.sha256 if references else None,
        rivals_sha256=rivals.sha256 if rivals else None,
    )
    samples = outputs.Samples(target.sources, scorer.shape, request.fields, contested)
    by_rule = Grading(
        _metered(islice(samples, request.limit), meter),
        scorer,
        references.by_sample if references else None,
        rivals.by_sample if rivals else None,
    )
    grades: Iterable[Grade] = by_rule
    decided = None
    if bench is not None:
        ruled = list(by_rule)
        if ruled and not any(grade.sample.group for grade in ruled):
            _require_groups(request)
        asked_at = clock.monotonic()
        decided = bench.decide(ruled, meter)
        judges_s = clock.monotonic() - asked_at
        grades, entry = decided.grades, replace(entry, judging=bench.entry(decided))
    tallies, arc = Tallies(), ArcTally() if scorer.shape is Shape.ARC else None
    is_kept = _is_kept(request.keep, decided)
    may_differ = scorer.name in scorers.RUN_PROGRAMS
    with Recorder(request.ledger, entry, keep=is_kept, replace=may_differ) as recorder:
        for grade in grades:
            recorder.add(grade)
            tallies.add(grade)
            if arc is not None:
                arc.add(grade)
        if not tallies.whole.summary().samples:
            raise _nothing(target, samples)
        if scorer.shape is Shape.ROWS and not tallies.groups():
            _require_groups(request)
        missing = [] if request.is_sample else by_rule.missing
        for one in missing:
            recorder.add_missing(one)
            tallies.add_missing(one)
            if arc is not None:
                arc.add_missing(one)
        unread = [f"{os.fsdecode(one.path)} {one.what}" for one in samples.unread]
        recorder.tell(Facts(unread=unread, unheard=decided.unheard if decided else 0))
    return Report(
        entry=entry,
        files=len(target.sources),
        summary=tallies.whole.summary(),
        arc=arc.summary() if arc is not None else None,
        stages=tallies.stages(),
        shards=tallies.shards(),
        groups={} if scorer.shape is Shape.ARC else tallies.groups(),
        missing=[one.sample for one in missing],
        problems=samples.problems,
        skipped=samples.skipped,
        decided=decided,
        ledger=recorder.recorded.path if is_kept else None,
        recorded=recorder.recorded.new,
        partial=request.partial,
        repeat_s=clock.monotonic() - began - judges_s,
    )


def check(request: Request) -> None:
    """Raises UsageError for a scorer, a rubric or a judge that is asked for wrongly, before there is anything to grade."""
    scorer = scorers.make(request.scorer, request.options)
    if isinstance(scorer, Holder):
        scorer.close()
    if request.judging is not None:
        Bench.of(request.judging, SystemClock())


def _is_kept(keep: Keep, decided: Decided | None) -> bool:
    troubles = [heard.trouble for heard in decided.heard if heard.trouble is not None] if decided else []
    if keep is Keep.NEVER or any(isinstance(trouble, NotNow) for trouble in troubles):
        return False
    return keep is Keep.ALWAYS or not troubles


def _rivals(request: Request) -> Rivals | None:
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
        raise _nothing(target, samples)
    return Rivals(by_sample=answers, sha256=outputs.digest(target.sources))


def _require_groups(request: Request) -> None:
    """Called where no sample has a group."""
    if request.fields.group is not None:
        raise UsageError(
            f"No sample has a field {request.fields.group}, by which they were to be grouped.",
            "Look how the field is spelled in the outputs, or in the references.",
        )


def _metered(samples: Iterable[Sample], meter: Progress) -> Iterator[Sample]:
    meter.start("grade", unit="samples")
    try:
        for sample in samples:
            yield sample
            meter.advance(1)
    finally:
        meter.finish()


def _nothing(target: outputs.Target, samples: outputs.Samples) -> Ungradable:
    found = [*samples.skipped, *samples.problems]
    why = f": {os.fsdecode(found[0].path)} {found[0].what}" if found else ""
    return Ungradable(
        f"{target.name} holds no answers{why}.",
        "name the fields with --id-field and --answer-field, or the files with --files.",
    )
