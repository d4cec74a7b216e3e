"""Rows of text that is separated by commas, tabs or semicolons, by the standard library's ``csv``: the first row names the columns.

Every cell is text. CSV cannot tell an empty text from a missing value: an empty cell is a missing value, but where it is the
answer, since a run writes its rows when it has answers, and an empty one is wrong. Quotes are taken strictly. What
is lenient about them elsewhere makes one wrong row of several, without a word; here the row where they went wrong is named,
and most often the next line is a row again. A file is read line by line, so that its size does not matter.

What is no UTF-8 is read on with escapes and refused row by row: else a quoted text in which a byte is wrong would go on as rows.
"""

import csv
import re
from collections import Counter
from collections.abc import Container, Iterator, Sequence
from pathlib import Path
from typing import IO, NamedTuple

DELIMITERS = {".csv": ",", ".tsv": "\t"}
"""By a file's ending, where its header has one."""

NOT_UTF8 = "is not UTF-8 text"
HOLDS_NUL = "holds a NUL byte, as binary files and UTF-16 do"
EMPTY = "is empty"
NOTHING_UP_TO_THERE = "; nothing up to there was read"
NO_ROWS = "holds a header and no rows"

_LONGEST_ROW = 8 << 20
_MOST_SHOWN = 12
_LONGEST_SHOWN = 40
_QUOTED = re.compile('"[^"]*"')
_ESCAPED = re.compile("[\udc80-\udcff]")


class Cells(dict[str, str | None]):
    """A row's cells by column, None for empty ones."""


class Flaw(NamedTuple):
    """A clause about a row, or about the file. ``columns`` are the table's; None where it is not known to be a table of samples."""

    what: str
    columns: Sequence[str] | None = None


def read(path: Path, id_names: Container[str] | None, delimiter: str) -> Iterator[tuple[str, Cells] | Flaw]:
    """Rows as (``line 2``, cells by column); the line is the one where the row begins. A column without a name is left out: it is
    how tables write the numbers of their rows.

    A table without a column of ``id_names`` is one flaw, and not read on; None stands for any. OSError passes through.
    """
    # The limit is one for the whole process, and its default is less than a long answer.
    csv.field_size_limit(max(csv.field_size_limit(), _LONGEST_ROW))
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
        records = _records(_Lines(file), _delimiter(file, delimiter))
        first = next(records, None)
        if first is None:
            yield Flaw(EMPTY)
            return
        where, header = first
        if isinstance(header, str):
            yield Flaw(f"{where} {header}")
            return
        columns = [name.strip() for name in header]
        if id_names is not None and not any(name in id_names for name in columns):
            shown = ", ".join(name[:_LONGEST_SHOWN] for name in columns[:_MOST_SHOWN])
            yield Flaw(f"{where} names no column for the id (its columns: {shown}; see --id-field)")
            return
        twice = [name for name, count in Counter(columns).items() if name and count > 1]
        if twice:
            yield Flaw(f"{where} names more than one column {twice[0][:_LONGEST_SHOWN]}", columns)
            return
        empty = True
        for where, cells in records:
            empty = False
            if isinstance(cells, str):
                yield Flaw(f"{where} {cells}", columns)
            elif len(cells) != len(columns):
                yield Flaw(f"{where} has {_cells(len(cells))}, and the header has {len(columns)}", columns)
            else:
                named = Cells((name, cell or None) for name, cell in zip(columns, cells, strict=True))
                named.pop("", None)
                yield where, named
        if empty:
            yield Flaw(NO_ROWS)


def _delimiter(file: IO[str], usual: str) -> str:
    """The usual one, but where the header has none and another: where commas are in numbers, programs write semicolons."""
    header = _QUOTED.sub("", file.readline(_LONGEST_ROW))
    file.seek(0)
    return next((each for each in (usual, ";", *DELIMITERS.values()) if each in header), usual)


class _TooLong(Exception):
    """A row is longer than what is kept in memory at once."""


class _Lines:
    """The lines of a file for ``csv``, which takes as many as a row has; ``number`` is the last one's."""

    def __init__(self, file: IO[str]) -> None:
        self.number = 0
        self._file = file
        self.begin()

    def begin(self) -> None:
        """A row begins."""
        self.escaped = self.nul = False
        self._left = _LONGEST_ROW

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._file.readline(self._left + 1)
        if not line:
            raise StopIteration
        self.number += 1
        self._left -= len(line)
        if self._left < 0:
            raise _TooLong
        self.nul = self.nul or "\0" in line
        self.escaped = self.escaped or (not line.isascii() and _ESCAPED.search(line) is not None)
        return line


def _records(lines: _Lines, delimiter: str) -> Iterator[tuple[str, list[str] | str]]:
    """Rows that are not blank, as (where, cells), or (where, what is wrong with it)."""
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        lines.begin()
        where = f"line {lines.number + 1}"
        try:
            cells = next(reader)
        except StopIteration:
            return
        except _TooLong:
            yield (
                where,
                f"begins a row of more than {_LONGEST_ROW >> 20} million characters; the rest was not read",
            )
            return
        except csv.Error as error:
            if "end of data" in str(error):
                yield where, "has a quote that does not end; the rest was not read"
                return
            until = f"line {lines.number}"
            passed = "" if until == where else f" in {until}{NOTHING_UP_TO_THERE}"
            yield where, f"has a quoted cell with text after its end{passed}"
            continue
        if lines.nul:
            yield where, HOLDS_NUL
        elif lines.escaped:
            yield where, NOT_UTF8
        elif cells:
            yield where, cells


def _cells(count: int) -> str:
    return "1 cell" if count == 1 else f"{count} cells"
