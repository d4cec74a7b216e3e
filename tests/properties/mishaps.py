"""What happens to a laptop that pushes, and to its mailbox, as rules of a state machine."""

import contextlib
import random
import shutil

from hypothesis import strategies as st
from hypothesis.stateful import rule

from sync.errors import Transient
from sync.gc import Collector
from sync.remotes.faults import Crash, FaultPlan
from sync.remotes.memory import MemoryRemote
from tests.properties.edits import Edits
from tests.support.pushes import BASE, LAPTOP, Desk, laid_out, snapshots
from tests.support.trees import Fingerprint

OTHER = "laptop33"


class Mishaps(Edits):
    """Pushes die and fail, the local state is lost, the mailbox loses content, collections remove what is old, and
    another laptop pushes the same content into the same mailbox.

    trees     what each snapshot holds, by its name, but for those that may have lost something
    newest    what the last push of this laptop published, as long as that is certain
    """

    def __init__(self) -> None:
        super().__init__()
        self.trees: dict[str, Fingerprint] = {}
        self.newest: Fingerprint | None = None
        self._may_lack: set[str] = set()

    def both(self) -> set[str]:
        """Every snapshot in the mailbox."""
        return {name for laptop in (LAPTOP, OTHER) for name in snapshots(self.desk.remote, laptop)}

    def read(self, name: str) -> Fingerprint:
        self.trees[name] = laid_out(self.desk.remote, name, self.home / "out")
        self._may_lack.discard(name)
        return self.trees[name]

    def other(self) -> Desk:
        return Desk(self.home / "other", MemoryRemote(self.store), self.desk.clock, laptop=OTHER)

    @rule(nth=st.integers(1, 14), dies=st.booleans(), after=st.booleans())
    def push_fails(self, nth: int, dies: bool, after: bool) -> None:
        error = Crash() if dies else Transient("It broke.")
        plan = FaultPlan().fail("*", error, nth=nth, when="after" if after else "before")
        self.desk.remote = MemoryRemote(self.store, plan=plan)
        with contextlib.suppress(Crash, Transient):
            self.desk.push(accept_deletions=True)
        self.desk.remote = MemoryRemote(self.store)
        self.newest = None
        for name in self.both() - self.trees.keys() - self._may_lack:
            self.read(name)  # whether the push knows of it or not, others find it

    @rule()
    def lose_the_local_state(self) -> None:
        for file in self.desk.home.glob("state.db*"):
            file.unlink()

    @rule(seed=st.integers(0, 1000))
    def mailbox_loses_an_object(self, seed: int) -> None:
        kept = [file for file in self.store.files if file.path.endswith((".pack", ".snap"))]
        if kept:
            lost = random.Random(seed).choice(sorted(kept, key=lambda file: file.path))
            self._may_lack |= self.both()
            self.store.files[:] = [file for file in self.store.files if file.path != lost.path]
            self.trees.clear()
            self.newest = None

    @rule(last=st.sampled_from([1, 2, 5]), of_the_other=st.booleans())
    def collect(self, last: int, of_the_other: bool) -> None:
        desk = self.other() if of_the_other else self.desk
        before = snapshots(desk.remote, desk.laptop)
        with desk.index() as index:
            collector = Collector(desk.remote, BASE, desk.laptop, desk.clock)
            collector.collect(last=last, days=0, forget=index.drop_objects)
        assert set(before[-last:]) <= self.both()
        # Of the rest, some stay as content that others lean on, and need not be whole themselves.
        rest = set(before[:-last])
        self._may_lack |= rest
        self.trees = {name: tree for name, tree in self.trees.items() if name not in rest}
        for name, tree in self.trees.items():
            assert laid_out(self.desk.remote, name, self.home / "out") == tree, f"{name} was collected"

    @rule()
    def other_laptop_pushes(self) -> None:
        other = self.other()
        shutil.rmtree(other.tree)
        with self.opened():
            shutil.copytree(self.desk.tree, other.tree, symlinks=True)
        name = other.push(accept_deletions=True).published.snapshot
        with self.opened():
            assert self.read(name) == self.on_disk()
