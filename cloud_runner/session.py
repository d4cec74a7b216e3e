"""The work on a run while the lease is held: attempts side by side, outputs, verdicts.

A generator of waits, like all long work here; an ``Interrupted`` ends the children, publishes what is there where
that is worth it, and marks the attempts as left.
"""

from collections.abc import Generator
from functools import partial
from pathlib import Path

from sync.errors import HybridError, Transient, Unreachable
from sync.mailbox.layout import CHECKPOINT, OUTPUTS, Attempt, RunFolder
from sync.mailbox.records import Ended, Spec, Tick
from sync.mailbox.state import ShardState, shards
from sync.store.nouns import FILE, Root
from sync.store.reader import Reader

from . import attempt as attempts
from . import checkpoints
from .attempt import LOG_A_TICK, Job
from .child import Child, Command
from .closures import Closures
from .outage import LONGEST_LEAVING_S, OUTAGES, Outage, through
from .outlet import Outlet
from .pace import POLL_S, unhurried
from .prepare import prepare
from .publish import Publisher
from .worker import Interrupted, Lease, Place
from .workspace import Workspace

QUIET_S = {OUTPUTS: 0.0, CHECKPOINT: 10.0}
"""How long a folder must not have changed before it is published while its attempt runs."""
PAUSE_FACTOR = 5
"""The next publication waits for this many times what the last took."""
DYING_S = 5.0
"""How long a killed child may take to be gone."""


class Session:
    def __init__(self, lease: Lease, spec: Spec) -> None:
        self._lease = lease
        self._place: Place = lease.place
        self._spec = spec
        self._reader = Reader(self._place.remote, self._place.base)
        self._outlet = Outlet(self._place.remote, self._place.base)
        self._space = Workspace(self._place.work, self._place.project, lease.worker)
        self._closures = Closures(lease, self._reader)
        self._outage = Outage(self._place.clock, self._place.say)
        self._files: list[bytes] = []
        self._jobs: list[Job] = []
        self._over = 0
        self._states: list[ShardState] = []
        self._concluded = (-1, -1)
        lease.report = self._tick
        lease.told = self._told
        lease.leaving = False

    def run(self) -> Generator[float, None, None]:
        """Until every shard is over. Raises SetupFailed, and Interrupted once it has cleaned up after it."""
        try:
            if (yield from self._something_to_do()):
                entries = yield from prepare(self._lease, self._spec, self._reader, self._space)
                self._files = [entry.path for entry in entries if entry.kind == FILE]
                yield from self._work()
        except Interrupted as reason:
            self._lease.leaving = True
            yield from self._leave(reason)
            raise
        finally:
            for job in self._jobs:
                job.child.kill()
            self._space.close()

    def _conclude(self) -> list[ShardState]:
        """The state of each shard, as far as it is known here."""
        basis = (self._lease.changes, len(self._closures.void))
        if basis != self._concluded:
            void = frozenset(self._closures.void)
            self._states = shards(self._lease.known(), self._spec.shards, self._spec.retries, void)
            self._over = sum(state.over for state in self._states)
            self._concluded = basis
        return self._states

    def _something_to_do(self) -> Generator[float, None, bool]:
        self._lease.doing = "checking what is done"
        while all(state.over for state in self._conclude()):
            wait = self._closures.step(self._lease.known())
            if wait is None:
                return False
            yield wait
        return True

    def _work(self) -> Generator[float, None, None]:
        self._lease.doing = "working"
        width = self._spec.parallel or max(1, len(self._place.devices))
        while True:
            wait: float | None = POLL_S
            if len(self._jobs) < width:
                busy = {job.attempt.shard for job in self._jobs}
                waiting = [s.number for s in self._conclude() if not s.over and s.number not in busy]
                if waiting:
                    begin = partial(self._begin, waiting[0])
                    yield from through(begin, self._outage, self._place.tick_s)
                    wait = 0.0
                else:
                    wait = self._closures.step(self._lease.known())
                    if wait is None and not self._jobs:
                        return
            for job in list(self._jobs):
                code = job.child.poll()
                if code is not None:
                    yield from through(partial(self._end, job, code), self._outage, self._place.tick_s)
                else:
                    yield from self._publish_meanwhile(job)
            yield POLL_S if wait is None else min(wait, POLL_S)

    def _begin(self, shard: int) -> Generator[float, None, None]:
        seen = self._lease.see()
        self._lease.check(seen)
        if self._conclude()[shard].over:
            return
        mine = [a.n for a in seen.starts if a.worker == self._lease.worker and a.shard == shard]
        attempt = Attempt(shard, self._lease.worker, 1 + max(mine, default=0))
        folder = self._space.begin(attempt)
        yield from checkpoints.restore(self._lease, self._reader, seen, shard, folder / "ckpt")
        slot = min(set(range(len(self._jobs) + 1)) - {job.slot for job in self._jobs})
        self._lease.write(RunFolder.attempt("start", attempt), Ended())
        try:
            given = attempts.write_input(self._spec, shard, self._space.tree, self._files, folder)
            command = attempts.command(
                self._spec,
                attempt,
                self._space.tree,
                folder,
                input_file=given,
                devices=self._place.devices,
                slot=slot,
                deadline=self._deadline(),
            )
            child = self._start(command, folder)
        except (OSError, ValueError) as error:
            ended = Ended(exit=127, reason=f"cannot start: {error}")
            self._lease.write(RunFolder.attempt("failed", attempt), ended)
            self._space.remove(folder)
            self._place.say(f"shard {shard}: {ended.reason}")
            return
        run = self._lease.folder
        outputs = Publisher(self._outlet, run, attempt, OUTPUTS, folder / "out", folder / "log")
        checkpoint = Publisher(self._outlet, run, attempt, CHECKPOINT, folder / "ckpt", None)
        now = self._place.clock.monotonic()
        self._jobs.append(Job(attempt, folder, child, outputs, checkpoint, started=now, slot=slot))

    def _start(self, command: Command, folder: Path) -> Child:
        child = self._place.start(command)
        self._space.record_child(folder, child.pid)
        return child

    def _deadline(self) -> float | None:
        if not self._spec.max_hours:
            return None
        return self._place.clock.wall() + max(0.0, self._spec.max_hours * 3600 - self._lease.elapsed)

    def _publish(self, publisher: Publisher, *, final: bool) -> Generator[float, None, Root | None]:
        size = self._place.remote.capabilities.pack_size
        return (yield from unhurried(publisher.publish(size, final=final)))

    def _publish_meanwhile(self, job: Job) -> Generator[float, None, None]:
        """Publishes outputs and checkpoint of a running attempt, not too often."""
        pause = 2 * self._place.tick_s
        for what, publisher in ((OUTPUTS, job.outputs), (CHECKPOINT, job.checkpoint)):
            now = self._place.clock.monotonic()
            if now < job.next_publication.get(what, job.started + pause):
                continue
            try:
                look = publisher.look()
                before, since = job.seen.get(what, (None, now))
                if before != look:
                    job.seen[what] = (look, now)
                    since = now
                if publisher.is_new(look) and now - since >= QUIET_S[what]:
                    self._lease.check(self._lease.see())
                    yield from self._publish(publisher, final=False)
            except (*OUTAGES, OSError) as error:
                self._place.say(f"attempt {job.attempt}: its {what} cannot be published now: {error}")
            took = self._place.clock.monotonic() - now
            least = min(pause, QUIET_S[what] / 2) if what == CHECKPOINT else pause
            job.next_publication[what] = now + took + max(least, PAUSE_FACTOR * took)

    def _end(self, job: Job, code: int) -> Generator[float, None, None]:
        """The child has ended: its outputs, then its verdict. Whoever holds the lease by now: work that is complete
        is worth having, and only one attempt is accepted."""
        seconds = self._place.clock.monotonic() - job.started
        snapshot = ""
        kind, reason = ("done", "") if code == 0 else ("failed", _reason(code))
        try:
            if code and job.checkpoint.is_new(job.checkpoint.look()):
                yield from self._publish(job.checkpoint, final=True)
            root = yield from self._publish(job.outputs, final=True)
            snapshot = root.name if root else ""
        except OSError as error:
            kind, reason = "failed", reason or f"its outputs cannot be read: {error}"
        ended = Ended(snapshot=snapshot, exit=code, reason=reason, log=job.log_tail(), seconds=seconds)
        self._lease.write(RunFolder.attempt(kind, job.attempt), ended)
        self._jobs.remove(job)
        self._space.remove(job.folder)
        self._place.say(f"shard {job.attempt.shard}: {kind} {reason}".rstrip())

    def _leave(self, reason: Interrupted) -> Generator[float, None, None]:
        """Ends all children, publishes what they made where that is worth it, and marks their attempts as left."""
        self._lease.doing = f"leaving: {reason}"
        ended = [(job, job.child.poll()) for job in self._jobs]  # by themselves, so far
        for job in self._jobs:
            job.child.terminate()
        yield from self._wait_for_children(self._place.grace_s)
        for job in self._jobs:
            job.child.kill()
        yield from self._wait_for_children(DYING_S)
        outage = Outage(self._place.clock, self._place.say, LONGEST_LEAVING_S)
        for job, code in ended:
            step = partial(self._left, job, reason) if code is None else partial(self._end, job, code)
            try:
                yield from through(step, outage, self._place.tick_s)
            except OUTAGES as error:
                self._place.say(f"attempt {job.attempt}: its end cannot be told: {error}")

    def _left(self, job: Job, reason: Interrupted) -> Generator[float, None, None]:
        snapshot = ""
        if reason.publish:
            snapshot = yield from self._publish_what_is_left(job)
        ended = Ended(snapshot=snapshot, reason=str(reason), log=job.log_tail())
        self._lease.write(RunFolder.attempt("left", job.attempt), ended)
        self._jobs.remove(job)
        self._space.remove(job.folder)

    def _wait_for_children(self, seconds: float) -> Generator[float, None, None]:
        until = self._place.clock.monotonic() + seconds
        while any(job.child.poll() is None for job in self._jobs) and self._place.clock.monotonic() < until:
            yield POLL_S

    def _publish_what_is_left(self, job: Job) -> Generator[float, None, str]:
        try:
            if job.checkpoint.is_new(job.checkpoint.look()):
                yield from self._publish(job.checkpoint, final=True)
            root = yield from self._publish(job.outputs, final=True)
        except (Transient, Unreachable):
            raise
        except (HybridError, OSError) as error:
            self._place.say(f"attempt {job.attempt}: what it made cannot be published: {error}")
            return ""
        return root.name if root else ""

    def _tick(self) -> Tick:
        now = self._place.clock.monotonic()
        limit = LOG_A_TICK // max(1, len(self._jobs))
        logs = {str(job.attempt): log for job in self._jobs if (log := job.new_log(limit))}
        return Tick(
            n=0,
            epoch=self._lease.epoch,
            elapsed=self._lease.elapsed,
            done=self._over,
            running={str(job.attempt): now - job.started for job in self._jobs},
            logs={attempt: list(log) for attempt, log in logs.items()},
        )

    def _told(self) -> None:
        for job in self._jobs:
            job.log_told()


def _reason(code: int) -> str:
    return f"killed by signal {-code}" if code < 0 else f"exit code {code}"
