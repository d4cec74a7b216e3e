"""ARC grids: a tolerant reader of every form in which models write them, for a strict comparison.

Understood: lists of lists of whole numbers; text holding a JSON, Python or numpy list; rows of digits, apart or
together, one row a line, bracketed or not, with or without a trailing ``#``; any of these inside prose or a fenced block. Of several
grids in one text the last counts. What is read must be a grid: 1 to 30 rows of one length, 1 to 30 cells each 0 to 9.
"""

import re
from collections.abc import Sequence
from itertools import groupby

Grid = tuple[tuple[int, ...], ...]

LARGEST = 30
_LONGEST_TEXT = 200_000

_FENCED = re.compile(r"```[^\n]*\n(.*?)```", re.DOTALL)
_BRACKETED = re.compile(r"\[\s*(?:\[[^\[\]]*\][\s,]*)+\]")
_BRACKETED_ROW = re.compile(r"\[([^\[\]]*)\]")


class NotAGrid(ValueError):
    """``str(error)`` says what keeps the value from being a grid."""


def parse(value: object) -> Grid:
    """The grid that a list or text stands for. Raises NotAGrid."""
    if isinstance(value, str):
        return _parse_text(value)
    if not isinstance(value, Sequence):
        raise NotAGrid("nothing" if value is None else f"a {type(value).__name__}")
    if value and all(isinstance(row, str) for row in value):
        return _checked([_digits(row) for row in value])
    return _checked(value)


def text(grid: Grid) -> str:
    """One line per row, one digit per cell."""
    return "\n".join("".join(map(str, row)) for row in grid)


def cell_accuracy(grid: Grid, reference: Grid) -> float:
    """Share of cells that agree, in [0, 1]; 0 where the shapes differ."""
    if not same_shape(grid, reference):
        return 0.0
    cells = [
        a == b for row, other in zip(grid, reference, strict=True) for a, b in zip(row, other, strict=True)
    ]
    return sum(cells) / len(cells)


def same_shape(grid: Grid, reference: Grid) -> bool:
    return len(grid) == len(reference) and len(grid[0]) == len(reference[0])


def _parse_text(whole: str) -> Grid:
    tail = whole[-_LONGEST_TEXT:]
    for part in (*reversed(_FENCED.findall(tail)), tail):
        found = _last_bracketed(part) or _last_rows(part)
        if found:
            return _checked(found)
    raise NotAGrid("no rows of digits in the text")


def _last_bracketed(part: str) -> list[list[object]] | None:
    found = _BRACKETED.findall(part)
    return [_numbers(row) for row in _BRACKETED_ROW.findall(found[-1])] if found else None


def _last_rows(part: str) -> list[list[object]] | None:
    lines = [_row_of_digits(line) for line in part.splitlines()]
    blocks = [list(block) for is_row, block in groupby(lines, lambda row: row is not None) if is_row]
    return [row for row in blocks[-1] if row is not None] if blocks else None


def _row_of_digits(line: str) -> list[object] | None:
    cells = line.strip().removesuffix("#").strip(" \t[],").split()
    if len(cells) == 1:
        cells = cells[0].split(",") if "," in cells[0] else list(cells[0])
    else:
        cells = [cell.removesuffix(",") for cell in cells]
    if cells and all(len(cell) == 1 and cell in "0123456789" for cell in cells):
        return [int(cell) for cell in cells]
    return None


def _digits(line: str) -> list[object]:
    row = _row_of_digits(line)
    if row is None:
        raise NotAGrid("a row that is not digits")
    return row


def _numbers(row: str) -> list[object]:
    cells = row.replace(",", " ").split()
    return [int(cell) if cell.isdecimal() and len(cell) < 10 else cell for cell in cells]


def _checked(rows: Sequence[object]) -> Grid:
    if not 1 <= len(rows) <= LARGEST:
        raise NotAGrid(f"{len(rows)} rows")
    grid = tuple(_checked_row(row) for row in rows)
    width = len(grid[0])
    for number, row in enumerate(grid, 1):
        if len(row) != width:
            raise NotAGrid(f"row {number} has {len(row)} cells, row 1 has {width}")
    if not 1 <= width <= LARGEST:
        raise NotAGrid(f"{width} cells in a row")
    return grid


def _checked_row(row: object) -> tuple[int, ...]:
    if isinstance(row, str) or not isinstance(row, Sequence):
        raise NotAGrid("no list of rows")
    if len(row) > LARGEST:
        raise NotAGrid(f"{len(row)} cells in a row")
    for cell in row:
        # A table may have turned whole numbers into floats; true is no colour, though Python counts with it.
        if isinstance(cell, bool) or not isinstance(cell, int | float) or cell not in range(10):
            raise NotAGrid("a cell that is not 0 to 9")
    return tuple(int(cell) for cell in row)
