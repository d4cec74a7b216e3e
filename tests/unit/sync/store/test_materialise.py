"""A snapshot becomes exactly its tree, touches what differs and nothing else, and never leaves the target."""

import errno
import os
import stat
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sync.errors import CorruptMailbox, HybridError, LocalDiskFull, Problem
from sync.store.materialise import materialise, to_end
from sync.store.nouns import FILE, LINK, Entry
from tests.support.trees import FOLDER, Content, fingerprint, make_tree, nasty_tree
from tests.support.trees import Link as DiskLink
from tests.unit.sync.store.forge import Forge
from tests.unit.sync.store.shelf import File, Folder, Link, Shelf, Tree, noise, on_disk

posix = pytest.mark.skipif(os.name == "nt", reason="modes, links and names of POSIX")
not_root = pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may do everything")

TREE: Tree = {
    b"train.py": File(b"print('training')\n"),
    b"run.sh": File(b"#!/bin/sh\n", executable=True),
    b"empty": File(),
    b"data/big.bin": File(noise(3_000_000)),
    b"data/copy.bin": File(noise(3_000_000)),
    b"data/deep/er/x": File(b"x"),
    b"latest": Link(b"data/big.bin"),
    b"data/up": Link(b"../train.py"),
    b"out": Folder(),
}


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "target"


@pytest.fixture
def outside(tmp_path: Path) -> Iterator[Path]:
    """A folder beside the target that must never change."""
    folder = make_tree(tmp_path / "outside", {"precious": b"precious"})
    before = fingerprint(folder)
    yield folder
    assert fingerprint(folder) == before


def inodes(folder: Path) -> dict[str, tuple[int, int]]:
    """Inode and mtime of each file."""
    found = {}
    for path in folder.rglob("*"):
        status = path.lstat()
        if not stat.S_ISDIR(status.st_mode):
            found[str(path.relative_to(folder))] = (status.st_ino, status.st_mtime_ns)
    return found


@posix
def test_a_tree_is_laid_out_exactly(target: Path) -> None:
    shelf = Shelf()
    laid = shelf.lay(shelf.save(TREE), target)
    assert on_disk(target) == dict(TREE)
    assert (laid.written, laid.kept, laid.removed, laid.problems) == (8, 0, 0, [])
    assert laid.bytes == sum(len(item.data) for item in TREE.values() if isinstance(item, File))


@posix
def test_nothing_is_left_beside_the_target(target: Path) -> None:
    shelf = Shelf()
    shelf.lay(shelf.save(TREE), target)
    assert os.listdir(target.parent) == ["target"]


@posix
def test_laying_out_again_writes_nothing(target: Path) -> None:
    shelf = Shelf()
    root = shelf.save(TREE)
    shelf.lay(root, target)
    before = inodes(target)
    laid = shelf.lay(root, target, mirror=True)
    assert (laid.written, laid.kept, laid.removed, laid.problems) == (0, 8, 0, [])
    assert inodes(target) == before


@posix
def test_only_what_differs_is_written(target: Path) -> None:
    shelf = Shelf()
    shelf.lay(shelf.save(TREE), target)
    before = inodes(target)
    changed = {**TREE, b"train.py": File(b"print('better')!!\n"), b"data/copy.bin": File(b"short")}
    laid = shelf.lay(shelf.save(changed), target, mirror=True)
    assert on_disk(target) == changed
    assert laid.written == 2
    after = inodes(target)
    assert {name for name in before if before[name] != after[name]} == {"train.py", "data/copy.bin"}


@posix
def test_a_changed_exec_bit_does_not_rewrite_the_file(target: Path) -> None:
    shelf = Shelf()
    shelf.lay(shelf.save(TREE), target)
    before = inodes(target)
    changed = {
        **TREE,
        b"train.py": File(b"print('training')\n", executable=True),
        b"run.sh": File(b"#!/bin/sh\n"),
    }
    laid = shelf.lay(shelf.save(changed), target, mirror=True)
    assert on_disk(target) == changed
    assert laid.written == 0
    assert inodes(target) == before


OTHER: dict[str, Content] = {
    "train.py/was a folder": b"1",
    "data": b"was a file",
    "out/was not empty": b"2",
    "latest": b"was a file",
    "empty": DiskLink(b"train.py"),
    "extra/deep/er": b"3",
    "extra link": DiskLink(b"nowhere"),
    "extra folder": FOLDER,
}


@posix
def test_any_other_tree_becomes_this_one_when_mirrored(target: Path) -> None:
    shelf = Shelf()
    laid = shelf.lay(shelf.save(TREE), make_tree(target, OTHER), mirror=True)
    assert on_disk(target) == dict(TREE)
    assert laid.problems == []
    assert laid.removed == 6


@posix
def test_without_mirroring_what_is_not_in_the_way_stays(target: Path) -> None:
    shelf = Shelf()
    make_tree(target, OTHER)
    shelf.lay(shelf.save(TREE), target)
    found = on_disk(target)
    assert {path: found[path] for path in TREE if path != b"out"} == {p: TREE[p] for p in TREE if p != b"out"}
    assert found[b"extra/deep/er"] == File(b"3")
    assert found[b"out/was not empty"] == File(b"2")


@pytest.mark.skipif(sys.platform != "linux", reason="names that only Linux holds")
def test_nasty_names_come_back(tmp_path: Path) -> None:
    nasty_tree(tmp_path / "from")
    shelf = Shelf()
    laid = shelf.lay(shelf.save(on_disk(tmp_path / "from")), tmp_path / "to", escaping_links=True)
    assert laid.problems == []
    assert fingerprint(tmp_path / "to") == fingerprint(tmp_path / "from")


@posix
def test_a_crash_in_the_middle_leaves_whole_files_and_the_next_try_ends_the_work(target: Path) -> None:
    shelf = Shelf()
    tree: dict[bytes, File | Link | Folder] = {b"%d" % n: File(noise(200_000, n)) for n in range(20)}
    root = shelf.save(tree)
    reader = shelf.reader()
    steps = materialise(reader, reader.entries(reader.root(root.name)), target)
    for _ in range(10):
        next(steps)
    steps.close()
    seen = on_disk(target)
    assert 0 < len(seen) < 20
    assert all(tree[path] == item for path, item in seen.items())
    make_tree(target.parent / "target.scratch", {"0": b"left by a crash", "5.link/x": b""})
    assert shelf.lay(root, target).kept == len(seen)
    assert on_disk(target) == tree


@posix
@pytest.mark.parametrize("planted", ["link", "file"])
def test_a_planted_scratch_folder_is_not_used(target: Path, outside: Path, planted: str) -> None:
    scratch = target.parent / "target.scratch"
    if planted == "link":
        scratch.symlink_to(outside)
    else:
        scratch.write_bytes(b"")
    shelf = Shelf()
    shelf.lay(shelf.save(TREE), target)
    assert on_disk(target) == dict(TREE)


@posix
@pytest.mark.parametrize("mirror", [False, True])
def test_nothing_is_written_through_a_planted_link(target: Path, outside: Path, mirror: bool) -> None:
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
    shelf = Shelf()
    laid = shelf.lay(shelf.save(tree), target, mirror=mirror)
    assert laid.problems == []
    assert on_disk(target) == tree


@posix
def test_a_hard_link_is_replaced_and_not_written_into(target: Path, outside: Path) -> None:
    target.mkdir()
    os.link(outside / "precious", target / "train.py")
    shelf = Shelf()
    shelf.lay(shelf.save(TREE), target)
    assert on_disk(target) == dict(TREE)


@posix
def test_a_fifo_in_the_way_does_not_hang(target: Path) -> None:
    target.mkdir()
    os.mkfifo(target / "train.py")
    os.mkfifo(target / "data")
    shelf = Shelf()
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
def test_a_link_that_leads_out_is_refused_unless_allowed(target: Path, path: bytes, goal: bytes) -> None:
    shelf = Shelf()
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
def test_a_link_that_stays_inside_is_made(target: Path, path: bytes, goal: bytes) -> None:
    shelf = Shelf()
    assert shelf.lay(shelf.save({path: Link(goal)}), target).problems == []
    assert on_disk(target)[path] == Link(goal)


def as_on_a_blurring_disk(target: Path, *entries: Entry, shelf: Shelf) -> list[Problem]:
    """What a disk that takes "A" for "a" would see: two entries of one name, in an order that no decoder lets pass."""
    return to_end(materialise(shelf.reader(), entries, target, escaping_links=True)).problems


@pytest.fixture
def text() -> tuple[Shelf, Entry]:
    shelf = Shelf()
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
def test_a_path_longer_than_the_disk_takes_is_a_problem(target: Path) -> None:
    shelf = Shelf()
    tree: Tree = {
        b"x" * 300: File(b"1"),
        b"/".join([b"d" * 20] * 195): File(b"2"),
        b"y" * 300: Folder(),
        b"z": File(b"3"),
    }
    laid = shelf.lay(shelf.save(tree), target)
    assert {problem.path for problem in laid.problems} == set(tree) - {b"z"}
    assert laid.failures == []
    assert on_disk(target)[b"z"] == File(b"3")


@pytest.mark.platform
@not_root
def test_what_cannot_be_removed_is_a_problem(target: Path) -> None:
    make_tree(target, {"extra/file": b"1"})
    (target / "extra").chmod(0o500)
    shelf = Shelf()
    laid = shelf.lay(shelf.save(TREE), target, mirror=True)
    (target / "extra").chmod(0o700)
    assert [problem.path for problem in laid.problems] == [b"extra"]
    assert laid.failures == laid.problems
    assert on_disk(target) == {**TREE, b"extra/file": File(b"1")}


@posix
def test_what_the_disk_fails_to_take_is_told_apart_from_what_it_can_never_hold(
    target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    codes = {
        b"link": ("symlink", errno.EPERM),
        b"name": ("replace", errno.EILSEQ),
        b"broken": ("replace", errno.EIO),
        b"busy": ("replace", errno.EACCES),
        b"folder": ("mkdir", errno.EIO),
    }
    for call in ("symlink", "replace", "mkdir"):
        monkeypatch.setattr(os, call, _failing(getattr(os, call), call, codes))
    shelf = Shelf()
    tree: Tree = {
        b"broken": File(b"1"),
        b"busy": File(b"2"),
        b"folder": Folder(),
        b"good": File(b"3"),
        b"link": Link(b"link"),
        b"name": File(b"4"),
    }
    laid = shelf.lay(shelf.save(tree), target)
    assert {problem.path for problem in laid.problems} == set(tree) - {b"good"}
    assert {problem.path for problem in laid.failures} == {b"broken", b"busy", b"folder"}
    assert set(on_disk(target)) == {b"good"}


def _failing(
    original: Callable[..., None], call: str, codes: dict[bytes, tuple[str, int]]
) -> Callable[..., None]:
    def fail(*arguments: bytes) -> None:
        name = os.fsencode(arguments[0] if call != "replace" else arguments[1]).rpartition(b"/")[2]
        if codes.get(name, ("", 0))[0] == call:
            raise OSError(codes[name][1], os.strerror(codes[name][1]))
        original(*arguments)

    return fail


@pytest.mark.parametrize("below", ["", "deeper"])
def test_target_that_cannot_be_a_folder_is_a_clear_error(target: Path, below: str) -> None:
    target.write_bytes(b"")
    shelf = Shelf()
    with pytest.raises(HybridError, match="target"):
        shelf.lay(shelf.save(TREE), target / below)


def test_scratch_that_cannot_be_written_is_a_clear_error(
    target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf = Shelf()
    root = shelf.save({b"a": File(b"1")})

    def fail(*_: object) -> int:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "open", fail)
    with pytest.raises(HybridError, match="nput/output error"):
        shelf.lay(root, target)


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
@pytest.mark.parametrize("call", ["replace", "mkdir", "symlink"])
def test_a_full_disk_is_said_so(target: Path, monkeypatch: pytest.MonkeyPatch, code: int, call: str) -> None:
    def full(*arguments: object) -> None:
        raise OSError(code, "no room")

    original: Callable[..., None] = getattr(os, call)
    shelf = Shelf()
    root = shelf.save(TREE)
    reader = shelf.reader()
    steps = materialise(reader, reader.entries(reader.root(root.name)), target)
    target.mkdir()
    (target.parent / "target.scratch").mkdir()
    monkeypatch.setattr(os, call, full if call != "mkdir" else _only_inside(target, original, full))
    with pytest.raises(LocalDiskFull):
        to_end(steps)


def _only_inside(
    target: Path, original: Callable[..., None], other: Callable[..., None]
) -> Callable[..., None]:
    def call(path: bytes, *arguments: object) -> None:
        inside = os.fsencode(path).startswith(os.fsencode(target) + b"/")
        (other if inside else original)(path, *arguments)

    return call


@posix
def test_damaged_content_never_reaches_the_target(target: Path) -> None:
    shelf = Shelf()
    forge = Forge(shelf)
    good, bad = forge.content(b"good", b"evil")
    bad[0] = "0" * 64
    reader = shelf.reader()
    name = forge.publish([["f", "bad", 0, 8, [good, bad]]])
    with pytest.raises(CorruptMailbox):
        to_end(materialise(reader, reader.entries(reader.root(name)), target))
    assert on_disk(target) == {}


@posix
def test_a_chunk_named_with_two_lengths_is_not_written(target: Path) -> None:
    shelf = Shelf()
    forge = Forge(shelf)
    true = forge.content(noise(100_000))[0]
    name = forge.publish([["f", "a", 0, 100_000, [true]], ["f", "b", 0, 1, [[*true[:7], 1]]]])
    reader = shelf.reader()
    with pytest.raises(CorruptMailbox):
        to_end(materialise(reader, reader.entries(reader.root(name)), target))
    assert on_disk(target) == {}
