"""One run in one mailbox, its laptop, and workers on machines of their own, with a storage at its worst between them.

The workers are real, each with a view of its own of one lagging storage; only their children are scripts. What a
worker learns too late, writes twice, or dies in the middle of is drawn from a seed.
"""

import random
from collections import Counter
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from cloud_runner.child import Command
from sync.clock import ManualClock
from sync.errors import CorruptMailbox, NotFound
from sync.mailbox import records
from sync.mailbox.layout import Attempt, RunFolder, parse_attempt
from sync.mailbox.records import Accepted, Ended, Mark
from sync.mailbox.state import shards
from sync.mailbox.view import RunView, look
from sync.remotes.base import Capabilities, RemoteFile
from sync.remotes.faults import Crash, FaultPlan
from sync.remotes.memory import MemoryRemote, MemoryStore
from sync.store.nouns import Root
from sync.store.reader import Reader
from tests.support import mailboxes, scripted
from tests.support.scripted import ScriptedChild

BASE = "lab"
DIR = RunFolder("r-1")
LAG = 4.0
PACK = 48 * 1024


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

    def write(self, path: str, data: bytes, before: Callable[[], None] | None = None) -> bool:
        assert not (self.saw_stop and ".start-" in path), "an attempt began after the stop was seen"
        return super().write(path, data, before)


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
