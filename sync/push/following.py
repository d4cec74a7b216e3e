"""A large file as chunks, found by hashing alone where it goes on as it did before, and by the cutter elsewhere."""

import contextlib
import hashlib
import itertools
from collections import deque
from collections.abc import Generator, Iterable
from functools import partial
from typing import Protocol

from ..local.read import FileChanged, FileUnreadable, StableFile
from ..progress import Progress
from ..store import chunker
from ..store.lanes import Answer, Lanes
from .ahead import ahead
from .expected import Chunk, Expected

_LARGE = 8 * 1024 * 1024
"""Bytes of a file from which on threads are worth their while."""
_HASHED_AHEAD = 8
"""Most chunks that are hashed before it is known that those before them came true."""
_CUT_ALONE = 8
"""Chunks that are cut before the cutter gets a thread: most often it is needed for one or two."""
_CUT_AHEAD = 16
_SLICE = 128 * 1024
"""Bytes that are read and hashed at a time, so that they are hashed while they are still close to the processor."""


class Sink(Protocol):
    """What takes a file's chunks, in order."""

    def holds(self, sha256: str) -> bool:
        """Whether it needs no bytes of that chunk."""

    def add_chunk(self, data: bytes) -> str:
        """Takes the chunk, and returns its SHA-256."""

    def add_hashed(self, sha256: str, data: bytes) -> None:
        """Takes a chunk of which this is the SHA-256."""


def follow(source: StableFile, former: Iterable[Chunk], sink: Sink, progress: Progress) -> list[Chunk]:
    """The chunks of a file that had the ``former`` ones; those that ``sink`` does not hold are added to it.

    The cuts are those of the chunker, if it also made the former ones. Raises FileChanged or FileUnreadable.
    """
    size = source.signature.size
    expected = Expected(former, size)
    found: list[Chunk] = []
    at = 0
    with Lanes(2 if size > _LARGE else 1) as lanes:
        while at < size:
            if expected.upcoming(0, at):
                chunks = _hashed(source, expected, at, sink, lanes)
            else:
                chunks = _cut(source, expected, at, sink)
            with contextlib.closing(chunks):
                for chunk in chunks:
                    found.append(chunk)
                    at += chunk[1]
                    progress.advance(chunk[1])
    source.check()
    return found


def _hashed(
    source: StableFile, expected: Expected, at: int, sink: Sink, lanes: Lanes
) -> Generator[Chunk, None, None]:
    """The chunks from ``at`` on, as long as they are the expected ones.

    The cutter also looks at the first byte behind a chunk: so it is one only once the next one, or the end, is there.
    """
    size = source.signature.size
    most = _HASHED_AHEAD if lanes.count > 1 else 1
    waiting: deque[tuple[Chunk, Answer[tuple[str, bytes]]]] = deque()
    held: tuple[Chunk, bytes] | None = None
    given = ahead_at = at
    try:
        while given < size:
            # No more is staked than has been won: what is hashed in vain stays a part of what was not.
            room = min(most, expected.in_a_row + 1)
            while len(waiting) < room and (chunk := expected.upcoming(len(waiting), ahead_at)):
                call = partial(_hash, source, ahead_at, chunk[1], keep=not sink.holds(chunk[0]))
                waiting.append((chunk, lanes.start(call)))
                ahead_at += chunk[1]
            if not waiting:
                expected.failed()
                return
            chunk, answer = waiting.popleft()
            sha256, data = answer()
            if sha256 != chunk[0]:
                expected.failed()
                return
            expected.came_true()
            sure = [held] if held else []
            held = chunk, data
            if ahead_at == size and not waiting:
                sure.append(held)
            for known, content in sure:
                if content:
                    sink.add_hashed(known[0], content)
                given += known[1]
                yield known
    finally:
        for _, answer in waiting:  # the file must stay open until nobody reads it
            with contextlib.suppress(FileChanged, FileUnreadable):
                answer()


def _hash(source: StableFile, at: int, length: int, *, keep: bool) -> tuple[str, bytes]:
    """SHA-256 of a piece of the file, and the piece itself if it is to be kept."""
    if keep:
        data = source.read(at, length)
        return hashlib.sha256(data).hexdigest(), data
    digest = hashlib.sha256()
    buffer = memoryview(bytearray(min(_SLICE, length)))
    for start in range(0, length, _SLICE):
        piece = buffer[: length - start]
        source.read_into(at + start, piece)
        digest.update(piece)
    return digest.hexdigest(), b""


def _cut(source: StableFile, expected: Expected, at: int, sink: Sink) -> Generator[Chunk, None, None]:
    """The chunks from ``at`` on as the cutter finds them, until there is something to expect."""
    with contextlib.closing(_pieces(source, at)) as pieces:
        for piece in pieces:
            chunk = sink.add_chunk(piece), len(piece)
            at += chunk[1]
            expected.was_cut(chunk)
            yield chunk
            if expected.upcoming(0, at):
                return


def _pieces(source: StableFile, at: int) -> Generator[bytes, None, None]:
    pieces = chunker.chunks(source.blocks(start=at), chunker.FILES)
    yield from itertools.islice(pieces, _CUT_ALONE)
    if source.signature.size - at > _LARGE:
        with ahead(pieces, _CUT_AHEAD) as taken:
            yield from taken
    else:
        yield from pieces
