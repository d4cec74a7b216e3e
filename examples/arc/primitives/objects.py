"""Objects: connected cells of a grid, what can be measured of them, and how one of them is singled out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple

from .grids import Grid, Transform, background, crop, mirror_left_right, mirror_top_bottom

ORTHOGONAL = ((-1, 0), (0, -1), (0, 1), (1, 0))
AROUND = ((-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0), (1, 1))


class Blob(NamedTuple):
    """Cells that belong together, and their bounding box (ends included)."""

    cells: tuple[tuple[int, int], ...]
    top: int
    left: int
    bottom: int
    right: int

    @property
    def area(self) -> int:
        """Cells of the bounding box."""
        return (self.bottom - self.top + 1) * (self.right - self.left + 1)


def blob_of(cells: Sequence[tuple[int, int]]) -> Blob:
    """The blob of these cells."""
    rows, columns = [r for r, _ in cells], [c for _, c in cells]
    return Blob(tuple(sorted(cells)), min(rows), min(columns), max(rows), max(columns))


def components(grid: Grid, diagonal: bool, joins: Callable[[int, int], bool]) -> list[Blob]:
    """The connected parts, in reading order, where joins(a, b) says if neighbours of these colours connect."""
    height, width = len(grid), len(grid[0])
    steps = AROUND if diagonal else ORTHOGONAL
    seen = [[False] * width for _ in range(height)]
    found = []
    for row in range(height):
        for column in range(width):
            if seen[row][column]:
                continue
            seen[row][column] = True
            cells = [(row, column)]
            for r, c in cells:
                for dr, dc in steps:
                    nr, nc = r + dr, c + dc
                    if (
                        0 <= nr < height
                        and 0 <= nc < width
                        and not seen[nr][nc]
                        and joins(grid[r][c], grid[nr][nc])
                    ):
                        seen[nr][nc] = True
                        cells.append((nr, nc))
            found.append(blob_of(cells))
    return found


@lru_cache(maxsize=2048)
def regions(grid: Grid, diagonal: bool = False) -> tuple[Blob, ...]:
    """All connected areas of one colour, the background's too."""
    return tuple(components(grid, diagonal, lambda a, b: a == b))


@lru_cache(maxsize=4096)
def segment(grid: Grid, kind: str) -> tuple[Blob, ...]:
    """The objects on the background. Kinds: "plain" (one colour, side by side), "diagonal" (one colour, corners
    connect), "mixed" (any colours, side by side), "loose" (any colours, corners connect), "colour" (all cells of
    one colour)."""
    blank = background(grid)
    if kind == "colour":
        cells: dict[int, list[tuple[int, int]]] = {}
        for r, row in enumerate(grid):
            for c, cell in enumerate(row):
                if cell != blank:
                    cells.setdefault(cell, []).append((r, c))
        return tuple(blob_of(cells[colour]) for colour in sorted(cells))
    if kind in ("plain", "diagonal"):
        found = regions(grid, kind == "diagonal")
    else:
        found = tuple(components(grid, kind == "loose", lambda a, b: (a == blank) == (b == blank)))
    return tuple(blob for blob in found if grid[blob.cells[0][0]][blob.cells[0][1]] != blank)


SEGMENTATIONS = ("plain", "diagonal", "mixed", "loose", "colour")


def cut_out(grid: Grid, blob: Blob) -> Grid:
    """The blob alone in its bounding box."""
    blank = background(grid)
    rows = [[blank] * (blob.right - blob.left + 1) for _ in range(blob.bottom - blob.top + 1)]
    for r, c in blob.cells:
        rows[r - blob.top][c - blob.left] = grid[r][c]
    return tuple(map(tuple, rows))


def main_colour(grid: Grid, blob: Blob) -> int:
    return Counter(sorted(grid[r][c] for r, c in blob.cells)).most_common(1)[0][0]


def _holes(grid: Grid, blob: Blob) -> int:
    """Areas of the bounding box that are not of the blob and touch none of its sides."""
    inside = set(blob.cells)
    mask = tuple(
        tuple(int((r, c) in inside) for c in range(blob.left - 1, blob.right + 2))
        for r in range(blob.top - 1, blob.bottom + 2)
    )
    return (
        sum(
            1
            for part in components(mask, False, lambda a, b: a == b)
            if not mask[part.cells[0][0]][part.cells[0][1]]
        )
        - 1
    )


@lru_cache(maxsize=4096)
def measures(grid: Grid, kind: str) -> dict[str, list[int]]:
    """Name of a measure to its value for each object of `segment(grid, kind)`."""
    found = segment(grid, kind)
    shapes = [tuple((r - b.top, c - b.left) for r, c in b.cells) for b in found]
    colours = [main_colour(grid, b) for b in found]
    cuts = [cut_out(grid, b) for b in found]
    height, width = len(grid), len(grid[0])
    return {
        "size": [len(b.cells) for b in found],
        "height": [b.bottom - b.top + 1 for b in found],
        "width": [b.right - b.left + 1 for b in found],
        "area": [b.area for b in found],
        "top": [b.top for b in found],
        "left": [b.left for b in found],
        "colour": colours,
        "colours": [len({grid[r][c] for r, c in b.cells}) for b in found],
        "other cells": [
            sum(grid[r][c] != colour for r, c in b.cells) for b, colour in zip(found, colours, strict=False)
        ],
        "holes": [_holes(grid, b) for b in found],
        "full": [int(len(b.cells) == b.area) for b in found],
        "symmetric left-right": [int(cut == mirror_left_right(cut)) for cut in cuts],
        "symmetric top-bottom": [int(cut == mirror_top_bottom(cut)) for cut in cuts],
        "on the border": [
            int(b.top == 0 or b.left == 0 or b.bottom == height - 1 or b.right == width - 1) for b in found
        ],
        "same shape": [shapes.count(shape) for shape in shapes],
        "same picture": [cuts.count(cut) for cut in cuts],
        "same colour": [colours.count(colour) for colour in colours],
    }


def _only(matches: list[int]) -> int | None:
    return matches[0] if len(matches) == 1 else None


def choose(values: Sequence[int], how: str) -> int | None:
    """The index singled out by its value ("most", "least", "odd one out", "commonest"), None if there is none."""
    if len(values) < 2:
        return None
    if how in ("most", "least"):
        wanted = max(values) if how == "most" else min(values)
        return _only([i for i, value in enumerate(values) if value == wanted])
    counts = Counter(sorted(values))
    if how == "odd one out":
        alone = [value for value, count in counts.items() if count == 1]
        return values.index(alone[0]) if len(alone) == 1 and len(values) > 2 else None
    (value, count), *others = counts.most_common(2)
    return values.index(value) if others and count > others[0][1] else None


CHOICES = ("most", "least", "odd one out", "commonest")


def pick(kind: str, measure: str, how: str, alone: bool) -> Transform:
    """A program that crops to the object singled out; `alone` leaves out what else lies in its bounding box."""

    def program(grid: Grid) -> Grid | None:
        index = choose(measures(grid, kind)[measure], how)
        if index is None:
            return None
        blob = segment(grid, kind)[index]
        return cut_out(grid, blob) if alone else crop(grid, blob.top, blob.left, blob.bottom, blob.right)

    return program


def _transforms() -> dict[str, Transform]:
    found: dict[str, Transform] = {}
    for kind in SEGMENTATIONS:
        for measure in measures(((0,),), "plain"):
            for how in CHOICES:
                found[f"pick {kind} by {measure}: {how}"] = pick(kind, measure, how, alone=False)
                found[f"cut out {kind} by {measure}: {how}"] = pick(kind, measure, how, alone=True)
    return found


TRANSFORMS = _transforms()
