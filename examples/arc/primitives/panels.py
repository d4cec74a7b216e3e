"""Grids made of panels: parts of equal size, divided by lines or by plain halves."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from .grids import (
    Grid,
    Transform,
    background,
    colour_counts,
    crop,
    foreground,
    mirror_left_right,
    mirror_top_bottom,
    transpose,
)
from .objects import CHOICES, choose

Panels = tuple[tuple[Grid, ...], ...]
Splitter = Callable[[Grid], Panels | None]


def _runs(is_line: list[bool]) -> list[tuple[int, int]]:
    """First and last place of each run between lines."""
    runs: list[tuple[int, int]] = []
    for place, line in enumerate(is_line):
        if line:
            continue
        if runs and runs[-1][1] == place - 1:
            runs[-1] = (runs[-1][0], place)
        else:
            runs.append((place, place))
    return runs


@lru_cache(maxsize=2048)
def by_lines(grid: Grid) -> Panels | None:
    """Split at the full rows and columns of one colour that is not the background.

    Among several such colours the one that makes equal panels wins, then the one with most lines.
    """
    best: tuple[bool, int] = (False, 0)
    chosen = None
    for colour in sorted(colour_counts(grid)):
        rows = [all(cell == colour for cell in row) for row in grid]
        columns = [all(cell == colour for cell in column) for column in transpose(grid)]
        across, down = _runs(rows), _runs(columns)
        if colour == background(grid) or len(across) * len(down) < 2:
            continue
        panels = tuple(
            tuple(crop(grid, top, left, bottom, right) for left, right in down) for top, bottom in across
        )
        rank = (same_size(panels), sum(rows) + sum(columns))
        if rank > best:
            best, chosen = rank, panels
    return chosen


def by_count(rows: int, columns: int) -> Splitter:
    """Split into this many equal parts without lines between."""

    def split(grid: Grid) -> Panels | None:
        height, width = len(grid), len(grid[0])
        if height % rows or width % columns:
            return None
        h, w = height // rows, width // columns
        return tuple(
            tuple(crop(grid, r * h, c * w, r * h + h - 1, c * w + w - 1) for c in range(columns))
            for r in range(rows)
        )

    return split


def by_long_side(grid: Grid) -> Panels | None:
    """Split a grid that is some times as long as wide into squares."""
    height, width = len(grid), len(grid[0])
    short, long_ = min(height, width), max(height, width)
    if short == long_ or long_ % short or short < 2:
        return None
    return by_count(height // short, width // short)(grid)


SPLITTERS: dict[str, Splitter] = {
    "lines": by_lines,
    "squares": by_long_side,
    "2 halves beside": by_count(1, 2),
    "2 halves below": by_count(2, 1),
    "quarters": by_count(2, 2),
    "3 beside": by_count(1, 3),
    "3 below": by_count(3, 1),
    "4 beside": by_count(1, 4),
    "4 below": by_count(4, 1),
}


def same_size(panels: Panels) -> bool:
    return len({(len(panel), len(panel[0])) for row in panels for panel in row}) == 1


def _measure(panel: Grid, name: str, all_panels: list[Grid]) -> int:
    if name == "filled":
        return sum(cell != background(panel) for row in panel for cell in row)
    if name == "colours":
        return len(colour_counts(panel))
    if name == "same picture":
        return all_panels.count(panel)
    if name == "same pattern":
        return sum(_pattern(other) == _pattern(panel) for other in all_panels)
    return int(
        panel == (mirror_left_right(panel) if name == "symmetric left-right" else mirror_top_bottom(panel))
    )


def _pattern(panel: Grid) -> tuple[tuple[bool, ...], ...]:
    return tuple(tuple(cell != background(panel) for cell in row) for row in panel)


MEASURES = (
    "filled",
    "colours",
    "same picture",
    "same pattern",
    "symmetric left-right",
    "symmetric top-bottom",
)


def pick_panel(split: Splitter, measure: str, how: str) -> Transform:
    """The panel singled out by a measure; panels that look alike count as one."""

    def program(grid: Grid) -> Grid | None:
        panels = split(grid)
        if panels is None:
            return None
        every = [panel for row in panels for panel in row]
        values = [_measure(panel, measure, every) for panel in every]
        index = choose(values, how)
        if index is None and how in ("most", "least"):
            edge = max(values) if how == "most" else min(values)
            looks = sorted({panel for panel, value in zip(every, values, strict=False) if value == edge})
            return looks[0] if len(looks) == 1 else None
        return None if index is None else every[index]

    return program


def pick_place(split: Splitter, row: int, column: int) -> Transform:
    """The panel at this place."""

    def program(grid: Grid) -> Grid | None:
        panels = split(grid)
        return None if panels is None else panels[row][column]

    return program


def one_cell_each(split: Splitter, how: str) -> Transform:
    """Each panel becomes one cell: its one foreground colour, its most common one, or if it is fullest."""

    def program(grid: Grid) -> Grid | None:
        panels = split(grid)
        if panels is None:
            return None
        if how == "fullest":
            counts = [[_measure(panel, "filled", []) for panel in row] for row in panels]
            most = max(max(row) for row in counts)
            return tuple(tuple(int(count == most) for count in row) for row in counts)
        blank = background(grid)
        rows = []
        for row in panels:
            solid = [[colour for colour in foreground(panel) if colour != blank] for panel in row]
            if how == "colour" and any(len(colours) > 1 for colours in solid):
                return None
            if how == "major":
                rows.append(tuple(colour_counts(panel).most_common(1)[0][0] for panel in row))
            else:
                full = [len(colour_counts(panel)) == 1 and panel[0][0] != blank for panel in row]
                rows.append(
                    tuple(
                        panel[0][0] if whole else (colours[0] if colours else blank)
                        for panel, whole, colours in zip(row, full, solid, strict=False)
                    )
                )
        return tuple(rows)

    return program


def _transforms() -> dict[str, Transform]:
    found: dict[str, Transform] = {}
    for name, split in SPLITTERS.items():
        for measure in MEASURES:
            for how in CHOICES:
                found[f"panel of {name} by {measure}: {how}"] = pick_panel(split, measure, how)
        for row, column in ((0, 0), (0, -1), (-1, 0), (-1, -1)):
            found[f"panel of {name} at {row} {column}"] = pick_place(split, row, column)
    for how in ("colour", "first", "major", "fullest"):
        found[f"panels to cells: {how}"] = one_cell_each(by_lines, how)
    return found


TRANSFORMS = _transforms()
