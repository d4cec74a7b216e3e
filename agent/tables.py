"""A table on a terminal. By itself, because it needs rich, which takes longer to import than most commands run."""

from collections.abc import Sequence
from typing import TextIO

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text


def draw(out: TextIO, title: str, columns: Sequence[str], rows: list[list[str]]) -> None:
    """Draws ``rows`` as wide as the terminal; cells are plain text, already safe to show."""
    table = Table(title=Text(title) if title else None, title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(Text(column), overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    Console(file=out).print(table)
