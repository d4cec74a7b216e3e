"""Large files in pieces that other processes can read, each by itself."""

import io
from collections.abc import Container, Iterator, Sequence
from typing import NamedTuple

from .. import tables
from .reader import Source
from .rows import LONGEST_LINE, BadRow, Row, lines, read, table_rows

SIZE = 1 << 20
"""Bytes of a piece, about; so a few thousand short answers."""
_UNSPLIT = 4 * SIZE
_SPLITTABLE = (".jsonl", ".parquet")
_MANY = 8 * SIZE
"""Less is graded before other processes have begun."""


class Piece(NamedTuple):
    """``content`` is a part of the file, after ``before`` rows of it, or None for the whole file."""

    source: Source
    before: int = 0
    content: bytes | None = None

    @property
    def is_whole(self) -> bool:
        return self.content is None


def are_many(sources: Sequence[Source]) -> bool:
    """Whether the files are worth the start of other processes, and come in pieces that are small. False where one cannot be read."""
    try:
        sizes = [(source.path.stat().st_size, source) for source in sources if not source.is_spare]
    except OSError:
        return False
    return sum(size for size, _ in sizes) >= _MANY and all(
        size <= _UNSPLIT or source.path.suffix.lower() in _SPLITTABLE for size, source in sizes
    )


def split(sources: Sequence[Source]) -> Iterator[Piece]:
    """In the order of the files, and of the rows within them, for files that ``are_many``; nothing of spare ones.

    Raises OSError, and tables.BadTable for a large file that is no Parquet.
    """
    for source in sources:
        if source.is_spare:
            continue
        if source.path.stat().st_size <= _UNSPLIT:
            yield Piece(source)
        elif source.path.suffix.lower() == ".parquet":
            for before, content in tables.split(source.path, SIZE):
                yield Piece(source, before, content)
        else:
            yield from _split_lines(source)


def rows_of(piece: Piece, id_names: Container[str]) -> Iterator[Row | BadRow]:
    if piece.content is None:
        return read(piece.source.path, id_names)
    if piece.source.path.suffix.lower() == ".jsonl":
        return lines(io.BytesIO(piece.content), piece.before)
    return table_rows(tables.rows(tables.unpacked(piece.content)), piece.before)


def _split_lines(source: Source) -> Iterator[Piece]:
    before = 0
    with source.path.open("rb") as file:
        while content := file.read(SIZE):
            content += file.readline(LONGEST_LINE + 1)
            yield Piece(source, before, content)
            before += content.count(b"\n")
