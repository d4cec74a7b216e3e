"""What a disk fails to take is told, path by path, and apart from what it can never hold."""

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from sync.errors import HybridError, LocalDiskFull
from sync.store.materialise import materialise, to_end
from tests.support.trees import make_tree
from tests.unit.sync.store.shelf import TREE, File, Folder, Link, Shelf, Tree, on_disk

posix = pytest.mark.skipif(os.name == "nt", reason="modes, links and names of POSIX")
not_root = pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may do everything")


@posix
def test_a_path_longer_than_the_disk_takes_is_a_problem(shelf: Shelf, target: Path) -> None:
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
