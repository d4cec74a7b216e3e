"""Looks for open runs that fit this runner and works on them, oldest first, until there is nothing left to do."""

from collections.abc import Generator

from sync.errors import CorruptMailbox, HybridError, NewerMailbox, NotFound
from sync.mailbox import layout, lease
from sync.mailbox.layout import RunFolder
from sync.mailbox.records import Ended, Hello, Spec
from sync.mailbox.state import Phase, phase, shards
from sync.mailbox.view import look

from .session import Session, SetupFailed
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
        self._silence: dict[str, lease.Silence] = {}
        self._leases: dict[str, Lease] = {}
        self._specs: dict[str, Spec] = {}
        self._closed: set[str] = set()
        self._not_again: set[str] = set()

    def serve(self) -> Generator[float, None, None]:
        """Until idle for too long, or told to end. Yields how long it may be left alone."""
        idle_since = self._place.clock.monotonic()
        while not self._place.ending():
            worked, waiting = yield from self._round()
            now = self._place.clock.monotonic()
            if worked or waiting:
                idle_since = now
            elif now - idle_since >= self._idle_exit:
                self._place.say("nothing left to do")
                return
            if not worked:
                yield self._place.remote.capabilities.tick_s if waiting else min(1.0, self._idle_exit)
        self._place.say(self._place.ending())

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
            now = phase(seen, shards(seen, spec.shards, spec.retries))
            if now in (Phase.STOPPED, Phase.FAILED):
                self._closed.add(run_id)
                continue
            if now is Phase.DONE and len(seen.accepted) == spec.shards:
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
        if not (yield from hold.take()):
            return False
        self._place.say(f"run {run_id}: taken")
        try:
            session = Session(hold, spec)
            yield from hold.beating(session.run(), spec.max_hours * 3600)
        except Interrupted as reason:
            hold.give_up(str(reason))
            self._place.say(f"run {run_id}: {reason}")
            if not self._place.ending():
                self._not_again.add(
                    run_id
                )  # released, stopped, superseded or out of time: not for this worker again
            return True
        except SetupFailed as failure:
            hold.broken(failure.ended)
            hold.give_up(failure.ended.reason)
            self._not_again.add(run_id)
            self._place.say(f"run {run_id}: {failure.ended.reason}\n{failure.ended.log}".rstrip())
            return True
        except (NotFound, CorruptMailbox) as error:
            # The snapshot has not arrived yet, or is damaged: another look later, by whoever comes.
            hold.broken(Ended(reason=f"the run's snapshot cannot be used: {error}"))
            hold.give_up(str(error))
            self._not_again.add(run_id)
            self._place.say(f"run {run_id}: {error}")
            return True
        except HybridError as error:
            hold.give_up(str(error))
            raise
        hold.give_up("every shard is over")
        self._closed.add(run_id)
        self._place.say(f"run {run_id}: every shard is over")
        return True
