"""One laptop's project folder, pushed without the command line, and its mailbox as any reader sees it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sync.clock import Clock, ManualClock
from sync.errors import NotFound
from sync.local.index import Index
from sync.mailbox import layout
from sync.mailbox.opening import begin_mailbox, open_mailbox
from sync.mailbox.records import Format
from sync.progress import Progress
from sync.push.changes import Look
from sync.push.inventory import own_snapshots, take
from sync.push.looking import View
from sync.push.publish import Push, Pushed
from sync.push.shelf import Shelf
from sync.remotes.base import Remote
from sync.store.materialise import materialise, to_end
from sync.store.nouns import Root
from sync.store.reader import Reader
from tests.support.trees import Fingerprint, fingerprint

BASE = "lab"
LAPTOP = "laptop22"
URL = "folder:/somewhere"


def later() -> ManualClock:
    """A clock that is well past all times that files get while the test runs, so that these can be trusted."""
    return ManualClock(time.time() + 600)


class Desk:
    """``home`` holds the project ``tree`` and the local state. Each push opens the state anew, as a command does."""

    def __init__(
        self, home: Path, remote: Remote, clock: Clock | None = None, *, laptop: str = LAPTOP
    ) -> None:
        self.home = home
        self.tree = home / "tree"
        self.tree.mkdir(parents=True, exist_ok=True)
        self.state = home / "state.db"
        self.remote = remote
        self.clock = clock or later()
        self.laptop = laptop
        self.include: tuple[str, ...] = ()

    @contextmanager
    def index(self) -> Iterator[Index]:
        index, message = Index.open(self.state)
        assert not message
        with index:
            yield index

    def look(self) -> Look:
        with self.index() as index:
            return self._look(index)

    def push(self, *, accept_deletions: bool = False) -> Pushed:
        """Looks and publishes, even where there is nothing to do."""
        with self.index() as index:
            return self.publish(self._look(index), index, accept_deletions=accept_deletions)

    def publish(
        self,
        seen: Look,
        index: Index,
        *,
        accept_deletions: bool = False,
        progress: Progress | None = None,
        shelf: Shelf | None = None,
    ) -> Pushed:
        found, there = take(self.remote, BASE, self.laptop, self._meet)
        push = Push(
            self.tree,
            index,
            self.remote,
            self.clock,
            base=BASE,
            laptop=self.laptop,
            url=URL,
            mailbox=found.mailbox,
            there=there,
            look=lambda: self._look(index),
            shelf=shelf,
            progress=progress,
        )
        return push.publish(seen, accept_deletions=accept_deletions)

    def _meet(self) -> Format:
        try:
            return open_mailbox(self.remote, BASE)
        except NotFound:
            found, finish = begin_mailbox(self.remote, BASE, lambda: "m" * 16)
            finish()
            return found

    def _look(self, index: Index) -> Look:
        return View(self.tree, self.clock, url=URL, include=self.include).look(index)


def snapshots(remote: Remote, laptop: str = LAPTOP) -> list[str]:
    """The laptop's snapshots in the mailbox, oldest first."""
    return [name.path for name in own_snapshots(remote, BASE, laptop)]


def packs(remote: Remote) -> set[str]:
    return {file.name for file in remote.list_files(f"{BASE}/{layout.PACKS}")}


def root_of(remote: Remote, name: str) -> Root:
    return Reader(remote, BASE).root(name)


def laid_out(remote: Remote, name: str, target: Path) -> Fingerprint:
    """The snapshot as a stranger gets it, who knows nothing but the mailbox."""
    reader = Reader(remote, BASE)
    root = reader.root(name)
    laid = to_end(materialise(reader, reader.entries(root), target, mirror=True, escaping_links=True))
    assert not laid.problems
    return fingerprint(target)


def newest(remote: Remote, target: Path) -> Fingerprint:
    return laid_out(remote, snapshots(remote)[-1], target)
