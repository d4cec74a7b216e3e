"""What ``hybrid today`` says: what happened lately, put together from the journal, the ledger and the agent's status. Pure.

Figures come from the events' ``data``, as ``daemon.tell.tidings`` writes them; an event without one counts all the same.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any

from .daemon.tell.events import (
    DONE,
    FAILED,
    GRADED,
    PUBLISHED,
    PULLED,
    QUEUED,
    STARTED,
    SUPERSEDED,
    Event,
)
from .daemon.tell.events import STOPPED as STOPPED_RUN
from .daemon.tell.journal import Entry
from .daemon.tell.status import STOPPED, Need, RunLine, Status
from .run_names import name_of

_PHASES = {
    QUEUED: "queued",
    STARTED: "started",
    PULLED: "running",
    DONE: "done",
    FAILED: "failed",
    STOPPED_RUN: "stopped",
    SUPERSEDED: "superseded",
}
ENDED = ("done", "failed", "stopped", "superseded")


@dataclass(frozen=True, kw_only=True)
class DayRun:
    """A run of which something happened. ``queued`` and ``ended`` are wall clock, None where that is not known or not yet;
    ``took_s`` from the one to the other; ``here`` are shards on this laptop; ``note`` a clause on what holds it."""

    run: str
    name: str
    phase: str
    queued: float | None = None
    ended: float | None = None
    took_s: float | None = None
    shards: int | None = None
    here: int | None = None
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class DayGrade:
    """One grading. ``judges`` are the models that were asked, none for a rule alone; ``right`` is a sum of values in [0, 1] over ``scored`` of ``samples``; ``missing`` were never answered.
    ``at`` is wall clock, ``ledger`` the name of its file."""

    run: str
    scorer: str
    right: float
    scored: int
    samples: int
    missing: int
    at: float
    ledger: str
    judges: Sequence[str] = ()

    @property
    def rate(self) -> float | None:
        return self.right / self.scored if self.scored else None


@dataclass(frozen=True, kw_only=True)
class Pushes:
    """``times`` is wall clock; ``files`` were read because they had changed."""

    count: int = 0
    files: int = 0
    removed: int = 0
    sent_bytes: int = 0
    times: Sequence[float] = ()


@dataclass(frozen=True, kw_only=True)
class Today:
    """``agent`` is its state, None where none has ever run; ``problems`` what went wrong and may be over, as sentences."""

    since: float
    until: float
    pushes: Pushes
    runs: Sequence[DayRun]
    grades: Sequence[DayGrade]
    spent: Mapping[str, float] = field(default_factory=dict)
    needs: Sequence[Need] = ()
    waiting: str = ""
    agent: str | None = None

    def to_json(self) -> dict[str, Any]:
        document = asdict(self)
        document["grades"] = [{**asdict(each), "rate": each.rate} for each in self.grades]
        return document


def tell(
    entries: Sequence[Entry],
    grades: Sequence[DayGrade],
    status: Status | None,
    *,
    queued: Mapping[str, float],
    closed: Mapping[str, str],
    since: float,
    until: float,
) -> Today:
    """``entries`` since then, and ``grades`` read from the ledger, which count where no event tells of them; ``queued``
    says when runs were, also before; ``closed`` the phases in which runs ended, as commands have seen; what is spent is so
    from the beginning of the agent's books."""
    told = {each.ledger: each for each in grades}
    told.update((each.ledger, each) for each in map(_grade, entries) if each is not None)
    waiting = status.waiting if status else None
    return Today(
        since=since,
        until=until,
        pushes=_pushes(entries),
        runs=[_closed(run, closed) for run in _runs(entries, status.runs if status else [], queued)],
        grades=sorted(told.values(), key=lambda each: each.at),
        spent={currency: amount for currency, amount in (status.spent if status else {}).items() if amount},
        needs=_lasting(status) if status else [],
        waiting=waiting.why if waiting else "",
        agent=status.state if status else None,
    )


def _closed(run: DayRun, closed: Mapping[str, str]) -> DayRun:
    """A command may have seen the end of a run that no event tells of."""
    if run.phase in ENDED or run.run not in closed:
        return run
    return replace(run, phase=closed[run.run], note="")


def _lasting(status: Status) -> list[Need]:
    """What an agent told that has ended may be over: that the project is gone is, where somebody asks from within it."""
    if status.state != STOPPED:
        return status.needs
    return [need for need in status.needs if need.key != "root"]


def graded_files(entries: Sequence[Entry]) -> set[str]:
    """The names of the ledger's files of which events tell all there is: they need not be read."""
    return {each.ledger for each in map(_grade, entries) if each is not None}


def _pushes(entries: Sequence[Entry]) -> Pushes:
    events = [each.event for each in entries if each.event.kind == PUBLISHED]
    return Pushes(
        count=len(events),
        files=sum(_count(each, "changed") or 0 for each in events),
        removed=sum(_count(each, "removed") or 0 for each in events),
        sent_bytes=sum(_count(each, "sent_bytes") or 0 for each in events),
        times=[each.at for each in entries if each.event.kind == PUBLISHED],
    )


def _runs(
    entries: Sequence[Entry], open_ones: Sequence[RunLine], queued: Mapping[str, float]
) -> list[DayRun]:
    """In the order in which something was first heard of them."""
    found: dict[str, list[Entry]] = {}
    for each in entries:
        if each.event.run and each.event.kind in _PHASES:
            found.setdefault(each.event.run, []).append(each)
    lines = {each.run: each for each in open_ones}
    for line in open_ones:
        found.setdefault(line.run, [])
    return [_run(run, some, lines.get(run), queued.get(run)) for run, some in found.items()]


def _run(run: str, entries: Sequence[Entry], line: RunLine | None, queued: float | None) -> DayRun:
    phase, ended, name, shards, here = "queued", None, "", None, None
    for each in entries:
        event = each.event
        phase = _PHASES[event.kind]
        # What has ended may go on: a run that waited for a person.
        ended = each.at if phase in ENDED else None
        queued = each.at if event.kind == QUEUED else queued
        name = str(event.data.get("name") or name)
        shards = _count(event, "shards") if "shards" in event.data else shards
        here = _count(event, "here") if "here" in event.data else here
    queued = _in_id(run) if queued is None else queued
    if line is not None and ended is None:
        phase = line.phase
    if line is not None:
        name, shards, here = line.name or name, line.shards, line.here
    took = ended - queued if ended is not None and queued is not None and ended >= queued else None
    return DayRun(
        run=run,
        name=name or name_of(run) or run,
        phase=phase,
        queued=queued,
        ended=ended,
        took_s=took,
        shards=shards,
        here=here,
        note=line.note if line is not None else "",
    )


def _in_id(run: str) -> float | None:
    """When the run was queued, as its id says, by the clock of the laptop that did."""
    if not name_of(run):
        return None
    try:
        return datetime.strptime(f"{run[:15]}+0000", "%Y%m%d-%H%M%S%z").timestamp()
    except ValueError:
        return None


def _grade(entry: Entry) -> DayGrade | None:
    """None where the event does not tell all of it."""
    event = entry.event
    right, scored, samples = (_number(event, name) for name in ("right", "scored", "samples"))
    ledger, judges = event.data.get("ledger"), event.data.get("judges")
    if (
        event.kind != GRADED
        or right is None
        or scored is None
        or samples is None
        or not isinstance(ledger, str)
    ):
        return None
    return DayGrade(
        run=event.run,
        scorer=str(event.data.get("scorer", "")),
        right=right,
        scored=int(scored),
        samples=int(samples),
        missing=_count(event, "missing") or 0,
        at=entry.at,
        ledger=ledger,
        judges=[str(each) for each in judges] if isinstance(judges, list) else [],
    )


def _number(event: Event, name: str) -> float | None:
    value = event.data.get(name)
    return value if isinstance(value, int | float) else None


def _count(event: Event, name: str) -> int | None:
    value = _number(event, name)
    return None if value is None else int(value)
