"""The work on a run while the lease is held: lay out, set up, attempts side by side, outputs, verdicts.

A generator of waits, like all long work here; an ``Interrupted`` thrown into it ends the children, publishes what is
there where that is worth it, and marks the attempts as left.
"""

from collections.abc import Generator
from pathlib import Path
from typing import TypeVar

from sync.errors import CorruptMailbox, NotFound
from sync.mailbox import records
from sync.mailbox.layout import CHECKPOINT, OUTPUTS, Attempt, RunFolder
from sync.mailbox.records import Ended, Spec, Tick
from sync.mailbox.state import ShardState, shards
from sync.mailbox.view import RunView
from sync.store.materialise import materialise
from sync.store.nouns import FILE, Entry
from sync.store.reader import Reader

from . import attempt as attempts
from . import setup
from .attempt import Job
from .child import Child, Command
from .publish import Outlet
from .worker import Interrupted, Lease, Place
from .workspace import Workspace

T = TypeVar("T")
POLL_S = 0.2
GRACE_S = 15.0
"""Seconds that a child has between SIGTERM and SIGKILL."""
QUIET_S = {OUTPUTS: 0.0, CHECKPOINT: 10.0}
"""How long a folder must not have changed before it is published while its attempt runs."""
LEAST_PAUSE_S = 10.0
PAUSE_FACTOR = 5


class SetupFailed(Exception):
    """The run cannot begin on this machine."""

    def __init__(self, ended: Ended) -> None:
        super().__init__(ended.reason)
        self.ended = ended


class Session:
    def __init__(self, lease: Lease, spec: Spec) -> None:
        self._lease = lease
        self._place: Place = lease.place
        self._spec = spec
        self._reader = Reader(self._place.remote, self._place.base)
        self._outlet = Outlet(self._place.remote, self._place.base)
        self._space = Workspace(self._place.work, self._place.project, spec.run, lease.worker)
        self._entries: list[Entry] = []
        self._jobs: list[Job] = []
        self._verified: set[Attempt] = set()
        self._void: set[Attempt] = set()
        self._over = 0
        lease.report = self._tick

    @property
    def _pack_size(self) -> int:
        return self._place.remote.capabilities.pack_size

    def run(self) -> Generator[float, None, None]:
        """Until every shard is over. Raises SetupFailed, and Interrupted once it has cleaned up after it."""
        try:
            states = yield from self._states()
            if not all(state.over for state in states):
                yield from self._lay_out()
                yield from self._set_up()
                yield from self._work()
        except Interrupted as reason:
            yield from self._leave(reason)
            raise

    def _lay_out(self) -> Generator[float, None, None]:
        self._lease.doing = "laying out the snapshot"
        root = self._reader.root(self._spec.snapshot)
        self._entries = self._reader.entries(root)
        laid = yield from _unhurried(
            materialise(self._reader, self._entries, self._space.tree, mirror=True, escaping_links=True)
        )
        self._reader.forget(root.name)
        for problem in laid.problems:
            self._place.say(f"{problem.path!r} {problem.what}")

    def _set_up(self) -> Generator[float, None, None]:
        if self._spec.gpu not in ("", "none") and not self._place.devices:
            raise SetupFailed(
                Ended(reason=f"the run needs a GPU ({self._spec.gpu}) and this machine shows none")
            )
        if not self._spec.setup:
            return
        key = setup.key(self._spec.setup, self._entries)
        done = setup.Done(self._place.work, self._place.project)
        if done.has(key):
            return
        self._lease.doing = "setting up"
        folder = self._space.begin(Attempt(0, self._lease.worker, 0))
        place_holder = Spec(**{**self._spec.__dict__, "command": [], "shell": self._spec.setup})
        command = attempts.command(
            place_holder,
            Attempt(0, self._lease.worker, 0),
            self._space.tree,
            folder,
            None,
            self._place.devices,
            0,
        )
        began = self._place.clock.monotonic()
        child = self._start(command, folder)
        try:
            while (code := child.poll()) is None:
                yield POLL_S
        except Interrupted:
            child.kill()
            raise
        if code:
            raise SetupFailed(
                Ended(
                    exit=code,
                    reason=f"the set-up ended with exit code {code}",
                    log=attempts.tail(folder / "log"),
                    seconds=self._place.clock.monotonic() - began,
                )
            )
        done.add(key)

    def _work(self) -> Generator[float, None, None]:
        self._lease.doing = "working"
        width = self._spec.parallel or max(1, len(self._place.devices))
        refresh = 0.0
        states: list[ShardState] = []
        while True:
            if not states or self._place.clock.monotonic() >= refresh:
                states = yield from self._states()
                refresh = self._place.clock.monotonic() + self._place.remote.capabilities.tick_s
            self._over = sum(state.over for state in states)
            busy = {job.attempt.shard for job in self._jobs}
            waiting = [state for state in states if not state.over and state.number not in busy]
            if not waiting and not self._jobs:
                return
            while waiting and len(self._jobs) < width:
                state = waiting.pop(0)
                yield from self._begin(state)
            for job in list(self._jobs):
                code = job.child.poll()
                if code is not None:
                    yield from self._end(job, code)
                    states = []
                else:
                    yield from self._publish_meanwhile(job)
            if states:
                yield POLL_S

    def _states(self) -> Generator[float, None, list[ShardState]]:
        seen = self._lease.see()
        yield from self._verify(seen)
        return shards(seen, self._spec.shards, self._spec.retries, frozenset(self._void))

    def _verify(self, seen: RunView) -> Generator[float, None, None]:
        """Reads all that unaccepted ``done`` attempts of others name: their machine may have died too early."""
        for attempt in sorted(seen.done - self._verified - self._void):
            if attempt.worker == self._lease.worker or attempt.shard in seen.accepted:
                continue
            path = self._lease.folder.in_folder(RunFolder.attempt("done", attempt))
            try:
                ended = records.read(Ended, self._place.remote, f"{self._place.base}/{path}")
                root = self._reader.root(ended.snapshot)
                entries = self._reader.entries(root)
                for _ in self._reader.fetch(c for entry in entries for c in entry.chunks):
                    yield 0.0
                self._reader.forget(root.name)
                self._verified.add(attempt)
            except (NotFound, CorruptMailbox) as error:
                self._place.say(f"attempt {attempt} is void: {error}")
                self._void.add(attempt)

    def _begin(self, state: ShardState) -> Generator[float, None, None]:
        seen = self._lease.see()
        mine = [a.n for a in seen.starts if a.worker == self._lease.worker and a.shard == state.number]
        attempt = Attempt(state.number, self._lease.worker, 1 + max(mine, default=0))
        folder = self._space.begin(attempt)
        yield from self._restore_checkpoint(seen, attempt, folder)
        slot = min(set(range(len(self._jobs) + 1)) - {job.slot for job in self._jobs})
        self._lease.write(RunFolder.attempt("start", attempt), Ended())
        try:
            files = [entry.path for entry in self._entries if entry.kind == FILE]
            given = attempts.write_input(self._spec, state.number, self._space.tree, files, folder)
            command = attempts.command(
                self._spec, attempt, self._space.tree, folder, given, self._place.devices, slot
            )
            child = self._start(command, folder)
        except (OSError, ValueError) as error:
            self._lease.write(
                RunFolder.attempt("failed", attempt), Ended(exit=127, reason=f"cannot start: {error}")
            )
            self._space.remove(folder)
            return
        outputs, checkpoint = attempts.publishers(self._outlet, self._lease.folder, attempt, folder)
        now = self._place.clock.monotonic()
        self._jobs.append(Job(attempt, folder, child, outputs, checkpoint, started=now, slot=slot))

    def _start(self, command: Command, folder: Path) -> Child:
        child = self._place.start(command)
        self._space.record_child(folder, child.pid)
        return child

    def _restore_checkpoint(
        self, seen: RunView, attempt: Attempt, folder: Path
    ) -> Generator[float, None, None]:
        """The shard's newest checkpoint that is whole, by whichever worker."""
        found = [s for s in seen.snapshots if s.what == CHECKPOINT and s.attempt.shard == attempt.shard]
        found.sort(key=lambda s: (seen.claims.get(s.attempt.worker, 0), s.attempt.n, s.seq), reverse=True)
        for snapshot in found:
            try:
                root = self._reader.root(self._lease.folder.in_folder(snapshot.name))
                entries = self._reader.entries(root)
                yield from _unhurried(materialise(self._reader, entries, folder / "ckpt", mirror=True))
                self._reader.forget(root.name)
                return
            except (NotFound, CorruptMailbox) as error:
                self._place.say(f"checkpoint {snapshot.name} is not used: {error}")

    def _publish_meanwhile(self, job: Job) -> Generator[float, None, None]:
        """Publishes outputs and checkpoint of a running attempt, not too often."""
        for what, publisher in ((OUTPUTS, job.outputs), (CHECKPOINT, job.checkpoint)):
            now = self._place.clock.monotonic()
            if now < job.next_publication.get(what, job.started + LEAST_PAUSE_S):
                continue
            look = publisher.look()
            before, since = job.seen.get(what, (None, now))
            if before != look:
                job.seen[what] = (look, now)
                since = now
            if publisher.is_new(look) and now - since >= QUIET_S[what]:
                yield from _unhurried(publisher.publish(self._pack_size))
            took = self._place.clock.monotonic() - now
            pause = min(LEAST_PAUSE_S, QUIET_S[what]) if what == CHECKPOINT else LEAST_PAUSE_S
            job.next_publication[what] = self._place.clock.monotonic() + max(pause / 2, PAUSE_FACTOR * took)

    def _end(self, job: Job, code: int) -> Generator[float, None, None]:
        """The child has ended: its outputs, then its verdict."""
        seconds = self._place.clock.monotonic() - job.started
        snapshot = ""
        kind, reason = ("done", "") if code == 0 else ("failed", _reason(code))
        try:
            snapshot = (yield from _unhurried(job.outputs.publish(self._pack_size, final=True))).name
            if kind == "failed" and job.checkpoint.is_new(job.checkpoint.look()):
                yield from _unhurried(job.checkpoint.publish(self._pack_size))
        except OSError as error:
            kind, reason = "failed", f"its outputs cannot be read: {error}"
        self._lease.check(self._lease.see())
        ended = Ended(snapshot=snapshot, exit=code, reason=reason, log=job.log_tail(), seconds=seconds)
        self._lease.write(RunFolder.attempt(kind, job.attempt), ended)
        self._jobs.remove(job)
        self._space.remove(job.folder)
        self._place.say(f"shard {job.attempt.shard}: {kind} {reason}".rstrip())

    def _leave(self, reason: Interrupted) -> Generator[float, None, None]:
        """Ends all children, publishes what they made where that is worth it, and marks their attempts as left."""
        for job in self._jobs:
            job.child.terminate()
        until = self._place.clock.monotonic() + GRACE_S
        while any(job.child.poll() is None for job in self._jobs) and self._place.clock.monotonic() < until:
            yield POLL_S
        for job in self._jobs:
            job.child.kill()
            ended = Ended(reason=str(reason), log=job.log_tail())
            if reason.publish:
                if job.checkpoint.is_new(job.checkpoint.look()):
                    yield from _unhurried(job.checkpoint.publish(self._pack_size))
                root = yield from _unhurried(job.outputs.publish(self._pack_size))
                ended = Ended(snapshot=root.name, reason=str(reason), log=job.log_tail())
            self._lease.write(RunFolder.attempt("left", job.attempt), ended)
            self._space.remove(job.folder)
        self._jobs.clear()

    def _tick(self) -> Tick:
        now = self._place.clock.monotonic()
        logs = {str(job.attempt): log for job in self._jobs if (log := job.new_log())}
        return Tick(
            n=0,
            epoch=self._lease.epoch,
            elapsed=self._lease.elapsed,
            done=self._over,
            running={str(job.attempt): now - job.started for job in self._jobs},
            logs={attempt: list(log) for attempt, log in logs.items()},
        )


def _unhurried(steps: Generator[None, None, T]) -> Generator[float, None, T]:
    """Steps that want to go on at once."""
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            result: T = stop.value
            return result
        yield 0.0


def _reason(code: int) -> str:
    return f"killed by signal {-code}" if code < 0 else f"exit code {code}"
