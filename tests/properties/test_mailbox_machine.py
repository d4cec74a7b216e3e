"""Workers, a laptop and a storage at its worst, interleaved at random: whatever happens, the end is right.

The workers are real, each on a machine of its own with a view of its own of one lagging storage; only their children
are scripts. What a worker learns too late, writes twice, or dies in the middle of is drawn by hypothesis.
"""

import random
import shutil
import tempfile
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from cloud_runner.child import Command
from sync.clock import ManualClock
from sync.errors import CorruptMailbox, NotFound, Transient
from sync.mailbox import records
from sync.mailbox.layout import Attempt, RunFolder, parse_attempt
from sync.mailbox.records import Accepted, Ended, Mark
from sync.mailbox.state import shards
from sync.mailbox.view import RunView, look
from sync.remotes.base import Capabilities, RemoteFile
from sync.remotes.faults import Crash, FaultPlan, When
from sync.remotes.memory import MemoryRemote, MemoryStore
from sync.store.nouns import Root
from sync.store.reader import Reader
from tests.support import mailboxes, scripted
from tests.support.scripted import ScriptedChild

BASE = "lab"
DIR = RunFolder("r-1")
LAG = 4.0
PACK = 48 * 1024
MOST_HARM = 4
"""Deaths and losses in one history: fewer than a shard is offered anew."""


class WatchedRemote(MemoryRemote):
    """Knows what its worker has been shown, and fails the test where the worker acts against it."""

    saw_stop = False

    def list_files(self, folder: str) -> list[RemoteFile]:
        found = super().list_files(folder)
        if folder.endswith(DIR.path) and any(file.name.startswith("stop-") for file in found):
            self.saw_stop = True
        return found

    def write(self, path: str, data: bytes) -> bool:
        assert not (self.saw_stop and ".start-" in path), "an attempt began after the stop was seen"
        return super().write(path, data)


@dataclass
class Worker:
    name: str
    remote: WatchedRemote
    plan: FaultPlan
    steps: Generator[float, None, None]
    due: float
    alive: bool = True


@dataclass
class World:
    """One run in one mailbox, with its laptop and all the workers that ever were."""

    seed: int
    folder: Path
    shards: int = 3
    retries: int = 1
    failing: frozenset[int] = frozenset()
    lag: float = LAG
    alike: bool = False
    wrote: dict[str, dict[str, bytes]] = field(default_factory=dict)
    accepted: dict[int, Root] = field(default_factory=dict)
    workers: list[Worker] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)
        self.clock = ManualClock()
        kind = Capabilities(pack_size=PACK, settle_s=self.lag)
        dice = self.dice if self.lag else None
        self.store = MemoryStore(clock=self.clock, lag=self.lag, dice=dice, capabilities=kind)
        self.laptop = MemoryRemote(self.store)
        mailboxes.make_mailbox(self.laptop, BASE)
        tree = mailboxes.publish_tree(self.laptop, BASE, {"main.py": b"print()\n"})
        mailboxes.queue_run(
            self.laptop,
            BASE,
            "r-1",
            tree.name,
            command=["main"],
            shards=self.shards,
            retries=self.retries,
            parallel=self.dice.choice([1, 2]),
        )

    def child(self, command: Command) -> ScriptedChild:
        """Every attempt writes something of its own, something that all share, and a checkpoint.

        Where all are ``alike``, a shard's attempts do the same, as those of a reproducible program.
        """
        name = command.env["HYBRID_ATTEMPT"]
        attempt = parse_attempt(name)
        assert attempt is not None and name not in self.wrote, "an attempt was begun twice"
        told = str(attempt.shard) if self.alike else name
        own = random.Random(told)
        files = {
            "answer.txt": told.encode(),
            "own.bin": own.randbytes(own.choice([0, 3000, 60_000, 150_000])),
            "shared/weights.bin": random.Random(attempt.shard).randbytes(30_000),
        }
        self.wrote[name] = files
        code = 1 if attempt.shard in self.failing else 0
        checkpoint = {"step": own.randbytes(2000)}
        polls = 150 if self.alike else own.choice([1, 20, 90])
        return ScriptedChild(command, polls, files, code, checkpoint=checkpoint)

    def start(self, plan: FaultPlan | None = None) -> Worker:
        name = f"worker{len(self.workers):02}{self.dice.randrange(100):02}"
        plan = plan or FaultPlan()
        remote = WatchedRemote(self.store, plan=plan)
        place = scripted.place(remote, self.clock, self.folder / name, self.child)
        steps = scripted.runner(place, scripted.hello(name), idle_exit=60.0).serve()
        worker = Worker(name, remote, plan, steps, self.clock.monotonic())
        self.workers.append(worker)
        return worker

    @property
    def alive(self) -> list[Worker]:
        return [worker for worker in self.workers if worker.alive]

    def step(self, worker: Worker) -> None:
        """One step of a worker. A death is a death: it leaves no word."""
        try:
            worker.due = self.clock.monotonic() + max(next(worker.steps), 0.01)
        except (StopIteration, Crash):
            worker.alive = False

    def kill(self, worker: Worker) -> None:
        worker.alive = False
        worker.steps.close()

    def pass_time(self, seconds: float) -> None:
        """Everyone who is due goes a step further, in any order where several are."""
        until = self.clock.monotonic() + seconds
        while True:
            soonest = min((worker.due for worker in self.alive), default=until)
            if soonest >= until:
                self.clock.advance(max(0.0, until - self.clock.monotonic()))
                return
            self.clock.advance(max(0.0, soonest - self.clock.monotonic()))
            now = max(soonest, self.clock.monotonic())
            self.step(self.dice.choice([worker for worker in self.alive if worker.due <= now]))

    def to_the_end(self) -> None:
        """Nothing bad happens any more; all who live come to their end."""
        for _ in range(400):
            if not self.alive:
                return
            self.pass_time(60.0)
        raise AssertionError("the workers do not come to an end")

    def view(self) -> RunView:
        return look(self.laptop, BASE, DIR)

    def content(self, snapshot: str) -> tuple[Root, dict[str, bytes]]:
        """Raises NotFound and CorruptMailbox, as the laptop's pull would."""
        reader = Reader(self.laptop, BASE)
        root = reader.root(snapshot)
        files = {}
        for entry in reader.entries(root):
            pieces = {chunk.sha256: data for chunk, data in reader.fetch(entry.chunks)}
            files[entry.path.decode()] = b"".join(pieces[chunk.sha256] for chunk in entry.chunks)
        return root, files

    def done(self) -> list[tuple[Attempt, Ended]]:
        """Attempts that say so and whose record the laptop can read, of shards that it still wants."""
        found = []
        for attempt in sorted(self.view().done):
            if attempt.shard in self.accepted:
                continue
            try:
                path = f"{BASE}/{DIR.in_folder(RunFolder.attempt('done', attempt))}"
                found.append((attempt, records.read(Ended, self.laptop, path)))
            except NotFound:
                continue
        return found

    def accept(self, attempt: Attempt, ended: Ended) -> bool:
        """What a laptop does: reads the whole closure, and only then says so."""
        try:
            root, files = self.content(ended.snapshot)
        except (NotFound, CorruptMailbox):
            return False
        assert attempt.shard not in self.failing
        assert files.pop("hybrid.log") == b"begun\n"
        assert files == self.wrote[str(attempt)], "an accepted attempt holds what its own child wrote"
        name = DIR.in_folder(RunFolder.accepted(attempt.shard, mailboxes.LAPTOP))
        record = Accepted(attempt=str(attempt), snapshot=ended.snapshot)
        assert self.laptop.write(f"{BASE}/{name}", records.encode(record)), "one acceptance a shard"
        self.accepted[attempt.shard] = root
        return True

    def accept_all(self) -> None:
        self.clock.advance(self.lag)
        for attempt, ended in self.done():
            if attempt.shard not in self.accepted:
                self.accept(attempt, ended)

    def lose(self, ended: Ended) -> None:
        """The storage forgets something that the marker names, as a mount that was cut off does."""
        try:
            root = Reader(self.laptop, BASE).root(ended.snapshot)
        except (NotFound, CorruptMailbox):
            return
        victim = self.dice.choice([root.name, *root.objects])
        self.store.files[:] = [file for file in self.store.files if file.path != f"{BASE}/{victim}"]

    def mark(self, name: str) -> None:
        self.laptop.write(f"{BASE}/{DIR.in_folder(name)}", records.encode(Mark(reason="so told")))

    def check_write_once(self) -> None:
        first: dict[str, bytes] = {}
        for file in self.store.files:
            assert first.setdefault(file.path, file.data) == file.data, f"{file.path} was changed"
            if file.path.endswith((".pack", ".snap")):
                assert sha256(file.data).hexdigest() in file.path

    def check_end(self) -> None:
        states = shards(self.view(), self.shards, self.retries)
        assert all(state.over for state in states)
        for state in states:
            if state.number in self.failing:
                assert state.exhausted and len(state.failed) >= self.retries + 1
                assert len(state.failed) <= (self.retries + 1) * len(self.workers)
            else:
                assert state.number in self.accepted and not state.failed


class Machine(RuleBasedStateMachine):
    """Histories of one run. Harm is bounded, so that a shard which nobody killed on purpose is always finished."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="machine-"))
        self.harm = 0
        self.stopped = False

    @initialize(
        seed=st.integers(0, 2**32),
        failing=st.sampled_from([frozenset(), frozenset(), frozenset({1})]),
        may_stop=st.sampled_from([False, False, False, True]),
    )
    def begin(self, seed: int, failing: frozenset[int], may_stop: bool) -> None:
        self.world = World(seed, self.folder, failing=failing)
        self.may_stop = may_stop
        self.world.start()

    @rule(seconds=st.sampled_from([0.5, 2.0, 5.0, 12.0, 40.0]))
    def time_passes(self, seconds: float) -> None:
        self.world.pass_time(seconds)

    @precondition(lambda self: len(self.world.alive) < 3)
    @rule(trouble=st.booleans())
    def another_worker_comes(self, trouble: bool) -> None:
        plan = FaultPlan()
        if trouble:
            plan.fail("read", Transient("the line is bad"))
        worker = self.world.start(plan)
        self.world.step(worker)
        plan.verify_all_fired()

    @precondition(lambda self: self.world.alive and self.harm < MOST_HARM)
    @rule(data=st.data())
    def a_worker_is_killed(self, data: st.DataObject) -> None:
        self.harm += 1
        self.world.kill(data.draw(st.sampled_from(self.world.alive)))

    @precondition(lambda self: self.world.alive and self.harm < MOST_HARM)
    @rule(data=st.data(), nth=st.integers(1, 25), after=st.booleans())
    def a_worker_dies_in_a_call(self, data: st.DataObject, nth: int, after: bool) -> None:
        worker = data.draw(st.sampled_from(self.world.alive))
        worker.plan.fail("*", Crash(), nth=nth, when="after" if after else "before")
        self._until_made(worker, "", nth)
        self.harm += not worker.alive

    @precondition(lambda self: self.world.alive)
    @rule(data=st.data(), method=st.sampled_from(["write", "list_files"]), after=st.booleans())
    def a_call_fails_for_once(self, data: st.DataObject, method: str, after: bool) -> None:
        worker = data.draw(st.sampled_from(self.world.alive))
        worker.plan.fail(method, Transient("the line is bad"), when="after" if after else "before")
        self._until_made(worker, method, 1)

    def _until_made(self, worker: Worker, method: str, more: int) -> None:
        """Lets time pass until the worker has made that many calls more, and so met the fault planned for them.

        A worker with nothing left to do may end before; then the fault has not been.
        """

        def made() -> int:
            return sum(method in ("", name) for name, _ in worker.remote.calls)

        wanted = made() + more
        while worker.alive and made() < wanted:
            self.world.pass_time(max(0.0, worker.due - self.world.clock.monotonic()) + 0.01)
        if made() >= wanted:
            worker.plan.verify_all_fired()

    @precondition(lambda self: self.world.alive)
    @rule(data=st.data(), seconds=st.sampled_from([3.0, 35.0, 90.0]))
    def a_worker_sleeps(self, data: st.DataObject, seconds: float) -> None:
        worker = data.draw(st.sampled_from(self.world.alive))
        worker.due = self.world.clock.monotonic() + seconds

    @rule()
    def the_laptop_accepts_one(self) -> None:
        done = self.world.done()
        if done:
            self.world.accept(*self.world.dice.choice(done))

    @precondition(lambda self: self.harm < MOST_HARM)
    @rule()
    def the_storage_loses_something(self) -> None:
        done = self.world.done()
        if done:
            self.harm += 1
            self.world.lose(self.world.dice.choice(done)[1])

    @precondition(lambda self: self.world.alive)
    @rule(data=st.data())
    def the_laptop_releases_a_worker(self, data: st.DataObject) -> None:
        self.world.mark(RunFolder.released(data.draw(st.sampled_from(self.world.alive)).name))

    @precondition(lambda self: self.may_stop and not self.stopped)
    @rule()
    def the_laptop_stops_the_run(self) -> None:
        self.stopped = True
        self.world.mark(RunFolder.stop(mailboxes.LAPTOP))

    @invariant()
    def nothing_was_changed(self) -> None:
        if hasattr(self, "world"):
            self.world.check_write_once()

    def teardown(self) -> None:
        try:
            if hasattr(self, "world"):
                self._end()
        finally:
            shutil.rmtree(self.folder)

    def _end(self) -> None:
        world = self.world
        world.to_the_end()
        for _ in range(2):
            world.accept_all()
            if len(world.accepted) + len(world.failing) == world.shards:
                break
            world.start()  # a worker that saw everything whole may have ended before something was lost
            world.to_the_end()
        world.accept_all()
        world.check_write_once()
        if self.stopped:
            assert all(worker.remote.saw_stop for worker in world.workers[-1:])
        else:
            world.check_end()


def test_whatever_happens_the_end_is_right() -> None:
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=60,
            stateful_step_count=25,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )


def small_world(folder: Path) -> World:
    return World(7, folder, shards=2, lag=0.0, alike=True)


def run_alone(world: World, worker: Worker) -> None:
    while worker.alive:
        world.pass_time(max(0.0, worker.due - world.clock.monotonic()) + 0.01)


def trees(world: World) -> dict[int, str]:
    world.accept_all()
    world.check_write_once()
    world.check_end()
    return {shard: root.tree for shard, root in world.accepted.items()}


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_death_at_any_call_changes_nothing_about_the_end(tmp_path: Path, when: When) -> None:
    reference = small_world(tmp_path / "reference")
    undisturbed = reference.start()
    run_alone(reference, undisturbed)
    wanted = trees(reference)
    kinds = [path.rpartition("/")[2] for method, path in undisturbed.remote.calls if method == "write"]
    for kind in (".hello", ".claim-", ".tick-", ".start-", ".done-", ".ckpt-", ".out-", ".pack", ".yield-"):
        assert any(kind in name for name in kinds), f"the history has no {kind}"
    last = max(n for n, (method, _) in enumerate(undisturbed.remote.calls, 1) if method == "write")
    for nth in range(1, last + 1):
        world = small_world(tmp_path / f"{nth}")
        plan = FaultPlan().fail("*", Crash(), nth=nth, when=when)
        run_alone(world, world.start(plan))
        plan.verify_all_fired()
        run_alone(world, world.start())
        assert trees(world) == wanted, f"after a death {when} call {nth}"


def at_work(world: World) -> Callable[[], bool]:
    return lambda: bool(world.view().starts)


def test_a_silent_workers_run_is_taken_over_only_after_the_agreed_silence(tmp_path: Path) -> None:
    world = World(1, tmp_path, lag=0.0)
    first = world.start()
    while not at_work(world)():
        world.step(first)
        world.clock.advance(0.1)
    world.kill(first)
    second = world.start()
    world.pass_time(29.0)
    assert second.name not in world.view().claims
    world.pass_time(10.0)
    assert second.name in world.view().claims
