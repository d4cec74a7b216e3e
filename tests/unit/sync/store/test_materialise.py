"""A snapshot becomes exactly its tree, and touches what differs and nothing else."""

import os
import stat
import sys
from pathlib import Path

import pytest

from sync.errors import CorruptMailbox
from sync.store.materialise import materialise, to_end
from tests.support.trees import FOLDER, Content, fingerprint, make_tree, nasty_tree
from tests.support.trees import Link as DiskLink
from tests.unit.sync.store.forge import Forge
from tests.unit.sync.store.shelf import TREE, File, Folder, Link, Shelf, noise, on_disk

posix = pytest.mark.skipif(os.name == "nt", reason="modes, links and names of POSIX")


def inodes(folder: Path) -> dict[str, tuple[int, int]]:
    """Inode and mtime of each file."""
    found = {}
    for path in folder.rglob("*"):
        status = path.lstat()
        if not stat.S_ISDIR(status.st_mode):
            found[str(path.relative_to(folder))] = (status.st_ino, status.st_mtime_ns)
    return found


@posix
def test_a_tree_is_laid_out_exactly(shelf: Shelf, target: Path) -> None:
    laid = shelf.lay(shelf.save(TREE), target)
    assert on_disk(target) == dict(TREE)
    assert (laid.written, laid.kept, laid.removed, laid.problems) == (8, 0, 0, [])
    assert laid.bytes == sum(len(item.data) for item in TREE.values() if isinstance(item, File))


@posix
def test_nothing_is_left_beside_the_target(shelf: Shelf, target: Path) -> None:
    shelf.lay(shelf.save(TREE), target)
    assert os.listdir(target.parent) == ["target"]


@posix
def test_laying_out_again_writes_nothing(shelf: Shelf, target: Path) -> None:
    root = shelf.save(TREE)
    shelf.lay(root, target)
    before = inodes(target)
    laid = shelf.lay(root, target, mirror=True)
    assert (laid.written, laid.kept, laid.removed, laid.problems) == (0, 8, 0, [])
    assert inodes(target) == before


@posix
def test_only_what_differs_is_written(shelf: Shelf, target: Path) -> None:
    shelf.lay(shelf.save(TREE), target)
    before = inodes(target)
    changed = {**TREE, b"train.py": File(b"print('better')!!\n"), b"data/copy.bin": File(b"short")}
    laid = shelf.lay(shelf.save(changed), target, mirror=True)
    assert on_disk(target) == changed
    assert laid.written == 2
    after = inodes(target)
    assert {name for name in before if before[name] != after[name]} == {"train.py", "data/copy.bin"}


@posix
def test_a_changed_exec_bit_does_not_rewrite_the_file(shelf: Shelf, target: Path) -> None:
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
def test_any_other_tree_becomes_this_one_when_mirrored(shelf: Shelf, target: Path) -> None:
    laid = shelf.lay(shelf.save(TREE), make_tree(target, OTHER), mirror=True)
    assert on_disk(target) == dict(TREE)
    assert laid.problems == []
    assert laid.removed == 6


@posix
def test_without_mirroring_what_is_not_in_the_way_stays(shelf: Shelf, target: Path) -> None:
    make_tree(target, OTHER)
    shelf.lay(shelf.save(TREE), target)
    found = on_disk(target)
    assert {path: found[path] for path in TREE if path != b"out"} == {p: TREE[p] for p in TREE if p != b"out"}
    assert found[b"extra/deep/er"] == File(b"3")
    assert found[b"out/was not empty"] == File(b"2")


@pytest.mark.skipif(sys.platform != "linux", reason="names that only Linux holds")
def test_nasty_names_come_back(shelf: Shelf, tmp_path: Path) -> None:
    nasty_tree(tmp_path / "from")
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
