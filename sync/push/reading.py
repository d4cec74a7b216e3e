"""One file of the project as chunks, read whole as it was at one moment."""

import hashlib
import json
import os
import stat
from pathlib import Path

from ..local.entry import Entry, Signature, signature
from ..local.noted import Noted
from ..local.read import OPEN_FLAGS, FileChanged, FileUnreadable, open_stable
from ..progress import Progress
from ..store import chunker
from ..store.lines import Content
from .expected import Chunk
from .following import Sink, follow

Chunks = list[Chunk]
"""SHA-256 and length of each chunk of a file, in order."""


def read_chunks(
    root: Path, entry: Entry, sink: Sink, progress: Progress, former: Content | None = None
) -> tuple[Signature, Chunks]:
    """The signature of what was read, and its chunks, of which ``sink`` gets those that it does not hold.

    ``former`` is what the file was before, if that is known: what is still the same need not be cut. Raises FileChanged
    or FileUnreadable; what ``sink`` got is then of no use.
    """
    if entry.signature.size <= chunker.WHOLE and (data := _small(root, entry)) is not None:
        progress.advance(len(data))
        return entry.signature, [(sink.add_chunk(data), len(data))] if data else []
    with open_stable(root, entry.path) as source:
        if source.signature.size <= chunker.WHOLE:
            found = [(sink.add_chunk(piece), len(piece)) for piece in source.blocks()]
            progress.advance(source.signature.size)
        else:
            found = follow(source, chunks_of(former) if former else [], sink, progress)
        return source.signature, found


def chunks_of(content: Content) -> Chunks:
    return [(sha256, length) for sha256, length in json.loads(content.chunks)]


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
    chunks = chunks_of(recorded)
    try:
        found, now = read_chunks(root, entry, _Recorded(chunks), progress, recorded)
    except (FileChanged, FileUnreadable, _Different):
        return None
    same = now == chunks and found.executable == entry.signature.executable
    return Noted(found, scanned_ns) if same else None


class _Recorded:
    """Needs nothing of what is recorded, and takes nothing else. What has to be cut is no recorded chunk, unless the
    file is so small that it is one as a whole."""

    def __init__(self, chunks: Chunks) -> None:
        self._chunks = chunks

    def holds(self, sha256: str) -> bool:
        return True

    def add_chunk(self, data: bytes) -> str:
        sha256 = hashlib.sha256(data).hexdigest()
        if self._chunks != [(sha256, len(data))]:
            raise _Different
        return sha256

    def add_hashed(self, sha256: str, data: bytes) -> None:
        raise AssertionError("all is held")


class _Different(Exception):
    pass
