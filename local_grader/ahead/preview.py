"""What a grading would do: what rules decide by themselves, what judges would be asked, and how long that may take.

Rules are applied, since only that tells what they leave open; a judge is looked at, where its server answers. No model is
loaded or asked, and nothing is written.
"""

import os
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from itertools import islice

from sync.clock import Clock
from sync.errors import Problem
from sync.progress import Progress, Silent

from ..errors import AnsweredTwice
from ..grading import Grading, unanswered
from ..judge import Judge, JudgeUnavailable, Prompt
from ..judges import endpoint_of, known
from ..judging.bench import Bench
from ..judging.deciding import SAME, Way
from ..reading import outputs
from ..request import Request
from ..rubrics.prompts import Questions, Unaskable, settled
from ..rubrics.rubric import Rubric
from ..scores import UNDECIDED, Grade
from ..task import Task, nothing_in
from .kept_verdicts import kept


@dataclass(frozen=True, kw_only=True, slots=True)
class Outlook:
    """What one judge would have to do. ``name`` may hold the URL of its server, ``model`` does not. Of ``prompts``, ``known`` are answered in the journal. ``server`` and ``digest`` are
    empty where only a server would know that cannot be asked, and ``trouble`` says why; ``is_other`` where the model is
    another than the one that was asked before by that name. ``warnings`` are as in ``Seen``, or what names tell.
    ``each_s`` seconds an answer took lately, None where nobody knows."""

    name: str
    model: str
    prompts: int
    known: int = 0
    server: str = ""
    digest: str = ""
    trouble: JudgeUnavailable | None = None
    is_other: bool = False
    warnings: Sequence[str] = ()
    each_s: float | None = None

    @property
    def left(self) -> int:
        return self.prompts - self.known

    @property
    def takes_s(self) -> float | None:
        """Seconds that what is left will take; None where nobody knows."""
        return 0.0 if not self.left else None if self.each_s is None else self.left * self.each_s


@dataclass(frozen=True, kw_only=True, slots=True)
class First:
    """The prompt that would be sent before all others: about which sample, and to which judge."""

    sample: str
    judge: str
    prompt: Prompt


@dataclass(frozen=True, kw_only=True, slots=True)
class Preview:
    """``files`` are the names of those that are read; ``skipped`` hold no answers; ``problems`` could not be read in part.
    ``decided`` counts samples by the rule that decides them, ``unscored`` by the reason for which nothing can; ``undecided``
    are left to judges. ``missing`` references are answered by nobody. ``rubric`` is empty without judges."""

    run: str
    scorer: str
    files: Sequence[str]
    skipped: Sequence[Problem]
    problems: Sequence[Problem]
    samples: int
    decided: Mapping[str, int]
    unscored: Mapping[str, int]
    undecided: int
    missing: int
    rubric: str = ""
    judges: Sequence[Outlook] = ()
    first: First | None = None

    @property
    def takes_s(self) -> float | None:
        """Seconds for all judges, one after the other; None where it is not known of all."""
        known = [one.takes_s for one in self.judges]
        return None if None in known else sum(each or 0.0 for each in known)


@dataclass(kw_only=True, slots=True)
class _Count:
    """``asked`` are the prompts about each sample that is left to judges."""

    samples: int = 0
    decided: Counter[str] = field(default_factory=Counter)
    unscored: Counter[str] = field(default_factory=Counter)
    asked: list[tuple[str, Sequence[Prompt]]] = field(default_factory=list)


def preview(request: Request, clock: Clock, progress: Progress | None = None) -> Preview:
    """Raises what grading would raise before it asks a judge: UsageError, Ungradable."""
    task = Task.of(request, progress or Silent(), clock)
    try:
        return _preview(task, {})
    except AnsweredTwice as twice:
        return _preview(task, twice.places)


def _preview(task: Task, contested: Mapping[str, str]) -> Preview:
    request, bench = task.request, task.bench
    samples = outputs.Samples(task.target.sources, task.scorer.shape, request.fields, contested)
    first_ones = islice(samples, request.limit)
    grading = Grading(first_ones, task.scorer, task.references, task.rivals)
    count = _counted(grading, task, None if bench is None else bench.way.rubric)
    notes = samples.notes
    if not count.samples:
        raise nothing_in(task.target, notes)
    skipped = {os.fsdecode(one.path) for one in notes.skipped}
    missing = [] if request.is_sample else unanswered(task.references or {}, grading.answered)
    judges, first = ([], None) if bench is None else _outlooks(bench, count)
    return Preview(
        run=task.target.name,
        scorer=task.scorer.name,
        files=[each.name for each in task.target.sources if each.name not in skipped],
        skipped=notes.skipped,
        problems=notes.problems,
        samples=count.samples,
        decided=dict(count.decided.most_common()),
        unscored=dict(count.unscored.most_common()),
        undecided=len(count.asked),
        missing=len(missing),
        rubric="" if bench is None else bench.way.rubric.name,
        judges=judges,
        first=first,
    )


def _counted(grading: Iterable[Grade], task: Task, rubric: Rubric | None) -> _Count:
    count = _Count()
    questions = None if rubric is None else Questions(rubric)
    task.meter.start("look", unit="samples")
    try:
        for sample, score in grading:
            count.samples += 1
            task.meter.advance(1)
            if score.value is not None:
                count.decided[score.stage or task.scorer.name] += 1
            elif score.reason != UNDECIDED or rubric is None or questions is None:
                count.unscored[score.reason or ""] += 1
            elif settled(rubric, sample) is not None:
                count.decided[SAME] += 1
            else:
                try:
                    count.asked.append((sample.id, questions.of(sample)))
                except Unaskable as error:
                    count.unscored[error.reason] += 1
    finally:
        task.meter.finish()
    return count


def _outlooks(bench: Bench, count: _Count) -> tuple[Sequence[Outlook], First | None]:
    by_hash: dict[str, tuple[str, Prompt]] = {}
    for sample, prompts in count.asked:
        for prompt in prompts:
            by_hash.setdefault(prompt.sha256, (sample, prompt))
    judges: list[Outlook] = []
    first: First | None = None
    for name, judge in bench.judges.items():
        outlook, settled_before = _outlook(name, judge, bench.way, len(by_hash))
        left = [each for sha256, each in by_hash.items() if sha256 not in settled_before]
        judges.append(replace(outlook, known=len(by_hash) - len(left)))
        if first is None and left:
            sample, prompt = min(left, key=lambda each: each[1].user)
            first = First(sample=sample, judge=name, prompt=prompt)
    return judges, first


def _outlook(name: str, judge: Judge, way: Way, prompts: int) -> tuple[Outlook, Collection[str]]:
    """Together with the prompts that the judge would not be asked again."""
    model, endpoint = endpoint_of(name, way.request.settings)
    outlook, identity = Outlook(name=name, model=model, prompts=prompts), None
    with closing(judge):
        try:
            seen = judge.look()
        except JudgeUnavailable as error:
            warnings = (*endpoint.warnings, *known.warnings(model, None))
            outlook = replace(outlook, trouble=error, warnings=warnings)
        else:
            identity = seen.identity
            outlook = replace(outlook, server=identity.server, digest=identity.digest, warnings=seen.warnings)
    before = kept(way.request.journal, way.called(name), way.rubric.sha256, identity)
    if identity is not None and before.called is not None:
        outlook = replace(outlook, is_other=identity.digest != before.called.digest)
    outlook = replace(outlook, each_s=before.each_s)
    return outlook, frozenset() if way.request.fresh else before.settled
