"""One file of the project as chunks, read whole as it was at one moment."""

import hashlib
from collections.abc import Callable
from pathlib import Path

from .local.entry import Signature
from .local.index import FileRow
from .local.read import FileChanged, FileUnreadable, open_stable
from .progress import Progress
from .store.writer import FileWriter


def read_chunks(
    root: Path, path: bytes, add: Callable[[bytes], str], progress: Progress
) -> tuple[Signature, list[tuple[str, int]]]:
    """The signature of what was read, and SHA-256 and length of each chunk; ``add`` gets each and returns its SHA-256.

    Raises FileChanged or FileUnreadable; what ``add`` got is then of no use.
    """
    file = FileWriter(add)
    with open_stable(root, path) as source:
        for buffer in source.blocks():
            file.feed(buffer)
            progress.advance(len(buffer))
        return source.signature, file.end()


def reread(root: Path, row: FileRow, scanned_ns: int, progress: Progress) -> FileRow | None:
    """``row`` with the signature of now, if the content is still the recorded one. Stops at the first difference."""
    expected = iter(row.chunk_list())

    def compare(data: bytes) -> str:
        digest = hashlib.sha256(data)
        if next(expected, None) != (digest.digest(), len(data)):
            raise _Different
        return digest.hexdigest()

    try:
        found, _ = read_chunks(root, row.path, compare, progress)
    except (FileChanged, FileUnreadable, _Different):
        return None
    same = next(expected, None) is None and found.executable == row.signature.executable
    return row._replace(signature=found, scanned_ns=scanned_ns) if same else None


class _Different(Exception):
    pass
