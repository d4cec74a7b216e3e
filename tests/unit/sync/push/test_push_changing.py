"""What ``push`` makes of a tree that changes while it is read, that hides something, or that lost much."""

import os
import shutil
import sys
import threading
from pathlib import Path

import pytest

from sync.errors import ConfirmationNeeded, HybridError
from sync.progress import Silent
from sync.push import publish as push_module
from sync.push.looking import View
from sync.remotes.memory import MemoryRemote
from sync.store.nouns import MOST_LEANED_ON
from tests.support.pushes import URL, Desk, newest, snapshots
from tests.support.trees import Link, fingerprint, make_fifo, make_tree, noise


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "home", MemoryRemote())


# Changing while it is read


class Meddling(Silent):
    """Does something to the tree at the ``nth`` block that a push reads."""

    def __init__(self, act: object, nth: int = 1) -> None:
        self._act = act
        self._left = nth

    def advance(self, amount: int) -> None:
        self._left -= 1
        if self._left == 0:
            assert callable(self._act)
            self._act()


def pushed_while(desk: Desk, act: object, nth: int = 1) -> push_module.Pushed:
    """A push during which ``act`` happens, when its ``nth`` block has been read."""
    with desk.index() as index:
        seen = View(desk.tree, desk.clock, url=URL).look(index)
        return desk.publish(seen, index, progress=Meddling(act, nth))


def test_file_replaced_while_it_is_read_is_taken_whole(desk: Desk, tmp_path: Path) -> None:
    old, new = noise(9_000_000, 1), noise(9_000_000, 2)
    make_tree(desk.tree, {"a": old})
    (desk.home / "new").write_bytes(new)

    def replace() -> None:
        (desk.home / "new").replace(desk.tree / "a")

    assert not pushed_while(desk, replace).problems
    newest(desk.remote, tmp_path / "out")
    assert (tmp_path / "out" / "a").read_bytes() in (old, new)
    desk.push()
    assert newest(desk.remote, tmp_path / "out") == fingerprint(desk.tree)


def test_file_that_grows_once_is_read_again(desk: Desk, tmp_path: Path) -> None:
    make_tree(desk.tree, {"a": noise(9_000_000, 1)})

    def grow() -> None:
        with open(desk.tree / "a", "ab") as file:
            file.write(b"more")

    assert not pushed_while(desk, grow).problems
    assert newest(desk.remote, tmp_path / "out") == fingerprint(desk.tree)


def test_file_that_vanishes_while_it_is_read_is_gone(desk: Desk, tmp_path: Path) -> None:
    make_tree(desk.tree, {"a": noise(9_000_000, 1), "b": b"b"})
    done = pushed_while(desk, (desk.tree / "b").unlink)
    assert not done.problems
    assert newest(desk.remote, tmp_path / "out").keys() == {b"a"}


@pytest.mark.platform
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no named pipes in folders")
@pytest.mark.parametrize("other", ["pipe", "folder", "link"])
def test_file_that_becomes_something_else_keeps_its_last_version(
    desk: Desk, tmp_path: Path, other: str
) -> None:
    make_tree(desk.tree, {"a": noise(9_000_000, 1), "z": b"first"})
    desk.push()
    make_tree(desk.tree, {"a": noise(9_000_000, 2), "z": b"second version"})

    def swap() -> None:
        (desk.tree / "z").unlink()
        if other == "pipe":
            make_fifo(desk.tree, "z")
        elif other == "folder":
            (desk.tree / "z").mkdir()
        else:
            os.symlink("a", desk.tree / "z")

    done = pushed_while(desk, swap)
    assert [problem.path for problem in done.problems] == [b"z"]
    newest(desk.remote, tmp_path / "out")
    assert (tmp_path / "out" / "z").read_bytes() == b"first"
    desk.push()
    if other != "pipe":
        assert newest(desk.remote, tmp_path / "out") == fingerprint(desk.tree)


def test_file_that_is_written_all_the_time_is_left_as_it_was_and_holds_up_nothing(
    desk: Desk, tmp_path: Path
) -> None:
    make_tree(desk.tree, {"log": b"start\n" * 2_000_000, "b": b"b"})
    desk.push()
    published = fingerprint(desk.tree)[b"log"]
    stop = threading.Event()

    def write() -> None:
        with open(desk.tree / "log", "ab", buffering=0) as log:
            while not stop.is_set():
                log.write(b"line\n")

    writer = threading.Thread(target=write)
    writer.start()
    try:
        make_tree(desk.tree, {"b": b"changed"})
        done = desk.push()
    finally:
        stop.set()
        writer.join()
    assert [problem.path for problem in done.problems] == [b"log"]
    assert "left for the next push" in done.problems[0].what
    found = newest(desk.remote, tmp_path / "out")
    assert found[b"log"] == published
    assert (tmp_path / "out" / "b").read_bytes() == b"changed"
    assert not desk.push().problems
    assert newest(desk.remote, tmp_path / "out") == fingerprint(desk.tree)


def test_project_folder_that_goes_away_while_it_is_read_publishes_nothing(desk: Desk) -> None:
    make_tree(desk.tree, {"a": noise(9_000_000, 1), "b": b"b", "c/d": b"d"})
    with pytest.raises(HybridError, match="tree"):
        pushed_while(desk, lambda: os.rename(desk.tree, desk.home / "moved"))
    assert not snapshots(desk.remote)


def test_project_folder_replaced_while_it_is_read_publishes_nothing(desk: Desk) -> None:
    make_tree(desk.tree, {"a": noise(9_000_000, 1), "b": b"b"})

    def replace() -> None:
        os.rename(desk.tree, desk.home / "moved")
        make_tree(desk.tree, {"a": b"another project"})

    with pytest.raises(HybridError, match="was replaced"):
        pushed_while(desk, replace)
    assert not snapshots(desk.remote)


# What cannot be seen, and what was deleted


@pytest.mark.platform
@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege on Windows")
@pytest.mark.parametrize("now", ["link", "folder"])
def test_ignore_file_that_becomes_something_else_leaves_one_entry(
    desk: Desk, tmp_path: Path, now: str
) -> None:
    make_tree(desk.tree, {".gitignore": b"*.o\n", "a": b"a", "b": b"b"})
    desk.push()
    (desk.tree / ".gitignore").unlink()
    make_tree(desk.tree, {".gitignore": Link(b"a")} if now == "link" else {".gitignore/in": b"x"})
    done = desk.push()
    assert b".gitignore" in {problem.path for problem in done.problems}
    assert newest(desk.remote, tmp_path / "out") == fingerprint(desk.tree)


@pytest.mark.platform
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no named pipes in folders")
def test_file_that_became_a_pipe_keeps_its_last_version(desk: Desk, tmp_path: Path) -> None:
    make_tree(desk.tree, {"a": b"a", "b": b"b"})
    desk.push()
    (desk.tree / "a").unlink()
    make_fifo(desk.tree, "a")
    done = desk.push()
    assert [problem.path for problem in done.problems] == [b"a"]
    assert newest(desk.remote, tmp_path / "out")[b"a"][0] == "file"


@pytest.mark.platform
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no named pipes in folders")
def test_last_version_of_what_cannot_be_seen_survives_when_content_moves_together(
    desk: Desk, tmp_path: Path
) -> None:
    make_tree(desk.tree, {"pipe": b"was a file", "a": b"a", "b": b"b", "c": b"c"})
    desk.push()
    (desk.tree / "pipe").unlink()
    make_fifo(desk.tree, "pipe")
    for n in range(2 * MOST_LEANED_ON + 5):
        (desk.tree / "abc"[n % 3]).write_bytes(b"%d" % n)
        desk.push()
        assert newest(desk.remote, tmp_path / "out")[b"pipe"][0] == "file"


def test_emptied_tree_is_published_only_when_that_is_meant(desk: Desk, tmp_path: Path) -> None:
    make_tree(desk.tree, {"a": b"a", "b/c": b"c"})
    desk.push()
    shutil.rmtree(desk.tree)
    desk.tree.mkdir()
    with pytest.raises(ConfirmationNeeded, match="is empty"):
        desk.push()
    assert len(snapshots(desk.remote)) == 1
    assert desk.push(accept_deletions=True).published.files == 0
    assert newest(desk.remote, tmp_path / "out") == {}


def test_most_of_the_tree_deleted_is_published_only_when_that_is_meant(desk: Desk) -> None:
    make_tree(desk.tree, {f"{n}": b"%d" % n for n in range(10)})
    desk.push()
    for n in range(5):
        (desk.tree / f"{n}").unlink()
    assert desk.push().removed == 5
    for n in range(5, 8):
        (desk.tree / f"{n}").unlink()
    with pytest.raises(ConfirmationNeeded, match=r"5 before, 2 now.*nothing was published") as caught:
        desk.push()
    assert "--accept-deletions" in caught.value.hint
    assert desk.push(accept_deletions=True).removed == 3


def test_moving_everything_is_no_deletion(desk: Desk) -> None:
    make_tree(desk.tree, {f"old/{n}": b"%d" % n for n in range(10)})
    desk.push()
    os.rename(desk.tree / "old", desk.tree / "new")
    assert desk.push().removed == 10


def test_emptied_tree_is_noticed_even_after_the_local_state_was_lost(desk: Desk) -> None:
    make_tree(desk.tree, {f"{n}": b"%d" % n for n in range(10)})
    desk.push()
    desk.state.unlink()
    shutil.rmtree(desk.tree)
    desk.tree.mkdir()
    with pytest.raises(ConfirmationNeeded):
        desk.push()
