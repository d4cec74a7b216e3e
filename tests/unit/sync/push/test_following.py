"""A file that is hashed instead of cut is as safe from whoever writes to it, and leaves nothing running."""

import hashlib
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from sync.local.read import FileChanged, StableFile, open_stable
from sync.progress import Silent
from sync.push.expected import Chunk
from sync.push.following import follow
from sync.store import chunker
from tests.support.trees import noise

SIZE = 12_000_000
"""Enough for threads."""


class Sink:
    """Holds what it is told to, and notes what it gets."""

    def __init__(self, held: set[str] | None = None) -> None:
        self.held = held or set()
        self.got: list[tuple[str, int]] = []

    def holds(self, sha256: str) -> bool:
        return sha256 in self.held

    def add_chunk(self, data: bytes) -> str:
        sha256 = hashlib.sha256(data).hexdigest()
        self.add_hashed(sha256, data)
        return sha256

    def add_hashed(self, sha256: str, data: bytes) -> None:
        self.got.append((sha256, len(data)))


class Meddling(Silent):
    """Acts once, when the first chunk has come true."""

    def __init__(self, act: Callable[[], None]) -> None:
        self._act: Callable[[], None] | None = act

    def advance(self, amount: int) -> None:
        if self._act is not None:
            self._act()
            self._act = None


@pytest.fixture
def former(tmp_path: Path) -> list[Chunk]:
    data = noise(SIZE, 1)
    (tmp_path / "f").write_bytes(data)
    os.utime(tmp_path / "f", (1, 1))
    return [
        (hashlib.sha256(piece).hexdigest(), len(piece)) for piece in chunker.chunks([data], chunker.FILES)
    ]


def followed(
    root: Path, former: list[Chunk], sink: Sink, act: Callable[[], None] = lambda: None
) -> list[Chunk]:
    with open_stable(root, b"f") as source:
        return follow(source, former, sink, Meddling(act))


def lanes() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith(("lane", "ahead"))]


def test_bytes_of_what_is_held_are_not_handed_on(tmp_path: Path, former: list[Chunk]) -> None:
    lacks = former[3]
    sink = Sink({sha256 for sha256, _ in former} - {lacks[0]})
    assert followed(tmp_path, former, sink) == former
    assert sink.got == [lacks]


def _overwrite_behind(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(SIZE - 10)
        file.write(b"x")


def _overwrite_before(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(b"x")


def _append(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"x")


def _truncate(path: Path) -> None:
    os.truncate(path, SIZE // 2)


@pytest.mark.parametrize("act", [_overwrite_behind, _overwrite_before, _append, _truncate])
def test_a_file_that_changes_while_it_is_hashed_is_never_taken(
    tmp_path: Path, former: list[Chunk], act: Callable[[Path], None]
) -> None:
    with pytest.raises(FileChanged):
        followed(tmp_path, former, Sink({sha256 for sha256, _ in former}), lambda: act(tmp_path / "f"))


def test_whoever_stops_it_leaves_nobody_reading(tmp_path: Path, former: list[Chunk]) -> None:
    """The file's number may be another file's as soon as it is closed."""
    reads: list[bool] = []

    class Watched(StableFile):
        closed = False

        def read_into(self, at: int, buffer: memoryview) -> None:
            reads.append(self.closed)
            super().read_into(at, buffer)

    def stop() -> None:
        raise KeyboardInterrupt

    others = set(lanes())
    descriptor = os.open(tmp_path / "f", os.O_RDONLY | getattr(os, "O_BINARY", 0))
    source = Watched(b"f", descriptor)
    try:
        with pytest.raises(KeyboardInterrupt):
            follow(source, former, Sink({sha256 for sha256, _ in former}), Meddling(stop))
    finally:
        Watched.closed = True
        os.close(descriptor)
    for thread in set(lanes()) - others:
        thread.join(10)
    assert set(lanes()) <= others
    assert reads and not any(reads)
