"""Content that this disk holds already, in an older state of the tree, and that need not be fetched."""

import contextlib
import hashlib
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from typing import IO

from . import chunker
from .nouns import Entry

_BLOCK = 8 * 1024 * 1024
_REGULAR_ONLY = (
    os.O_RDONLY
    | getattr(os, "O_BINARY", 0)
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_CLOEXEC", 0)
)


def pieces(old: bytes, entry: Entry, wants: Callable[[str, int], bool]) -> Iterator[tuple[str, bytes]]:
    """What the file at ``old`` holds of the chunks that are wanted: SHA-256 and the bytes, which match it.

    First those of the entry that lie at the same place; then, where cuts follow the content and something is still
    missing, whatever else is wanted of the pieces that the old file is cut into. ``wants`` gets SHA-256 and length.
    A file that cannot be read holds nothing.
    """
    with contextlib.suppress(OSError), _opened(old) as file:
        size = os.fstat(file.fileno()).st_size
        if len(entry.chunks) == 1 and size != entry.size:
            return
        yield from _at_the_same_place(file, entry, wants)
        missing = any(wants(chunk.sha256, chunk.at.length) for chunk in entry.chunks)
        if missing and len(entry.chunks) > 1 and chunker.follows_content():
            file.seek(0)
            for piece in chunker.chunks(_blocks(file, 2 * entry.size), chunker.FILES):
                sha256 = hashlib.sha256(piece).hexdigest()
                if wants(sha256, len(piece)):
                    yield sha256, piece


def found(entry: Entry, folders: Iterable[bytes]) -> int:
    """How many bytes of a file's content lie in ``folders``, under the same path."""
    left = {chunk.sha256: chunk.at.length for chunk in entry.chunks}

    def wants(sha256: str, length: int) -> bool:
        return left.get(sha256) == length

    for folder in folders:
        for sha256, _ in pieces(folder + b"/" + entry.path, entry, wants):
            del left[sha256]
    return entry.size - sum(chunk.at.length for chunk in entry.chunks if chunk.sha256 in left)


def _at_the_same_place(
    file: IO[bytes], entry: Entry, wants: Callable[[str, int], bool]
) -> Iterator[tuple[str, bytes]]:
    offset = 0
    for chunk in entry.chunks:
        if wants(chunk.sha256, chunk.at.length):
            file.seek(offset)
            piece = file.read(chunk.at.length)
            if hashlib.sha256(piece).hexdigest() == chunk.sha256:
                yield chunk.sha256, piece
        offset += chunk.at.length


@contextlib.contextmanager
def _opened(path: bytes) -> Iterator[IO[bytes]]:
    """A plain file; OSError for anything else, which is neither followed nor waited for."""
    handle = os.open(path, _REGULAR_ONLY)
    with os.fdopen(handle, "rb", buffering=0) as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError("not a plain file")
        yield file


def _blocks(file: IO[bytes], most: int) -> Iterator[bytes]:
    while most > 0 and (block := file.read(min(most, _BLOCK))):
        most -= len(block)
        yield block
