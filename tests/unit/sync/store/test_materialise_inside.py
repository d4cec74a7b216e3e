"""A tree never leaves the folder that it is laid out in, whatever lies there and whatever the disk takes for one name."""

import os
from pathlib import Path

import pytest

from sync.errors import Problem
from sync.store.materialise import materialise, to_end
from sync.store.nouns import FILE, LINK, Entry
from tests.support.trees import Link as DiskLink
from tests.support.trees import make_tree
from tests.unit.sync.store.shelf import TREE, File, Link, Shelf, Tree, on_disk

posix = pytest.mark.skipif(os.name == "nt", reason="modes, links and names of POSIX")


@posix
@pytest.mark.parametrize("planted", ["link", "file"])
def test_a_planted_scratch_folder_is_not_used(
    shelf: Shelf, target: Path, outside: Path, planted: str
) -> None:
    scratch = target.parent / "target.scratch"
    if planted == "link":
        scratch.symlink_to(outside)
    else:
        scratch.write_bytes(b"")
    shelf.lay(shelf.save(TREE), target)
    assert on_disk(target) == dict(TREE)


@posix
@pytest.mark.parametrize("mirror", [False, True])
def test_nothing_is_written_through_a_planted_link(
    shelf: Shelf, target: Path, outside: Path, mirror: bool
) -> None:
    make_tree(
        target,
        {
            "data": DiskLink(os.fsencode(outside)),
            "train.py": DiskLink(os.fsencode(outside / "precious")),
            "out": DiskLink(os.fsencode(outside)),
            "deep": DiskLink(b"../outside"),
        },
    )
    tree: Tree = {**TREE, b"data/precious": File(b"evil"), b"deep/precious": File(b"evil")}
    laid = shelf.lay(shelf.save(tree), target, mirror=mirror)
    assert laid.problems == []
    assert on_disk(target) == tree


@posix
def test_a_hard_link_is_replaced_and_not_written_into(shelf: Shelf, target: Path, outside: Path) -> None:
    target.mkdir()
    os.link(outside / "precious", target / "train.py")
    shelf.lay(shelf.save(TREE), target)
    assert on_disk(target) == dict(TREE)


@posix
def test_a_fifo_in_the_way_does_not_hang(shelf: Shelf, target: Path) -> None:
    target.mkdir()
    os.mkfifo(target / "train.py")
    os.mkfifo(target / "data")
    shelf.lay(shelf.save(TREE), target)
    assert on_disk(target) == dict(TREE)


ESCAPING = [
    (b"l", b"/etc/passwd"),
    (b"l", b".."),
    (b"l", b"../outside"),
    (b"l", b"./../outside"),
    (b"l", b"a/../../outside"),
    (b"l", b"sub/.."),
    (b"a/l", b"../../outside"),
    (b"a/l", b"..//..//outside"),
    (b"l", b"\\windows"),
    (b"l", b"C:\\windows"),
    (b"l", b"C:windows"),
    (b"l", b"..\\outside"),
]
STAYING = [
    (b"l", b"a"),
    (b"l", b"a/b"),
    (b"l", b"."),
    (b"a/l", b".."),
    (b"a/b/l", b"../../x"),
    (b"l", b"..."),
    (b"l", b"l"),
]


@posix
@pytest.mark.parametrize(("path", "goal"), ESCAPING)
def test_a_link_that_leads_out_is_refused_unless_allowed(
    shelf: Shelf, target: Path, path: bytes, goal: bytes
) -> None:
    root = shelf.save({path: Link(goal), b"z": File(b"z")})
    laid = shelf.lay(root, target)
    assert laid.problems == [Problem(path, "is a link that leads out of its folder")]
    assert laid.failures == []
    assert on_disk(target)[b"z"] == File(b"z")
    assert not os.path.lexists(os.fsencode(target) + b"/" + path)
    assert shelf.lay(root, target, escaping_links=True).problems == []
    assert os.readlink(os.fsencode(target) + b"/" + path) == goal


@posix
@pytest.mark.parametrize(("path", "goal"), STAYING)
def test_a_link_that_stays_inside_is_made(shelf: Shelf, target: Path, path: bytes, goal: bytes) -> None:
    assert shelf.lay(shelf.save({path: Link(goal)}), target).problems == []
    assert on_disk(target)[path] == Link(goal)


def as_on_a_blurring_disk(target: Path, *entries: Entry, shelf: Shelf) -> list[Problem]:
    """What a disk that takes "A" for "a" would see: two entries of one name, in an order that no decoder lets pass."""
    return to_end(
        materialise(shelf.reader(), entries, target, escaping_links=True, unseen=shelf.unseen)
    ).problems


@pytest.fixture
def text(shelf: Shelf) -> tuple[Shelf, Entry]:
    root = shelf.save({b"a/precious": File(b"evil")})
    return shelf, shelf.entries(root.name)[0]


@posix
def test_a_link_cannot_take_the_place_of_a_folder_that_files_go_into(
    target: Path, outside: Path, text: tuple[Shelf, Entry]
) -> None:
    shelf, file = text
    link = Entry(path=b"a", kind=LINK, target=os.fsencode(outside))
    for entries in ([file, link], [link, file]):
        problems = as_on_a_blurring_disk(target, *entries, shelf=shelf)
        assert len(problems) == 1
        assert "takes its name for another's" in problems[0].what
        for path in target.iterdir():
            path.unlink() if path.is_symlink() else None


@posix
def test_two_files_of_one_name_are_a_problem_and_not_a_loss(target: Path, text: tuple[Shelf, Entry]) -> None:
    shelf, file = text
    problems = as_on_a_blurring_disk(target, file, Entry(path=file.path, kind=FILE), shelf=shelf)
    assert [problem.path for problem in problems] == [file.path]


@posix
@pytest.mark.parametrize("mirror", [False, True])
def test_a_link_in_the_place_of_the_target_is_replaced_and_not_followed(
    shelf: Shelf, target: Path, outside: Path, mirror: bool
) -> None:
    target.rmdir() if target.is_dir() else None
    target.symlink_to(outside)
    before = sorted(os.listdir(outside))
    shelf.lay(shelf.save(TREE), target, mirror=mirror)
    assert sorted(os.listdir(outside)) == before
    assert on_disk(target) == dict(TREE)
    assert not target.is_symlink()
