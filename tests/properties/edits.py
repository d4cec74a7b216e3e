"""What a person does to a project folder between two pushes, as rules of a state machine."""

import functools
import os
import random
import shutil
import stat
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from sync.remotes.base import Capabilities
from sync.remotes.memory import MemoryRemote, MemoryStore
from tests.support.pushes import Desk, later
from tests.support.trees import FOLDER, Content, Fingerprint, Link, fingerprint, make_tree, reads_everything

ODD = [b"\xff", b"line\n"] if sys.platform == "linux" else []
NAMES = st.sampled_from([b"a", b"b", b"c", b"a.b", b"a-b", b"d e", *ODD])
PATHS = st.lists(NAMES, min_size=1, max_size=3).map(b"/".join)
AT_FIRST: dict[str, Content] = {
    "a/a": b"a",
    "a/b": Link(b"a"),
    "a/c": FOLDER,
    "b/c/a": Link(b"nowhere"),
    "b/c/b": b"b" * 3_000,
    "d e": FOLDER,
}
NTH = st.integers(0, 40)
"""Picks one of what is there; 0 where that is nothing."""
SIZES = st.sampled_from([0, 1, 300, 3_000, 40_000, 128 * 1024, 128 * 1024 + 1, 300_000])


def unhindered(act: Callable[..., None]) -> Callable[..., None]:
    """The rule, of somebody who may do all; what was closed is so again afterwards."""

    @functools.wraps(act)
    def run(self: "Edits", **drawn: Any) -> None:
        with self.opened():
            act(self, **drawn)

    return run


class Edits(RuleBasedStateMachine):
    """``desk`` is the laptop, ``store`` its mailbox."""

    @initialize(pack_size=st.sampled_from([200_000, 3_000, 60_000]), connections=st.sampled_from([2, 1, 4]))
    def begin(self, pack_size: int, connections: int) -> None:
        self.home = Path(tempfile.mkdtemp())
        self.store = MemoryStore(capabilities=Capabilities(pack_size=pack_size, connections=connections))
        self.desk = Desk(self.home / "desk", MemoryRemote(self.store), later())
        self.top = os.fsencode(self.desk.tree)
        self.can_close = not reads_everything()
        make_tree(self.desk.tree, AT_FIRST)

    def teardown(self) -> None:
        if hasattr(self, "home"):
            shutil.rmtree(self.home)

    # The tree as it is

    def on_disk(self) -> Fingerprint:
        return fingerprint(self.desk.tree)

    def inside(self) -> list[bytes]:
        """Every path that can be seen, sorted."""
        found = [
            os.path.join(folder, name)
            for folder, folders, files in os.walk(self.top)
            for name in (*folders, *files)
        ]
        return sorted(os.path.relpath(path, self.top) for path in found)

    def files(self) -> list[bytes]:
        return [path for path in self.inside() if stat.S_ISREG(self.mode(path))]

    def folders(self) -> list[bytes]:
        return [path for path in self.inside() if stat.S_ISDIR(self.mode(path))]

    def mode(self, path: bytes) -> int:
        return os.lstat(self.at(path)).st_mode

    def at(self, path: bytes) -> bytes:
        return os.path.join(self.top, path)

    def open_up(self) -> dict[int, int]:
        """Makes all readable; returns inode and mode of what was not."""
        were: dict[int, int] = {}
        for path in self._walk():
            status = os.lstat(self.at(path))
            if not stat.S_ISLNK(status.st_mode) and not status.st_mode & 0o400:
                were[status.st_ino] = stat.S_IMODE(status.st_mode)
                os.chmod(self.at(path), 0o755 if stat.S_ISDIR(status.st_mode) else 0o644)
        return were

    @contextmanager
    def opened(self) -> Iterator[list[bytes]]:
        """All is readable inside. Gives the paths that were closed; what was, is so again afterwards, wherever it is then."""
        were = self.open_up()
        try:
            yield [path for path in self._walk() if os.lstat(self.at(path)).st_ino in were]
        finally:
            were |= self.open_up()  # what was closed inside
            for path in reversed(list(self._walk())):
                status = os.lstat(self.at(path))
                if status.st_ino in were and not stat.S_ISLNK(status.st_mode):
                    os.chmod(self.at(path), were[status.st_ino])

    def _walk(self) -> Iterator[bytes]:
        """Every path, parents first; who iterates may open a folder before it is read."""
        waiting = [b""]
        while waiting:
            folder = waiting.pop()
            for name in sorted(os.listdir(self.at(folder))):
                path = os.path.join(folder, name)
                yield path
                if stat.S_ISDIR(self.mode(path)):
                    waiting.append(path)

    def free(self, path: bytes) -> bytes:
        """The place for something new: what is in its way is gone, and the folders that it lies in are there."""
        parts = path.split(b"/")
        for depth in range(1, len(parts)):
            parent = self.at(b"/".join(parts[:depth]))
            if os.path.lexists(parent) and not stat.S_ISDIR(os.lstat(parent).st_mode):
                os.unlink(parent)
            os.makedirs(parent, exist_ok=True)
        place = self.at(path)
        if os.path.islink(place) or os.path.isfile(place):
            os.unlink(place)
        elif os.path.isdir(place):
            shutil.rmtree(place)
        return place

    def move(self, old: bytes, new: bytes) -> None:
        """Also where ``new`` lies in ``old``'s way, or holds it."""
        aside = os.fsencode(self.home / "aside")
        os.rename(self.at(old), aside)
        os.rename(aside, self.free(new))

    # What a person does

    @rule(where=PATHS, size=SIZES, seed=st.integers(0, 6))
    @unhindered
    def write(self, where: bytes, size: int, seed: int) -> None:
        with open(self.free(where), "wb") as file:
            file.write(random.Random(seed).randbytes(size))

    @rule(nth=NTH, byte=st.integers(0, 255), in_place=st.booleans())
    @unhindered
    def edit(self, nth: int, byte: int, in_place: bool) -> None:
        """The first byte of a file; an editor that is careful writes another file, and gives it the name."""
        for path in _picked(self.files(), nth):
            data = Path(os.fsdecode(self.at(path))).read_bytes()
            place = self.at(path) if in_place else os.fsencode(self.home / "aside")
            with open(place, "wb") as file:
                file.write(bytes([byte]) + data[1:])
            os.replace(place, self.at(path))

    @rule(nth=NTH, where=PATHS)
    @unhindered
    def copy(self, nth: int, where: bytes) -> None:
        for path in _picked(self.files(), nth):
            data = Path(os.fsdecode(self.at(path))).read_bytes()
            with open(self.free(where), "wb") as file:
                file.write(data)

    @rule(nth=NTH, where=PATHS)
    @unhindered
    def hard_link(self, nth: int, where: bytes) -> None:
        for path in _picked(self.files(), nth):
            if path != where:
                aside = os.fsencode(self.home / "aside")
                os.link(self.at(path), aside)
                os.rename(aside, self.free(where))

    @rule(where=PATHS)
    @unhindered
    def empty_folder(self, where: bytes) -> None:
        os.mkdir(self.free(where))

    @rule(where=PATHS, text=NAMES)
    @unhindered
    def link(self, where: bytes, text: bytes) -> None:
        os.symlink(text, self.free(where))

    @rule(nth=NTH)
    @unhindered
    def delete(self, nth: int) -> None:
        for path in _picked(self.inside(), nth):
            self.free(path)

    @rule(nth=NTH, new=PATHS)
    @unhindered
    def rename(self, nth: int, new: bytes) -> None:
        for old in _picked(self.inside(), nth):
            if not (new + b"/").startswith(old + b"/"):
                self.move(old, new)

    @rule(nth=NTH, other=NTH)
    @unhindered
    def swap(self, nth: int, other: int) -> None:
        """Two files, folders or links take each other's name."""
        for one in _picked(self.inside(), nth):
            for two in _picked(self.inside(), other):
                if not (one + b"/").startswith(two + b"/") and not (two + b"/").startswith(one + b"/"):
                    aside = os.fsencode(self.home / "aside")
                    os.rename(self.at(one), aside)
                    os.rename(self.at(two), self.at(one))
                    os.rename(aside, self.at(two))

    @rule(nth=NTH)
    @unhindered
    def toggle_executable(self, nth: int) -> None:
        for path in _picked(self.files(), nth):
            os.chmod(self.at(path), stat.S_IMODE(self.mode(path)) ^ 0o100)

    @rule(nth=NTH)
    @unhindered
    def touch(self, nth: int) -> None:
        for path in _picked(self.inside(), nth):
            os.utime(self.at(path), (5, 5), follow_symlinks=False)

    @precondition(lambda self: self.can_close)
    @rule(nth=NTH)
    @unhindered
    def close_a_file(self, nth: int) -> None:
        for path in _picked(self.files(), nth):
            os.chmod(self.at(path), 0)

    @precondition(lambda self: self.can_close)
    @rule(nth=NTH)
    @unhindered
    def close_a_folder(self, nth: int) -> None:
        for path in _picked(self.folders(), nth):
            os.chmod(self.at(path), 0)

    @precondition(lambda self: self.can_close)
    @rule()
    def open_all(self) -> None:
        self.open_up()


def _picked(found: list[bytes], nth: int) -> list[bytes]:
    return [found[nth % len(found)]] if found else []
