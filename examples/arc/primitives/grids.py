"""Grids, and the programs that need nothing but the positions and colours of cells.

A grid is a tuple of rows, each a tuple of colours 0 to 9: hashable, so that results can be cached and compared.
A program returns None where it has no meaning for a grid; it never raises for one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import lru_cache

Grid = tuple[tuple[int, ...], ...]
Transform = Callable[[Grid], Grid | None]

LARGEST_SIDE = 40


@lru_cache(maxsize=4096)
def background(grid: Grid) -> int:
    """0 where there is any, else the most common colour."""
    counts = colour_counts(grid)
    return 0 if 0 in counts else counts.most_common(1)[0][0]


def colour_counts(grid: Grid) -> Counter[int]:
    """How many cells each colour has; equal counts are in the order of the colours."""
    return Counter(sorted(cell for row in grid for cell in row))


def foreground(grid: Grid) -> list[int]:
    """The colours other than the background, most common first."""
    return [colour for colour, _ in colour_counts(grid).most_common() if colour != background(grid)]


def crop(grid: Grid, top: int, left: int, bottom: int, right: int) -> Grid:
    """The rows top to bottom and columns left to right, both ends included."""
    return tuple(row[left : right + 1] for row in grid[top : bottom + 1])


def identity(grid: Grid) -> Grid:
    return grid


def mirror_left_right(grid: Grid) -> Grid:
    return tuple(row[::-1] for row in grid)


def mirror_top_bottom(grid: Grid) -> Grid:
    return grid[::-1]


def transpose(grid: Grid) -> Grid:
    return tuple(zip(*grid, strict=False))


def rotate_right(grid: Grid) -> Grid:
    return tuple(zip(*grid[::-1], strict=False))


def rotate_half(grid: Grid) -> Grid:
    return mirror_left_right(grid[::-1])


def rotate_left(grid: Grid) -> Grid:
    return tuple(zip(*grid, strict=False))[::-1]


def transpose_other(grid: Grid) -> Grid:
    return rotate_half(transpose(grid))


SYMMETRIES: dict[str, Transform] = {
    "mirror left-right": mirror_left_right,
    "mirror top-bottom": mirror_top_bottom,
    "rotate half": rotate_half,
    "transpose": transpose,
    "rotate right": rotate_right,
    "rotate left": rotate_left,
    "transpose other": transpose_other,
}


def crop_to_content(grid: Grid) -> Grid | None:
    """The bounding box of all that is not background."""
    return crop_to(grid, lambda cell: cell != background(grid))


def crop_to(grid: Grid, wanted: Callable[[int], bool]) -> Grid | None:
    """The bounding box of the wanted cells."""
    rows = [r for r, row in enumerate(grid) if any(wanted(cell) for cell in row)]
    columns = [c for c, column in enumerate(zip(*grid, strict=False)) if any(wanted(cell) for cell in column)]
    return crop(grid, rows[0], columns[0], rows[-1], columns[-1]) if rows else None


def crop_to_rank(rank: int) -> Transform:
    """The bounding box of the foreground colour of this rank, the most common being 0, the rarest -1."""

    def program(grid: Grid) -> Grid | None:
        colours = foreground(grid)
        if len(colours) < 2 or rank >= len(colours):
            return None
        return crop_to(grid, lambda cell: cell == colours[rank])

    return program


def without_border(grid: Grid) -> Grid | None:
    return tuple(row[1:-1] for row in grid[1:-1]) if len(grid) > 2 and len(grid[0]) > 2 else None


def with_border(grid: Grid) -> Grid:
    """One more ring of background."""
    blank = background(grid)
    edge = (blank,) * (len(grid[0]) + 2)
    return (edge, *((blank, *row, blank) for row in grid), edge)


def drop_repeats(grid: Grid) -> Grid:
    """Of rows that equal the row above, and columns that equal the one on their left, the first stays."""

    def unique(rows: Grid) -> Grid:
        return tuple(row for i, row in enumerate(rows) if i == 0 or row != rows[i - 1])

    return transpose(unique(transpose(unique(grid))))


def drop_blank_lines(grid: Grid) -> Grid | None:
    """Without the rows and columns that are background only."""
    blank = background(grid)

    def kept(rows: Grid) -> Grid:
        return tuple(row for row in rows if any(cell != blank for cell in row))

    rows = kept(grid)
    return transpose(kept(transpose(rows))) if rows else None


def sort_rows(grid: Grid) -> Grid:
    """Rows in the order of how much they hold, fullest last."""
    blank = background(grid)
    return tuple(sorted(grid, key=lambda row: sum(cell != blank for cell in row)))


def half(side: str) -> Transform:
    """The left, right, top or bottom half; a middle line of an odd grid belongs to none."""

    def program(grid: Grid) -> Grid | None:
        rows, columns = len(grid) // 2, len(grid[0]) // 2
        if side in ("left", "right"):
            return (
                tuple(row[:columns] if side == "left" else row[-columns:] for row in grid)
                if columns
                else None
            )
        return (grid[:rows] if side == "top" else grid[-rows:]) if rows else None

    return program


def enlarge(factor: int) -> Transform:
    """Each cell becomes a square of this side."""

    def program(grid: Grid) -> Grid | None:
        if max(len(grid), len(grid[0])) * factor > LARGEST_SIDE:
            return None
        return tuple(
            tuple(cell for cell in row for _ in range(factor)) for row in grid for _ in range(factor)
        )

    return program


def _transforms() -> dict[str, Transform]:
    found: dict[str, Transform] = dict(SYMMETRIES)
    found["crop to content"] = crop_to_content
    found["without border"] = without_border
    found["with border"] = with_border
    found["drop repeats"] = drop_repeats
    found["drop blank lines"] = drop_blank_lines
    found["sort rows"] = sort_rows
    for rank, name in ((0, "most common"), (1, "second most common"), (-1, "rarest")):
        found[f"crop to the {name} colour"] = crop_to_rank(rank)
    for side in ("left", "right", "top", "bottom"):
        found[f"{side} half"] = half(side)
    for factor in (2, 3):
        found[f"enlarge {factor} times"] = enlarge(factor)
    return found


TRANSFORMS = _transforms()
