"""What more can be told of one run than its names tell: its worker, its failures, how long it will take."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar

from sync.errors import CorruptMailbox, NewerMailbox, NotFound
from sync.mailbox import lease, records
from sync.mailbox.layout import Attempt, RunFolder
from sync.mailbox.records import Ended, Hello, Mark, Tick
from sync.mailbox.state import Phase
from sync.mailbox.view import RunView

from .mailbox import Mailbox, Run
from .memory import Memory

R = TypeVar("R")
_LONGEST_REASON = 200
MOST_FAILURES = 10
MOST_TIMED = 20
"""How many attempts are asked how long they took."""


@dataclass(frozen=True, kw_only=True)
class Holder:
    """The worker that holds a run.

    hello   who it is; None where that cannot be read
    tick    its last sign of life; None where there is none yet
    silent  seconds since this laptop first saw that tick, on its own clock; None at the first look
    dead    it ran on this machine, and is certain to have ended
    """

    worker: str
    hello: Hello | None
    tick: Tick | None
    silent: float | None
    dead: bool


@dataclass(frozen=True, kw_only=True)
class Failure:
    """The last failure of a shard. ``final``: it is not tried again."""

    attempt: Attempt
    ended: Ended
    final: bool


def read(kind: type[R], mailbox: Mailbox, run: str, name: str) -> R | None:
    """A record of the run's folder; None where it is not there, not whole (yet), or of a newer version."""
    try:
        return records.read(kind, mailbox.remote, f"{mailbox.base}/{RunFolder(run).in_folder(name)}")
    except (NotFound, CorruptMailbox, NewerMailbox):
        return None


def silence(memory: Memory, run: str, seen: RunView, now: float) -> float | None:
    """Seconds since this laptop first saw the newest tick of the run's holder. Of the names alone."""
    worker = lease.holder(seen)
    if worker is None:
        return None
    return memory.silence(run, worker, seen.ticks.get(worker, [0])[-1], now)


def is_silent(mailbox: Mailbox, silent: float | None) -> bool:
    """Whether another worker would take over after so long."""
    capabilities = mailbox.remote.capabilities
    return silent is not None and silent >= lease.patience_s(capabilities.tick_s, capabilities.settle_s)


def holder(mailbox: Mailbox, run: Run, memory: Memory, now: float) -> Holder | None:
    worker = lease.holder(run.seen)
    if worker is None:
        return None
    hello = read(Hello, mailbox, run.spec.run, RunFolder.hello(worker))
    ticks = run.seen.ticks.get(worker, [])
    tick = read(Tick, mailbox, run.spec.run, RunFolder.tick(worker, ticks[-1])) if ticks else None
    return Holder(
        worker=worker,
        hello=hello,
        tick=tick,
        silent=silence(memory, run.spec.run, run.seen, now),
        dead=hello is not None and _is_dead(hello),
    )


def failures(mailbox: Mailbox, run: Run) -> list[Failure]:
    """The last failure of each shard that is not complete, those given up first; not more than MOST_FAILURES."""
    states = [state for state in run.states if state.failed and not state.complete]
    states.sort(key=lambda state: (not state.exhausted, state.number))
    found = []
    for state in states[:MOST_FAILURES]:
        attempt = max(state.failed, key=lambda each: order(run.seen, each))
        ended = read(Ended, mailbox, run.spec.run, RunFolder.attempt("failed", attempt))
        if ended is not None:
            found.append(Failure(attempt=attempt, ended=ended, final=state.exhausted))
    return found


def setup_failure(mailbox: Mailbox, run: Run) -> Ended | None:
    """How the last set-up of the run failed."""
    if not run.seen.broken:
        return None
    worker, epoch = max(run.seen.broken.items(), key=lambda each: each[1])
    return read(Ended, mailbox, run.spec.run, RunFolder.broken(worker, epoch))


def given_up(mailbox: Mailbox, run: Run) -> str:
    """Why the last worker gave up a run that waits for the next one; empty where none did, or it does not say."""
    if run.phase is not Phase.QUEUED or not run.seen.yields:
        return ""
    worker, epoch = max(run.seen.yields.items(), key=lambda each: each[1])
    if epoch < max(run.seen.claims.values(), default=0):
        return ""  # the last one was released, and had no time to say why
    mark = read(Mark, mailbox, run.spec.run, RunFolder.yields(worker, epoch))
    return " ".join(mark.reason.split())[:_LONGEST_REASON] if mark else ""


def order(seen: RunView, attempt: Attempt) -> tuple[int, int]:
    """Sorts the attempts at one shard by time, as far as names tell."""
    return seen.claims.get(attempt.worker, 0), attempt.n


def remaining_s(mailbox: Mailbox, run: Run, tick: Tick | None) -> float | None:
    """About how long the rest will take, by what finished attempts took. None where nothing tells, or goes on."""
    if tick is None or run.phase is not Phase.RUNNING:
        return None
    done = sorted(attempt for state in run.states for attempt in state.done)[-MOST_TIMED:]
    names = (RunFolder.attempt("done", attempt) for attempt in done)
    ended = (read(Ended, mailbox, run.spec.run, name) for name in names)
    waiting = sum(not state.over and not state.running for state in run.states)
    return estimate((each.seconds for each in ended if each is not None), waiting, tick.running.values())


def estimate(took: Iterable[float], waiting: int, running: Iterable[float]) -> float | None:
    """Seconds that are left: ``took`` by finished shards, ``running`` so far by those at work, side by side."""
    times, at_work = list(took), list(running)
    if not times or not at_work:
        return None
    usual = sum(times) / len(times)
    work = waiting * usual + sum(max(0.0, usual - spent) for spent in at_work)
    return work / len(at_work)


def _is_dead(hello: Hello) -> bool:
    # Imported here: the list of runs, which most calls of ``status`` want, does without it.
    from cloud_runner import host

    return host.is_dead(hello)
