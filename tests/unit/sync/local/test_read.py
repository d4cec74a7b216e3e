import contextlib
import os
import socket
import sys
import tracemalloc
from pathlib import Path

import pytest

from sync.clock import ManualClock
from sync.local.read import BUFFER, FileChanged, FileUnreadable, open_stable
from sync.local.rules import Rules
from sync.local.scan import scan
from tests.support.trees import make_fifo, make_tree

POSIX = pytest.mark.skipif(os.name == "nt", reason="types that Windows does not have")


def read(root: Path, path: bytes = b"f", size: int = BUFFER) -> bytes:
    with open_stable(root, path) as file:
        return b"".join(file.blocks(size))


@pytest.mark.parametrize("length", [0, 1, 99, 100, 101, 1000])
def test_the_content_comes_in_full_blocks(tmp_path: Path, length: int) -> None:
    content = os.urandom(length)
    make_tree(tmp_path, {"f": content})
    with open_stable(tmp_path, b"f") as file:
        blocks = list(file.blocks(100))
    assert b"".join(blocks) == content
    assert [len(block) for block in blocks[:-1]] == [100] * ((length - 1) // 100 if length else 0)


def test_the_signature_is_that_of_the_scan(tmp_path: Path) -> None:
    make_tree(tmp_path, {"f": "x"})
    with open_stable(tmp_path, b"f") as file:
        assert file.signature == scan(tmp_path, Rules(), ManualClock()).entries[0].signature


@pytest.mark.skipif(sys.platform == "darwin", reason="names are UTF-8 there")
@POSIX
def test_a_name_that_is_not_utf8_is_read(tmp_path: Path) -> None:
    make_tree(tmp_path, {b"bad-\xff": b"x"})
    assert read(tmp_path, b"bad-\xff") == b"x"


def _append(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"more")


def _truncate(path: Path) -> None:
    os.truncate(path, 50)


def _rewrite_in_place(path: Path) -> None:
    before = path.stat()
    with path.open("r+b") as file:
        file.write(b"new")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.mark.parametrize("change", [_append, _truncate, _rewrite_in_place])
@pytest.mark.parametrize("after", [1, 10])
def test_a_change_while_reading_is_never_a_whole_file(tmp_path: Path, change: object, after: int) -> None:
    make_tree(tmp_path, {"f": b"x" * 1000})
    os.utime(tmp_path / "f", (1, 1))
    with open_stable(tmp_path, b"f") as file, pytest.raises(FileChanged, match="f changed"):
        for number, _ in enumerate(file.blocks(100), start=1):
            if number == after:
                change(tmp_path / "f")  # type: ignore[operator]


def test_a_file_that_grows_without_end_is_given_up(tmp_path: Path) -> None:
    make_tree(tmp_path, {"f": b"x" * 10})
    blocks = 0
    with open_stable(tmp_path, b"f") as file, pytest.raises(FileChanged):
        for _ in file.blocks(5):
            _append(tmp_path / "f")
            blocks += 1
    assert blocks == 2


@POSIX
def test_a_file_replaced_by_rename_is_read_as_it_was(tmp_path: Path) -> None:
    make_tree(tmp_path, {"f": b"old" * 100, "new": b"new"})
    with open_stable(tmp_path, b"f") as file:
        blocks = file.blocks(10)
        first = next(blocks)
        before = file.signature
        (tmp_path / "new").rename(tmp_path / "f")
        # Its link count fell, which changes the ctime: whether that counts as a change is up to the system.
        with contextlib.suppress(FileChanged):
            assert first + b"".join(blocks) == b"old" * 100
        assert file.signature == before


@POSIX
@pytest.mark.parametrize(
    "kind", ["pipe", "socket", "folder", "link", "link to a folder", "loop", "gone", "parent"]
)
@pytest.mark.timeout(10)
def test_what_became_something_else_neither_hangs_nor_is_followed(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_tree(tmp_path, {"secret": "x", "folder/x": "x", "file": "x"})
    monkeypatch.chdir(tmp_path)
    path = b"f"
    match kind:
        case "pipe":
            make_fifo(tmp_path, "f")
        case "socket":
            with socket.socket(socket.AF_UNIX) as sock:
                sock.bind("f")
        case "folder":
            os.mkdir("f")
        case "link":
            os.symlink("secret", "f")
        case "link to a folder":
            os.symlink("folder", "f")
        case "loop":
            os.symlink("f", "f")
        case "parent":
            path = b"file/x"
    with pytest.raises(FileChanged):
        read(tmp_path, path)


@pytest.mark.platform
@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root reads everything")
def test_an_unreadable_file_is_a_problem_of_its_own(tmp_path: Path) -> None:
    make_tree(tmp_path, {"f": "x"})
    (tmp_path / "f").chmod(0)
    with pytest.raises(FileUnreadable) as caught:
        read(tmp_path)
    assert caught.value.what == "cannot be read: Permission denied"


@POSIX
def test_a_name_too_long_is_unreadable(tmp_path: Path) -> None:
    with pytest.raises(FileUnreadable):
        read(tmp_path, b"x" * 300)


def test_memory_is_bounded_by_the_block(tmp_path: Path) -> None:
    with open(tmp_path / "f", "wb") as file:
        file.truncate(64 * 1024 * 1024)
    tracemalloc.start()
    try:
        with open_stable(tmp_path, b"f") as stable:
            assert sum(len(block) for block in stable.blocks()) == 64 * 1024 * 1024
        assert tracemalloc.get_traced_memory()[1] < 4 * BUFFER
    finally:
        tracemalloc.stop()


def test_any_place_can_be_read_by_itself(tmp_path: Path) -> None:
    content = os.urandom(1000)
    make_tree(tmp_path, {"f": content})
    buffer = bytearray(300)
    with open_stable(tmp_path, b"f") as file:
        assert file.read(700, 300) == content[700:]
        file.read_into(100, memoryview(buffer))
        assert bytes(buffer) == content[100:400]
        assert b"".join(file.blocks(64, start=990)) == content[990:]


def test_what_ends_before_what_was_asked_for_has_changed(tmp_path: Path) -> None:
    make_tree(tmp_path, {"f": b"x" * 1000})
    with open_stable(tmp_path, b"f") as file:
        os.truncate(tmp_path / "f", 500)
        with pytest.raises(FileChanged):
            file.read(400, 200)
        with pytest.raises(FileChanged):
            file.read_into(400, memoryview(bytearray(200)))
