"""What cannot be read when a push is made: it is unknown, not deleted."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sync.push.unseen import kept
from sync.remotes.memory import MemoryRemote
from tests.support.mortal import mortal
from tests.support.pushes import Desk, newest, snapshots
from tests.support.trees import FOLDER, Link, fingerprint, make_tree

pytestmark = pytest.mark.platform
TREE = {
    "a": b"a",
    "closed/file": b"f",
    "closed/link": Link(b"file"),
    "closed/empty": FOLDER,
    "closed/deep/down": Link(b"nowhere"),
    "alone": FOLDER,
}


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "desk", MemoryRemote())


@contextmanager
def closed(*paths: Path) -> Iterator[None]:
    for path in paths:
        os.chmod(path, 0)
    try:
        yield
    finally:
        for path in paths:
            os.chmod(path, 0o755)


@mortal
def test_unreadable_file_is_named_and_its_last_version_stays(desk: Desk, tmp_path: Path) -> None:
    make_tree(desk.tree, {"a": b"a", "closed": b"first", "never": b"n", "folder/in": b"i"})
    os.chmod(desk.tree / "never", 0)
    assert [problem.path for problem in desk.push().problems] == [b"never"]
    (desk.tree / "closed").write_bytes(b"second")
    (desk.tree / "a").write_bytes(b"changed")
    with closed(desk.tree / "closed", desk.tree / "folder"):
        done = desk.push()
    assert {problem.path for problem in done.problems} == {b"closed", b"folder", b"never"}
    out = tmp_path / "out"
    assert newest(desk.remote, out).keys() == {b"a", b"closed", b"folder/in"}
    assert (out / "closed").read_bytes() == b"first"


def test_a_file_that_is_held_back_now_goes_though_something_is_wrong_with_it(
    desk: Desk, tmp_path: Path
) -> None:
    make_tree(desk.tree, {"a": b"a", "in/.gitignore": b"[never\n", "in/b": b"b"})
    assert [problem.path for problem in desk.push().problems] == [b"in/.gitignore"]
    make_tree(desk.tree, {".hybridignore": b".gitignore\n"})
    desk.push()
    assert newest(desk.remote, tmp_path / "out").keys() == {b".hybridignore", b"a", b"in/b"}


@mortal
def test_folder_that_cannot_be_read_is_unknown_and_not_deleted(desk: Desk, tmp_path: Path) -> None:
    make_tree(desk.tree, {"a": b"a", **{f"closed/{n}": b"%d" % n for n in range(10)}})
    desk.push()
    was = fingerprint(desk.tree)
    with closed(desk.tree / "closed"):
        assert desk.look().nothing_to_do
        (desk.tree / "new").write_bytes(b"new")
        done = desk.push()
    assert done.removed == 0
    assert newest(desk.remote, tmp_path / "out").keys() == {*was, b"new"}


@mortal
def test_links_and_empty_folders_that_cannot_be_seen_stay(desk: Desk, tmp_path: Path) -> None:
    make_tree(desk.tree, TREE)
    desk.push()
    was = fingerprint(desk.tree)
    with closed(desk.tree / "closed", desk.tree / "alone"):
        assert desk.look().nothing_to_do
        (desk.tree / "a").unlink()
        make_tree(desk.tree, {"b": b"b"})
        desk.push()
        assert newest(desk.remote, tmp_path / "out").keys() == was.keys() - {b"a"} | {b"b"}
        assert desk.look().nothing_to_do
    assert desk.push().unpublished
    assert newest(desk.remote, tmp_path / "out") == fingerprint(desk.tree)


@mortal
def test_what_cannot_be_seen_stays_where_the_local_state_was_lost(desk: Desk, tmp_path: Path) -> None:
    make_tree(desk.tree, TREE)
    desk.push()
    was = fingerprint(desk.tree)
    desk.state.unlink()
    with closed(desk.tree / "closed"):
        done = desk.push()
    assert done.unpublished
    assert len(snapshots(desk.remote)) == 1
    assert newest(desk.remote, tmp_path / "out") == was


@mortal
def test_what_is_gone_beside_what_cannot_be_seen_is_gone(desk: Desk, tmp_path: Path) -> None:
    make_tree(desk.tree, TREE)
    desk.push()
    with closed(desk.tree / "closed" / "deep"):
        (desk.tree / "closed" / "link").unlink()
        (desk.tree / "alone").rmdir()
        desk.push()
    assert newest(desk.remote, tmp_path / "out") == fingerprint(desk.tree)


def test_only_what_lies_at_or_below_what_cannot_be_seen_is_kept() -> None:
    recorded = [b"a", b"a/b/c", b"a.b", b"ab/c", b"c/a"]
    assert kept(recorded, [], set()) == []
    assert kept(recorded, [], {b"a"}) == [b"a", b"a/b/c"]
    assert kept(recorded, [], {b"a/b", b"c"}) == [b"a/b/c", b"c/a"]


def test_nothing_is_kept_where_something_else_is_in_its_place() -> None:
    assert kept([b"a/b", b"a/c"], [b"a"], {b"a"}) == []
    assert kept([b"a/b", b"a/c"], [b"a/b/new"], {b"a"}) == [b"a/c"]
    assert kept([b"a/b", b"a/c"], [b"a/c"], {b"a"}) == [b"a/b"]
