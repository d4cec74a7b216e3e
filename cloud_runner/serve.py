"""Looks for open runs that fit this runner and works on them, oldest first, until there is nothing left to do."""

import contextlib
from collections.abc import Callable, Generator
from functools import partial

from sync.errors import CorruptMailbox, HybridError, NewerMailbox, NotFound, RemoteError
from sync.mailbox import layout, lease
from sync.mailbox.layout import RunFolder
from sync.mailbox.records import Ended, Hello, Spec
from sync.mailbox.state import shards
from sync.mailbox.view import look

from .outage import LONGEST_LEAVING_S, OUTAGES, Outage, through
from .prepare import SetupFailed
from .present import Away
from .session import Session
from .worker import Interrupted, Lease, Place, may_take, read_spec


class Runner:
    """One process's work on one project's mailbox.

    targets    what this runner was started as; it takes only runs for one of them
    idle_exit  seconds without anything to do or to wait for, after which it ends
    """

    def __init__(self, place: Place, hello: Hello, targets: frozenset[str], idle_exit: float) -> None:
        self._place = place
        self._hello = hello
        self._targets = targets
        self._idle_exit = idle_exit
        self._idle_since = 0.0
        self._silence: dict[str, lease.Silence] = {}
        self._leases: dict[str, Lease] = {}
        self._specs: dict[str, Spec] = {}
        self._closed: set[str] = set()
        self._not_again: set[str] = set()

    def serve(self) -> Generator[float, None, None]:
        """Until idle for too long, or told to end. Yields how long it may be left alone."""
        self._idle_since = self._place.clock.monotonic()
        outage = Outage(self._place.clock, self._place.say)
        while not self._place.ending():
            try:
                worked, waiting = yield from self._round()
                outage.over()
            except OUTAGES as error:
                outage.endure(error)
                # A folder that somebody deleted is not waited for longer than one without work.
                worked, waiting = False, not isinstance(error, Away)
            now = self._place.clock.monotonic()
            if worked or waiting:
                self._idle_since = now
            elif now - self._idle_since >= self._idle_exit:
                self._place.say("nothing left to do")
                return
            if not worked:
                yield min(self._look_again_s(), self._idle_exit)
        self._place.say(self._place.ending())

    def _look_again_s(self) -> float:
        """A folder of this machine costs nothing to look into; elsewhere calls are counted."""
        if self._place.remote.capabilities.local_path is not None:
            return min(1.0, self._place.tick_s)
        return self._place.tick_s

    def _round(self) -> Generator[float, None, tuple[bool, bool]]:
        """Goes once over the open runs. Whether it worked on one, and whether one is held by another worker."""
        worked = waiting = False
        for run_id in sorted(self._place.remote.list_folders(f"{self._place.base}/{layout.RUNS}")):
            if run_id in self._closed or run_id in self._not_again or self._place.ending():
                continue
            spec = self._spec(run_id)
            if spec is None or spec.target not in self._targets:
                continue
            folder = RunFolder(run_id)
            seen = look(self._place.remote, self._place.base, folder)
            states = shards(seen, spec.shards, spec.retries)
            # A shard that only says that it is done is looked into by each worker that comes.
            if seen.stopped or all(state.accepted or state.exhausted for state in states):
                self._closed.add(run_id)
                continue
            silence = self._silence.setdefault(run_id, lease.Silence())
            if not may_take(self._place, folder, seen, silence):
                waiting = True
                continue
            worked = (yield from self._work_on(run_id, spec, silence)) or worked
        return worked, waiting

    def _spec(self, run_id: str) -> Spec | None:
        if run_id not in self._specs:
            try:
                self._specs[run_id] = read_spec(self._place, RunFolder(run_id))
            except (NotFound, CorruptMailbox):
                return None  # not there yet
            except NewerMailbox as error:
                self._place.say(f"{error} {error.hint}")
                self._closed.add(run_id)
                return None
        return self._specs[run_id]

    def _work_on(self, run_id: str, spec: Spec, silence: lease.Silence) -> Generator[float, None, bool]:
        hold = self._leases.setdefault(run_id, Lease(self._place, self._hello, run_id, silence))
        try:
            if not (yield from hold.take()):
                return False
        except Interrupted:  # the run was removed just now
            return False
        self._place.say(f"run {run_id}: taken")
        try:
            yield from hold.beating(Session(hold, spec).run(), spec.max_hours * 3600)
        except Interrupted as reason:
            self._place.say(f"run {run_id}: {reason}")
            if not reason.again:
                self._not_again.add(run_id)
            yield from self._tell(partial(hold.give_up, str(reason)))
        except SetupFailed as failure:
            yield from self._cannot(hold, run_id, failure.ended)
        except (NotFound, CorruptMailbox, NewerMailbox) as error:
            yield from self._cannot(hold, run_id, Ended(reason=_unusable(error)))
        except RemoteError:
            raise
        except (HybridError, OSError, ValueError) as error:
            hint = f" {error.hint}" if isinstance(error, HybridError) else ""
            why = f"this machine cannot work on it: {error}{hint}".strip().removesuffix(".")
            yield from self._cannot(hold, run_id, Ended(reason=why))
        else:
            self._closed.add(run_id)
            self._place.say(f"run {run_id}: every shard is over")
            yield from self._tell(partial(hold.give_up, "every shard is over"))
        finally:
            self._idle_since = self._place.clock.monotonic()
        return True

    def _cannot(self, hold: Lease, run_id: str, ended: Ended) -> Generator[float, None, None]:
        """Another worker may be able to; this one does not try again."""
        self._not_again.add(run_id)
        self._place.say(f"run {run_id}: {ended.reason}\n{ended.log}".rstrip())
        yield from self._tell(partial(hold.broken, ended))
        yield from self._tell(partial(hold.give_up, ended.reason))

    def _tell(self, write: Callable[[], None]) -> Generator[float, None, None]:
        """Tells how the work on a run ended. Others find out without it, only later."""

        def once() -> Generator[float, None, None]:
            write()
            yield from ()

        outage = Outage(self._place.clock, self._place.say, LONGEST_LEAVING_S)
        with contextlib.suppress(*OUTAGES):
            yield from through(once, outage, self._place.tick_s)


def _unusable(error: HybridError) -> str:
    """A clause without a full stop: others put it into their sentences."""
    why = f"the run's snapshot cannot be used: {str(error).removesuffix('.')}"
    if isinstance(error, CorruptMailbox):
        why += "; delete that file, then: hybrid push --check"
    return why
