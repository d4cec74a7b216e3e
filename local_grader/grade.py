"""One grading from start to end: find, read, score, record, summarise."""

from collections.abc import Container, Iterable, Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import replace
from itertools import islice

from sync.clock import Clock, SystemClock
from sync.errors import UsageError
from sync.progress import Progress, Silent

from . import parallel, scorers
from .book import Book
from .errors import AnsweredTwice
from .grading import Grading, unanswered
from .judge import NotNow
from .judging.bench import Bench
from .judging.deciding import Decided
from .ledger import Entry, Recorder
from .reading import outputs
from .reading.reader import Notes
from .report import Report
from .request import Keep, Request
from .samples import Sample
from .scorer import Holder, Shape
from .scores import Grade
from .task import Task, nothing_in


def grade_outputs(request: Request, progress: Progress | None = None, clock: Clock | None = None) -> Report:
    """Grades, and writes the grades into the ledger. Where a judge cannot be reached, what rules decide is graded.

    Raises UsageError for what the request asks wrongly, Ungradable where there is nothing to grade or the references cannot be used.
    """
    task = Task.of(request, progress or Silent(), clock or SystemClock())
    if (processes := task.processes) > 1:
        with suppress(parallel.NotPlain):
            return _in_parallel(task, processes)
    try:
        return _one_by_one(task, {})
    except AnsweredTwice as twice:  # seldom; so what it costs to know them beforehand is paid only then
        return _one_by_one(task, twice.places)


def _in_parallel(task: Task, processes: int) -> Report:
    notes, answered, shards = Notes(), set[str](), set[str | None]()
    sources, shape = task.target.sources, task.scorer.shape
    task.meter.start("grade", unit="samples")
    with task.recorder(task.entry, _is_kept(task.request.keep, None)) as recorder:
        book = Book(recorder, shape)
        try:
            with closing(parallel.graded(sources, task.rule, processes)) as parts:
                for part in parts:
                    book.add_part(part)
                    notes.add(part.notes)
                    answered |= part.answered
                    shards |= part.shards
                    task.meter.advance(part.rows)
        finally:
            task.meter.finish()
        for source in sources:
            if source.is_spare:
                is_answered = source.shard in shards
                left = outputs.left_out(source, shape, task.request.fields, (), is_answered=is_answered)
                if left is None:  # to be read, or not, by what ids the others have
                    raise parallel.NotPlain
                notes.add(left)
        return _finished(task, task.entry, recorder, book, answered, notes)


def _one_by_one(task: Task, contested: Mapping[str, str]) -> Report:
    request, entry, decided, judges_s = task.request, task.entry, None, 0.0
    samples = outputs.Samples(task.target.sources, task.scorer.shape, request.fields, contested)
    by_rule = Grading(
        _metered(islice(samples, request.limit), task.meter), task.scorer, task.references, task.rivals
    )
    grades: Iterable[Grade] = by_rule
    if task.bench is not None:
        ruled = list(by_rule)
        if ruled and not any(grade.sample.group for grade in ruled):
            _require_groups(request)
        asked_at = task.clock.monotonic()
        decided = task.bench.decide(ruled, task.meter)
        judges_s = task.clock.monotonic() - asked_at
        grades, entry = decided.grades, replace(entry, judging=task.bench.entry(decided))
    with task.recorder(entry, _is_kept(request.keep, decided)) as recorder:
        book = Book(recorder, task.scorer.shape)
        for grade in grades:
            book.add(grade)
        return _finished(task, entry, recorder, book, by_rule.answered, samples.notes, decided, judges_s)


def _finished(
    task: Task,
    entry: Entry,
    recorder: Recorder,
    book: Book,
    answered: Container[str],
    notes: Notes,
    decided: Decided | None = None,
    judges_s: float = 0.0,
) -> Report:
    """What is known only at the end goes into the book, and all of it into a report."""
    request, is_arc = task.request, task.scorer.shape is Shape.ARC
    if not book.tallies.whole.samples:
        raise nothing_in(task.target, notes)
    if not is_arc and not book.tallies.groups():
        _require_groups(request)
    missing = [] if request.is_sample else unanswered(task.references or {}, answered)
    book.close(missing, notes, unheard=decided.unheard if decided else 0)
    return Report(
        entry=entry,
        files=len(task.target.sources),
        summary=book.tallies.whole.summary(),
        arc=book.arc.summary() if book.arc is not None else None,
        stages=book.tallies.stages(),
        shards=book.tallies.shards(),
        groups={} if is_arc else book.tallies.groups(),
        missing=[one.sample for one in missing],
        problems=notes.problems,
        skipped=notes.skipped,
        decided=decided,
        ledger=recorder.recorded.path if recorder.recorded.kept else None,
        recorded=recorder.recorded.new,
        partial=request.partial,
        repeat_s=task.clock.monotonic() - task.began - judges_s,
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
