"""Workers, a laptop and a storage at its worst, interleaved at random: whatever happens, the end is right.

The workers are real, each on a machine of its own with a view of its own of one lagging storage; only their children
are scripts. What a worker learns too late, writes twice, or dies in the middle of is drawn from a seed.
"""

import random
import shutil
from collections import Counter
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

import pytest

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

    @property
    def asked_nothing(self) -> bool:
        return not any(method == "read" for method, _ in self.calls)

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
    met: Counter[str] = field(default_factory=Counter)
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
        if any(Path(command.env["HYBRID_CHECKPOINT"]).iterdir()):
            self.met["went on from a checkpoint"] += 1
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
        polls = 150 if self.alike else own.choice([1, 30, 120, 200])
        return ScriptedChild(command, polls, files, code, checkpoint=checkpoint)

    def start(self, plan: FaultPlan | None = None) -> Worker:
        name = f"worker{len(self.workers):02}{self.dice.randrange(100):02}"
        plan = plan or FaultPlan()
        remote = WatchedRemote(self.store, plan=plan)
        place = scripted.place(remote, self.clock, self.folder / name, self.child, say=self.hear)
        steps = scripted.runner(place, scripted.hello(name), idle_exit=60.0).serve()
        worker = Worker(name, remote, plan, steps, self.clock.monotonic())
        self.workers.append(worker)
        return worker

    def hear(self, line: str) -> None:
        if " is void: " in line:
            self.met["void"] += 1

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
            self.met["not whole for the laptop"] += 1
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

    def note_the_left(self) -> None:
        for attempt in self.view().left:
            path = f"{BASE}/{DIR.in_folder(RunFolder.attempt('left', attempt))}"
            self.met[f"left: {records.read(Ended, self.laptop, path).reason}"] += 1

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


class History:
    """One run's life, drawn from a seed. ``met`` counts what really came to pass.

    Harm is bounded, so that a shard which nobody killed on purpose is always finished.
    """

    def __init__(self, seed: int, folder: Path, met: Counter[str]) -> None:
        self.dice = random.Random(f"history {seed}")
        self.met = met
        self.harm = 0
        self.stopped = False
        failing = frozenset({1}) if self.dice.random() < 0.3 else frozenset[int]()
        self.may_stop = self.dice.random() < 0.25
        self.world = World(seed, folder, failing=failing, met=met)

    def live(self) -> None:
        happenings: list[tuple[int, Callable[[], None]]] = [
            (4, self.another_worker_comes),
            (2, self.a_worker_is_killed),
            (2, self.a_worker_dies_in_a_call),
            (3, self.a_call_fails_for_once),
            (3, self.a_worker_sleeps),
            (4, self.the_laptop_accepts_one),
            (2, self.the_storage_loses_something),
            (1, self.the_laptop_releases_a_worker),
            (1, self.the_laptop_stops_the_run),
        ]
        weights = [weight for weight, _ in happenings]
        self.world.start()
        for _ in range(self.dice.randint(5, 25)):
            self.world.pass_time(self.dice.choice([0.5, 2.0, 5.0, 12.0, 40.0]))
            self.dice.choices([happen for _, happen in happenings], weights)[0]()
            self.world.check_write_once()
        self.end()

    def anyone(self) -> Worker | None:
        return self.dice.choice(self.world.alive) if self.world.alive else None

    def another_worker_comes(self) -> None:
        if len(self.world.alive) >= 3:
            return
        plan = FaultPlan()
        if self.dice.random() < 0.5:
            plan.fail("read", Transient("the line is bad"))
            worker = self.world.start(plan)
            self.world.step(worker)
            if not worker.remote.asked_nothing:
                plan.verify_all_fired()
        else:
            self.world.start(plan)

    def a_worker_is_killed(self) -> None:
        worker = self.anyone()
        if worker is not None and self.harm < MOST_HARM:
            self.harm += 1
            self.met["killed"] += 1
            self.world.kill(worker)

    def a_worker_dies_in_a_call(self) -> None:
        worker = self.anyone()
        if worker is not None and self.harm < MOST_HARM:
            nth = self.dice.randint(1, 25)
            worker.plan.fail("*", Crash(), nth=nth, when=self.dice.choice(["before", "after"]))
            self.until_made(worker, "", nth)
            self.harm += 1

    def a_call_fails_for_once(self) -> None:
        worker = self.anyone()
        if worker is not None:
            method = self.dice.choice(["write", "list_files"])
            worker.plan.fail(method, Transient("the line is bad"), when=self.dice.choice(["before", "after"]))
            self.until_made(worker, method, 1)

    def until_made(self, worker: Worker, method: str, more: int) -> None:
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
            self.met[f"fault in {method or 'any'}"] += 1

    def a_worker_sleeps(self) -> None:
        worker = self.anyone()
        if worker is not None:
            worker.due = self.world.clock.monotonic() + self.dice.choice([3.0, 35.0, 90.0])

    def the_laptop_accepts_one(self) -> None:
        done = self.world.done()
        if done:
            self.world.accept(*self.dice.choice(done))

    def the_storage_loses_something(self) -> None:
        done = self.world.done()
        if done and self.harm < MOST_HARM:
            self.harm += 1
            self.met["lost"] += 1
            self.world.lose(self.dice.choice(done)[1])

    def the_laptop_releases_a_worker(self) -> None:
        worker = self.anyone()
        if worker is not None:
            self.world.mark(RunFolder.released(worker.name))

    def the_laptop_stops_the_run(self) -> None:
        if self.may_stop and not self.stopped:
            self.stopped = True
            self.world.mark(RunFolder.stop(mailboxes.LAPTOP))

    def end(self) -> None:
        """Nothing bad happens any more; then a fresh worker comes, and all is well."""
        world = self.world
        world.to_the_end()
        world.accept_all()
        last = world.start()
        world.to_the_end()
        world.accept_all()
        world.check_write_once()
        world.note_the_left()
        if self.stopped:
            assert last.remote.saw_stop
        else:
            world.check_end()


HISTORIES = 150
MUST_HAPPEN = (
    "killed",
    "lost",
    "void",
    "fault in any",
    "fault in write",
    "fault in list_files",
    "left: released by the laptop",
    "left: another worker has taken over",
    "left: stopped by the laptop",
    "went on from a checkpoint",
    "not whole for the laptop",
)


def test_whatever_happens_the_end_is_right(tmp_path: Path) -> None:
    met: Counter[str] = Counter()
    for seed in range(HISTORIES):
        try:
            History(seed, tmp_path / str(seed), met).live()
        except BaseException as error:
            error.add_note(f"in the history of seed {seed}")
            raise
        shutil.rmtree(tmp_path / str(seed), ignore_errors=True)
    assert not [what for what in MUST_HAPPEN if not met[what]], f"some things never happened: {met}"


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
