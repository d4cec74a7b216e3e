"""A table on a terminal. By itself, because it needs rich, which takes longer to import than most commands run."""

from collections.abc import Sequence
from typing import TextIO

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

_GAP = 2


def draw(out: TextIO, title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Draws ``rows`` as wide as the terminal; cells are plain text, already safe to show."""
    table = Table(
        title=Text(title) if title else None,
        title_justify="left",
        box=SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
        padding=(0, _GAP - 1, 0, 0),  # the box draws one more blank between columns
    )
    for column in columns:
        table.add_column(Text(column), overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    Console(file=out).print(table)


def fits(out: TextIO, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """Whether the table can be drawn without breaking a cell."""
    widths = [max(map(cell_len, cells)) for cells in zip(columns, *rows, strict=True)]
    return sum(widths) + _GAP * (len(widths) - 1) <= Console(file=out).width
