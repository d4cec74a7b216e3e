"""Where nobody looks before the end, files grow in their places; what comes of it is the same."""

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sync.errors import LocalDiskFull
from sync.store.materialise import materialise, to_end
from tests.unit.sync.store.shelf import File, Folder, Link, Shelf, Tree, noise, on_disk

posix = pytest.mark.skipif(os.name == "nt", reason="modes, links and names of POSIX")
Call = Callable[..., Any]


@pytest.fixture
def shelf() -> Shelf:
    shelf = Shelf()
    shelf.unseen = True
    return shelf


def failing(call: Call, when: Callable[[tuple[Any, ...]], bool], code: int) -> Call:
    def fail(*arguments: Any, **more: Any) -> Any:
        if when(arguments):
            raise OSError(code, os.strerror(code))
        return call(*arguments, **more)

    return fail


def opening(name: bytes) -> Callable[[tuple[Any, ...]], bool]:
    return lambda arguments: isinstance(arguments[0], bytes) and arguments[0].endswith(b"/" + name)


def test_no_file_is_renamed(shelf: Shelf, target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = shelf.save({b"a": File(b"1"), b"deep/b": File(noise(3_000_000)), b"empty": File()})
    monkeypatch.setattr(os, "replace", failing(os.replace, lambda _: True, errno.EIO))
    laid = shelf.lay(root, target)
    assert (laid.written, laid.problems) == (3, [])


@posix
def test_what_a_crash_tore_is_made_whole(shelf: Shelf, target: Path) -> None:
    tree: Tree = {b"%d" % n: File(noise(3_000_000, n)) for n in range(3)}
    root = shelf.save(tree)
    reader = shelf.reader()
    steps = materialise(reader, reader.entries(reader.root(root.name)), target, unseen=True)
    for _ in range(7):
        next(steps)
    steps.close()
    torn = on_disk(target)
    assert any(torn[path] != tree[path] for path in torn)
    shelf.lay(root, target)
    assert on_disk(target) == tree


@posix
def test_nothing_is_left_of_a_file_that_can_never_be_written(
    shelf: Shelf, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = shelf.save({b"good": File(b"1"), b"huge": File(noise(3_000_000))})
    written: list[int] = []

    def too_large(arguments: tuple[Any, ...]) -> bool:
        written.append(len(arguments[1]))
        return len(written) > 1 and len(arguments[1]) > 1000

    monkeypatch.setattr(os, "write", failing(os.write, too_large, errno.EFBIG))
    laid = shelf.lay(root, target)
    assert [problem.path for problem in laid.problems] == [b"huge"]
    assert laid.failures == []
    assert on_disk(target) == {b"good": File(b"1")}


@posix
def test_the_disk_that_fails_one_file_is_given_the_others(
    shelf: Shelf, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree: Tree = {b"broken": File(noise(3_000_000)), b"good": File(b"1"), b"name": File(b"2")}
    root = shelf.save(tree)
    with monkeypatch.context() as patch:
        patch.setattr(os, "open", failing(os.open, opening(b"broken"), errno.EIO))
        patch.setattr(os, "open", failing(os.open, opening(b"name"), errno.EILSEQ))
        laid = shelf.lay(root, target)
    assert {problem.path for problem in laid.problems} == {b"broken", b"name"}
    assert [problem.path for problem in laid.failures] == [b"broken"]
    assert on_disk(target) == {b"good": File(b"1")}
    assert shelf.lay(root, target).written == 2
    assert on_disk(target) == tree


@pytest.mark.parametrize("call", ["open", "write"])
def test_a_full_disk_is_said_so(
    shelf: Shelf, target: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    root = shelf.save({b"a": File(noise(300_000))})
    reader = shelf.reader()
    steps = materialise(reader, reader.entries(reader.root(root.name)), target, unseen=True)
    next(steps)
    monkeypatch.setattr(os, call, failing(getattr(os, call), lambda _: True, errno.ENOSPC))
    with pytest.raises(LocalDiskFull):
        to_end(steps)


@posix
def test_whatever_lies_in_a_files_place_gives_way(shelf: Shelf, target: Path) -> None:
    old: Tree = {
        b"a/was": File(b"a folder"),
        b"b": Link(b"a"),
        b"c": File(b"another"),
        b"d": Folder(),
        b"e": File(noise(3_000_000)),
    }
    shelf.lay(shelf.save(old), target)
    tree: Tree = {b"%c" % name: File(bytes([name]) * 10) for name in b"abcde"}
    laid = shelf.lay(shelf.save(tree), target)
    assert (laid.written, laid.problems) == (5, [])
    assert on_disk(target) == tree


def test_what_was_given_up_is_not_written_where_there_are_no_threads(shelf: Shelf, target: Path) -> None:
    root = shelf.save({b"%d" % n: File(noise(100_000, n)) for n in range(12)})
    reader = shelf.reader()
    steps = materialise(reader, reader.entries(reader.root(root.name)), target, unseen=True)
    for _ in range(6):
        next(steps)
    steps.close()
    assert on_disk(target) == {}
