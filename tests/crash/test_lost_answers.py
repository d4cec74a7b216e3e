"""Each call to a mailbox fails once, before it takes effect or after: ridden out, or completed when it is done again.

The second is the answer that was lost: the file is there, and the writer does not know.
"""

import random
from collections.abc import Callable
from pathlib import Path
from typing import get_args

import pytest

from sync.clock import ManualClock
from sync.errors import RemoteError, Transient, Unreachable
from sync.gc import Collector
from sync.mailbox.layout import RunFolder
from sync.mailbox.view import look
from sync.pull.puller import Puller
from sync.remotes.base import Capabilities, Remote
from sync.remotes.faults import FaultPlan, When
from sync.remotes.memory import MemoryRemote, MemoryStore
from sync.remotes.retry import Retrying
from tests.support import pushes
from tests.support.mailboxes import LAPTOP, make_mailbox, publish_tree, queue_run
from tests.support.pulls import InMemory, tree
from tests.support.pushes import Desk, laid_out, later, snapshots
from tests.support.trees import fingerprint, make_tree, noise
from tests.support.workers import Worker

KIND = Capabilities(pack_size=64 * 1024, connections=2)
BASE = pushes.BASE
FILES = {"answer.txt": b"42", "weights.bin": noise(150_000)}


class Push:
    def __init__(self, folder: Path) -> None:
        self.store = MemoryStore(capabilities=KIND)
        self.desk = Desk(folder / "desk", MemoryRemote(self.store))
        self.restored = folder / "restored"
        make_tree(self.desk.tree, {f"{n:02}.bin": noise(40_000, n) for n in range(12)})

    def act(self, remote: Remote) -> None:
        self.desk.remote = remote
        self.desk.push()

    def check(self) -> None:
        remote = MemoryRemote(self.store)
        assert laid_out(remote, snapshots(remote)[-1], self.restored) == fingerprint(self.desk.tree)
        packs = [len(file.data) for file in self.store.files if "/packs/" in file.path]
        assert sum(packs) < 12 * 40_000 * 1.02, "no content is there twice"


class Pull:
    def __init__(self, folder: Path) -> None:
        self.store = MemoryStore(capabilities=KIND)
        self.outputs = folder / "outputs"
        self.choices = InMemory()
        remote = MemoryRemote(self.store)
        make_mailbox(remote, BASE)
        state = publish_tree(remote, BASE, {"a.py": b""}).name
        self.spec = queue_run(remote, BASE, "r1", state, shards=2)
        worker = Worker(remote, BASE, "r1").claim()
        worker.done(0, FILES)
        worker.done(1, FILES)

    def act(self, remote: Remote) -> None:
        puller = Puller(remote, BASE, laptop=LAPTOP, outputs=self.outputs, choices=self.choices)
        puller.pull(self.spec)

    def check(self) -> None:
        names = [f"r1/{shard:03}/{name}" for shard in range(2) for name in (*FILES, "hybrid.log")]
        assert sorted(tree(self.outputs)) == sorted(names)
        assert look(MemoryRemote(self.store), BASE, RunFolder("r1")).accepted == {0, 1}


class Collection:
    def __init__(self, folder: Path) -> None:
        self.store = MemoryStore(capabilities=KIND)
        self.clock = later()
        self.desk = Desk(folder / "desk", MemoryRemote(self.store), self.clock)
        self.restored = folder / "restored"
        for n in range(3):
            make_tree(self.desk.tree, {"big.bin": noise(300_000, n), "small": b"%d" % n})
            self.desk.push()

    def act(self, remote: Remote) -> None:
        with self.desk.index() as index:
            Collector(remote, BASE, LAPTOP, self.clock).collect(last=1, days=0, forget=index.drop_objects)

    def check(self) -> None:
        remote = MemoryRemote(self.store)
        [only] = snapshots(remote)
        assert laid_out(remote, only, self.restored) == fingerprint(self.desk.tree)
        assert len(pushes.packs(remote)) <= 5


WORK = [Push, Pull, Collection]


def calls_of(make: Callable[[Path], Push | Pull | Collection], folder: Path) -> int:
    """How many calls the work makes undisturbed; it must end well."""
    undisturbed = make(folder / "undisturbed")
    remote = MemoryRemote(undisturbed.store)
    undisturbed.act(remote)
    undisturbed.check()
    return len(remote.calls)


def each_call(
    make: Callable[[Path], Push | Pull | Collection], folder: Path, error: RemoteError, when: When
) -> "list[tuple[Push | Pull | Collection, MemoryRemote, FaultPlan]]":
    """For each call that the work makes undisturbed: the work, and a remote in which that call will fail."""
    found = []
    for nth in range(1, calls_of(make, folder) + 1):
        work, plan = make(folder / str(nth)), FaultPlan().fail("*", error, nth=nth, when=when)
        found.append((work, MemoryRemote(work.store, plan=plan), plan))
    assert len(found) > 5
    return found


@pytest.mark.parametrize("when", get_args(When))
@pytest.mark.parametrize("make", WORK)
def test_a_call_that_fails_for_once_is_ridden_out(
    make: Callable[[Path], Push | Pull | Collection], when: When, tmp_path: Path
) -> None:
    for work, remote, plan in each_call(make, tmp_path, Transient("It broke."), when):
        work.act(Retrying(remote, ManualClock(), random.Random(1)))
        plan.verify_all_fired()
        work.check()


@pytest.mark.parametrize("when", get_args(When))
@pytest.mark.parametrize("make", WORK)
def test_a_mailbox_that_goes_away_at_any_call_is_gone_on_with_later(
    make: Callable[[Path], Push | Pull | Collection], when: When, tmp_path: Path
) -> None:
    for work, remote, plan in each_call(make, tmp_path, Unreachable("It is gone."), when):
        with pytest.raises(Unreachable):
            work.act(remote)
        plan.verify_all_fired()
        work.act(MemoryRemote(work.store))
        work.check()
