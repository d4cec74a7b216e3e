"""One file of the project as chunks, read whole as it was at one moment."""

import hashlib
import json
import os
import stat
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

from ..local.entry import Entry, Signature, signature
from ..local.index import Noted
from ..local.read import OPEN_FLAGS, FileChanged, FileUnreadable, open_stable
from ..progress import Progress
from ..store import chunker
from ..store.lines import Content
from .ahead import ahead

_LARGE = 8 * 1024 * 1024
"""Bytes of a file from which on it is read and cut in a thread beside the one that hashes and compresses it."""
_PIECES_AHEAD = 16

Chunks = list[tuple[str, int]]
"""SHA-256 and length of each chunk of a file, in order."""


def read_chunks(
    root: Path, entry: Entry, add: Callable[[bytes], str], progress: Progress
) -> tuple[Signature, Chunks]:
    """The signature of what was read, and its chunks; ``add`` gets each chunk and returns its SHA-256.

    Raises FileChanged or FileUnreadable; what ``add`` got is then of no use.
    """
    if entry.signature.size <= chunker.WHOLE and (data := _small(root, entry)) is not None:
        progress.advance(len(data))
        return entry.signature, [(add(data), len(data))] if data else []
    found: Chunks = []
    with open_stable(root, entry.path) as source:
        small = source.signature.size <= chunker.WHOLE
        pieces = source.blocks() if small else chunker.chunks(source.blocks(), chunker.FILES)
        with ahead(pieces, _PIECES_AHEAD) if source.signature.size > _LARGE else nullcontext(pieces) as taken:
            for piece in taken:
                found.append((add(piece), len(piece)))
                progress.advance(len(piece))
        return source.signature, found


def _small(root: Path, entry: Entry) -> bytes | None:
    """A small file's content if it is as it was scanned; None where a closer look has to say what it is now."""
    size = entry.signature.size
    try:
        descriptor = os.open(os.fsencode(root) + b"/" + entry.path, OPEN_FLAGS)
        try:
            data = os.read(descriptor, size + 1)
            status = os.fstat(descriptor)
        finally:
            os.close(descriptor)
    except OSError:
        return None
    same = len(data) == size and signature(status) == entry.signature and stat.S_ISREG(status.st_mode)
    return data if same else None


def reread(root: Path, entry: Entry, recorded: Content, scanned_ns: int, progress: Progress) -> Noted | None:
    """What the file looks like now, if its content is still the recorded one. Stops at the first difference."""
    expected = iter(json.loads(recorded.chunks))

    def compare(data: bytes) -> str:
        sha256 = hashlib.sha256(data).hexdigest()
        if next(expected, None) != [sha256, len(data)]:
            raise _Different
        return sha256

    try:
        found, _ = read_chunks(root, entry, compare, progress)
    except (FileChanged, FileUnreadable, _Different):
        return None
    same = next(expected, None) is None and found.executable == entry.signature.executable
    return Noted(found, scanned_ns) if same else None


class _Different(Exception):
    pass
