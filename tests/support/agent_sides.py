"""Both sides of an agent in this thread, on a clock that only moves when it is told to, with a mailbox that fails as planned.

The tree is a real folder. Its watcher is this: ``write`` and the like say what a watcher would have heard.
"""

import contextlib
import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from agent import collecting, places, pushing
from agent.daemon.ground import Ground
from agent.daemon.publish.publishing import Publishing
from agent.daemon.runs.homing import Homing
from agent.daemon.tell.board import Board
from agent.daemon.tell.desktop import Desktop
from agent.daemon.tell.notices import Notice
from agent.daemon.tell.status import STARTING, Status
from agent.daemon.watch.hints import Hints
from agent.mailbox import Mailbox
from agent.project import Project
from agent.state import opened as opened_state
from sync.clock import Clock, ManualClock
from sync.mailbox.view import run_ids
from sync.progress import Silent
from sync.push.publish import Pushed
from sync.remotes.faults import FaultPlan
from sync.remotes.memory import MemoryRemote, MemoryStore
from tests.support.mailboxes import queue_run
from tests.support.pushes import laid_out, later, snapshots
from tests.support.trees import Fingerprint, fingerprint

BASE = "lab"
LAPTOP = "laptop22"
SETTINGS = '[project]\nid = "lab"\n[remote]\nurl = "sftp://nobody@127.0.0.1:1/mail"\n'


class NoBell:
    """Who is called by hand waits for nobody."""

    def ring(self) -> None:
        pass

    def wait(self, seconds: float | None) -> None:
        raise AssertionError("nobody waits here")


class Denying(MemoryRemote):
    """Takes nothing while ``life.denied`` says why."""

    def __init__(self, life: "Life") -> None:
        super().__init__(life.store, plan=life.plan)
        self._life = life

    def write(self, path: str, data: bytes, before: Callable[[], None] | None = None) -> bool:
        if self._life.denied is not None:
            raise self._life.denied
        return super().write(path, data, before)


class Life:
    """A project in ``home``, its mailbox ``store``, and an agent that is replaced by ``begin``.

    ``plan`` fails calls of whoever opens the mailbox from now on; nobody can open it while ``down`` says why, or write to it
    while ``denied`` does; ``opened`` counts who opened it.
    """

    def __init__(self, home: Path, clock: ManualClock | None = None, seed: int = 0) -> None:
        self.home = home
        self.clock = clock or later()
        self.root = home / "project"
        self.root.mkdir(parents=True, exist_ok=True)
        (self.root / "hybrid.toml").write_text(SETTINGS)
        places.config_folder().mkdir(parents=True, exist_ok=True)
        (places.config_folder() / "laptop-id").write_text(LAPTOP)
        self.store = MemoryStore()
        self.plan = FaultPlan()
        self.down: BaseException | None = None
        self.denied: BaseException | None = None
        self.opened = 0
        self.polls = False
        self.shown: list[Notice] = []
        self.desktop = Desktop(self.shown.append)
        self._dice = random.Random(seed)
        self._sides: tuple[Publishing, Homing] | None = None
        self._killed: list[tuple[Publishing, Homing]] = []
        self.begin()

    def begin(self) -> None:
        """A new agent; the one before, if any, was killed: its process is gone, and all it had open with it."""
        if self._sides:
            # Whatever it still holds of this process is let go of at the end.
            self._killed.append(self._sides)
        first = Status(
            pid=1,
            born="",
            root=str(self.root),
            state=STARTING,
            started=self.clock.wall(),
            written=self.clock.wall(),
        )
        self.board = Board(first, self.clock, lambda status: None)
        self.ground = Ground(
            project=Project.find(self.root),
            clock=self.clock,
            board=self.board,
            dice=self._dice,
            open_mailbox=self._open,
        )
        self.hints = Hints(self.clock, NoBell())
        self.homing = Homing(
            self.ground, self.desktop, was_pushed=lambda: self.board.status.published is not None
        )
        self.publishing = Publishing(
            self.ground,
            self.hints,
            polls=lambda: self.polls,
            on_view=lambda folders: None,
            on_publish=self.homing.now,
        )
        self._sides = (self.publishing, self.homing)

    @contextlib.contextmanager
    def _open(self, project: Project, clock: Clock) -> Iterator[Mailbox]:
        self.opened += 1
        if self.down is not None:
            raise self.down
        yield Mailbox(project, Denying(self), clock)

    # What the agent does

    def turn(self) -> float:
        """One turn of the side that publishes; the seconds that it would wait then."""
        wait_s = self.publishing.turn()
        assert wait_s is not None and wait_s >= 0
        return wait_s

    def settle(self, seconds: float = 5.0, *, alone: bool = False) -> None:
        """So many seconds of both sides, each called when it asked to be; ``alone``: only of the one that publishes."""
        end = self.clock.monotonic() + seconds
        turns = 0
        while True:
            turns += 1
            assert turns < 2000, f"the agent goes round in circles: {self.status}"
            waits = [self.turn(), None if alone else self.homing.turn()]
            if waits[0] == 0.0:
                continue
            wait_s = min(wait for wait in waits if wait is not None)
            left_s = end - self.clock.monotonic()
            if left_s <= 0:
                return
            self.clock.advance(min(max(wait_s, 0.001), left_s))

    def sleep(self, seconds: float) -> None:
        """The laptop sleeps: what the loop notices and says to both sides."""
        self.clock.jump_wall(seconds)
        self.publishing.doubt("this machine has slept")
        self.homing.doubt("this machine has slept")

    def close(self) -> None:
        for publishing, homing in self._killed:
            publishing.close()
            homing.close()
        self.publishing.close()
        self.homing.close()
        self.desktop.close()

    @property
    def status(self) -> Status:
        return self.board.status

    @property
    def needs(self) -> dict[str, str]:
        return {need.key: need.what for need in self.status.needs}

    # What a person does

    def write(self, path: str, content: str | bytes, *, told: bool = True) -> None:
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content if isinstance(content, bytes) else content.encode())
        self._say(path, told)

    def remove(self, path: str, *, told: bool = True) -> None:
        target = self.root / path
        if target.is_dir() and not target.is_symlink():
            shutil.rmtree(target)
        else:
            target.unlink()
        self._say(path, told)

    def configure(self, more: str) -> None:
        (self.root / "hybrid.toml").write_text(SETTINGS + more)
        self.hints.doubt("hybrid.toml changed")

    def _say(self, path: str, told: bool) -> None:
        if told:
            self.hints.changed(path.encode())

    # What another process does

    def push(self, *, accept_deletions: bool = False) -> Pushed:
        """As ``hybrid push``."""
        project = Project.find(self.root)
        index, _ = pushing.open_index(project)
        with (
            as_another_process(project),
            index,
            pushing.Contact(project, index, self.clock, open_mailbox=self._open_well) as contact,
        ):
            seen = pushing.view(project, self.clock).look(index)
            return pushing.publish(
                contact.met(), index, seen, self.clock, Silent(), accept_deletions=accept_deletions
            )

    def collect(self, *, in_a_clone: bool = False) -> list[str]:
        """As ``hybrid gc``, perhaps in another folder of the same project; what it removed."""
        root = self.root
        if in_a_clone:
            root = self.home / "clone"
            shutil.copytree(self.root, root, ignore=shutil.ignore_patterns(".hybrid", ".git"))
        project = Project.find(root)
        index, _ = pushing.open_index(project)
        with (
            as_another_process(project),
            index,
            opened_state(project, lambda text: None) as state,
            self._open_well(project, self.clock) as mailbox,
        ):
            return collecting.collect(mailbox, state, index, Silent()).removed

    @contextlib.contextmanager
    def _open_well(self, project: Project, clock: Clock) -> Iterator[Mailbox]:
        yield Mailbox(project, MemoryRemote(self.store), clock)

    def queue(self, run: str) -> None:
        """As ``hybrid run`` on another machine of the same laptop's user: it is this laptop's."""
        published = self.status.published
        assert published is not None
        queue_run(self.stranger(), BASE, run, published["snapshot"], target="ssh:nowhere")

    # What anybody sees

    def runs(self) -> list[str]:
        return run_ids(self.stranger(), BASE)

    def snapshots(self) -> list[str]:
        return snapshots(self.stranger(), LAPTOP)

    def stranger(self) -> MemoryRemote:
        return MemoryRemote(self.store)

    def there(self) -> Fingerprint:
        """The newest snapshot, laid out by a stranger."""
        target = self.home / "out"
        shutil.rmtree(target, ignore_errors=True)
        return laid_out(self.stranger(), self.snapshots()[-1], target)

    def here(self) -> Fingerprint:
        """The tree as it should be there."""
        found = fingerprint(self.root)
        return {
            path: what
            for path, what in found.items()
            if not path.startswith((b".hybrid", b".git/", b"outputs"))
        }


@contextlib.contextmanager
def as_another_process(project: Project) -> Iterator[None]:
    """Holds the push lock, and leaves the name of another process behind."""
    with project.lock("push"):
        yield
        (places.data_folder() / "locks" / f"{project.config.project.id}.push.pid").write_text("1 another")


@contextlib.contextmanager
def life(home: Path, seed: int = 0) -> Iterator[Life]:
    """Closed at the end; each planned fault must have happened."""
    one = Life(home, seed=seed)
    try:
        yield one
        one.plan.verify_all_fired()
    finally:
        one.close()
