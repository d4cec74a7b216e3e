"""Whatever happens to a tree between pushes, the mailbox ends up holding what is on the disk."""

import os
import random
import shutil
import sys
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from sync.errors import ConfirmationNeeded, Transient
from sync.remotes.base import Capabilities
from sync.remotes.faults import Crash, FaultPlan
from sync.remotes.memory import MemoryRemote, MemoryStore
from sync.store.nouns import MOST_LEANED_ON
from tests.support.pushes import Desk, laid_out, later, newest, root_of, snapshots
from tests.support.trees import Fingerprint, fingerprint

ODD = [b"\xff", b"line\n"] if sys.platform == "linux" else []
NAMES = st.sampled_from([b"a", b"b", b"c", b"a.b", b"a-b", b"d e", *ODD])
PATHS = st.lists(NAMES, min_size=1, max_size=3).map(b"/".join)
SIZES = st.sampled_from([0, 1, 300, 40_000, 128 * 1024, 128 * 1024 + 1, 300_000])


class Project(RuleBasedStateMachine):
    """A person edits, deletes, renames, swaps types; the laptop pushes, is killed, loses its state."""

    @initialize()
    def begin(self) -> None:
        self.home = Path(tempfile.mkdtemp())
        self.store = MemoryStore(capabilities=Capabilities(pack_size=200_000, connections=2))
        self.desk = Desk(self.home / "desk", MemoryRemote(self.store), later())
        self.past: list[Fingerprint] = []

    def teardown(self) -> None:
        if hasattr(self, "home"):
            self.push()
            shutil.rmtree(self.home)

    def path(self, relative: bytes) -> bytes:
        """A path that can be made: what stands in its way is gone."""
        top = os.fsencode(self.desk.tree)
        parts = relative.split(b"/")
        for depth in range(1, len(parts)):
            parent = os.path.join(top, *parts[:depth])
            if os.path.islink(parent) or os.path.isfile(parent):
                os.unlink(parent)
            os.makedirs(parent, exist_ok=True)
        return os.path.join(top, relative)

    def clear(self, relative: bytes) -> bytes:
        path = self.path(relative)
        if os.path.isdir(path) and not os.path.islink(path):
            shutil.rmtree(path)
        elif os.path.lexists(path):
            os.unlink(path)
        return path

    @rule(where=PATHS, size=SIZES, seed=st.integers(0, 5))
    def write(self, where: bytes, size: int, seed: int) -> None:
        path = self.path(where)
        if os.path.isdir(path) or os.path.islink(path):
            path = self.clear(where)
        with open(path, "wb") as file:
            file.write(random.Random(seed).randbytes(size))

    @rule(where=PATHS)
    def empty_folder(self, where: bytes) -> None:
        os.mkdir(self.clear(where))

    @rule(where=PATHS, text=NAMES)
    def link(self, where: bytes, text: bytes) -> None:
        os.symlink(text, self.clear(where))

    @rule(where=PATHS)
    def delete(self, where: bytes) -> None:
        self.clear(where)

    @rule(old=PATHS, new=PATHS)
    def rename(self, old: bytes, new: bytes) -> None:
        source = os.path.join(os.fsencode(self.desk.tree), old)
        if os.path.lexists(source) and not (new + b"/").startswith(old + b"/"):
            aside = os.fsencode(self.home / "aside")
            os.rename(source, aside)
            os.rename(aside, self.clear(new))

    @rule(where=PATHS)
    def toggle_executable(self, where: bytes) -> None:
        path = os.path.join(os.fsencode(self.desk.tree), where)
        if os.path.isfile(path) and not os.path.islink(path):
            os.chmod(path, os.stat(path).st_mode ^ 0o100)

    @rule(where=PATHS)
    def touch(self, where: bytes) -> None:
        path = os.path.join(os.fsencode(self.desk.tree), where)
        if os.path.lexists(path):
            os.utime(path, (5, 5), follow_symlinks=False)

    @rule()
    def lose_the_local_state(self) -> None:
        for file in self.desk.home.glob("state.db*"):
            file.unlink()

    @rule(times=st.integers(1, 12))
    def save_one_file_again_and_again(self, times: int) -> None:
        for n in range(times):
            self.write(b"often", 300, n)
            self.push()

    @rule()
    def push(self) -> None:
        done = self.desk.push(accept_deletions=True)
        assert not done.problems
        on_disk = fingerprint(self.desk.tree)
        assert newest(self.desk.remote, self.home / "out") == on_disk
        self.past.append(on_disk)
        assert self.desk.look().nothing_to_do
        root = root_of(self.desk.remote, snapshots(self.desk.remote)[-1])
        assert len([name for name in root.objects if name.endswith(".snap")]) <= MOST_LEANED_ON

    @rule(nth=st.integers(1, 12), dies=st.booleans(), after=st.booleans())
    def push_fails(self, nth: int, dies: bool, after: bool) -> None:
        error = Crash() if dies else Transient("It broke.")
        plan = FaultPlan().fail("*", error, nth=nth, when="after" if after else "before")
        self.desk.remote = MemoryRemote(self.store, plan=plan)
        try:
            self.desk.push(accept_deletions=True)
            self.past.append(fingerprint(self.desk.tree))
        except (Crash, Transient):
            if after:
                self.past.append(fingerprint(self.desk.tree))  # the snapshot may have arrived
        self.desk.remote = MemoryRemote(self.store)

    @rule()
    def careful_push(self) -> None:
        try:
            self.desk.push()
        except ConfirmationNeeded:
            return
        self.past.append(fingerprint(self.desk.tree))

    @precondition(lambda self: self.past)
    @invariant()
    def newest_snapshot_is_a_tree_that_was(self) -> None:
        names = snapshots(self.desk.remote)
        if names:
            assert laid_out(self.desk.remote, names[-1], self.home / "out") in self.past


Project.TestCase.settings = settings(
    max_examples=25,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
TestProject = Project.TestCase
