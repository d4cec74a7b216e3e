"""The table of runs: on a terminal the most that fits its width without breaking a line, elsewhere all of it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from sync.clock import Clock

from . import run_page, runs
from .run_words import Words
from .runs import Summary

Table = tuple[tuple[str, ...], list[tuple[str, ...]]]
"""Names of columns, and rows."""
_LONGEST_NAME = 30
_SHORT_NAME = 12


@dataclass(frozen=True, kw_only=True)
class Line:
    """A run in the table. ``silent``: seconds without a sign of life, where they are many; ``step``: what to do next."""

    summary: Summary
    silent: float | None
    step: str


def whole(lines: Sequence[Line], clock: Clock) -> Table:
    """Every column, with whole ids: what grep and awk want."""
    columns = ("run", "name", "phase", "shards", "age", "next")
    return columns, [(each.summary.run, *_cells(each, clock, _LONGEST_NAME)) for each in lines]


def fitting(lines: Sequence[Line], words: Words, clock: Clock, fits: Callable[[Table], bool]) -> Table:
    """The fullest form that fits, else the smallest one."""
    for table in _forms(lines, words, clock):
        if fits(table):
            break
    return table


def _forms(lines: Sequence[Line], words: Words, clock: Clock) -> Iterator[Table]:
    """From full to small. The age goes first, as a run's short form tells when it was queued."""
    for longest, columns in (
        (_LONGEST_NAME, ("run", "name", "phase", "shards", "age", "next")),
        (_LONGEST_NAME, ("run", "name", "phase", "shards", "next")),
        (_SHORT_NAME, ("run", "name", "phase", "shards", "next")),
        (_LONGEST_NAME, ("run", "name", "phase", "shards")),
        (_SHORT_NAME, ("run", "name", "phase", "shards")),
        (_SHORT_NAME, ("run", "phase", "shards")),
    ):
        rows = []
        for each in lines:
            short = (words.short(each.summary.run), *_cells(each, clock, longest))
            told = dict(zip(("run", "name", "phase", "shards", "age", "next"), short, strict=True))
            rows.append(tuple(told[column] for column in columns))
        yield columns, rows


def _cells(line: Line, clock: Clock, longest: int) -> tuple[str, str, str, str, str]:
    one = line.summary
    name = one.name if len(one.name) <= longest else f"{one.name[: longest - 3]}..."
    phase = run_page.phase(one, line.silent)
    return name, phase, runs.shards_cell(one), run_page.age(one, clock), line.step
