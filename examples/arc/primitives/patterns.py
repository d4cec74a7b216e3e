"""Programs that find the symmetry or the period of a picture and complete it.

`hidden` is the colour that stands for "not known": cells of that colour are completed, and contradict nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from .grids import Grid, Transform, crop, transpose

Image = Callable[[int, int], tuple[int, int]]


def _agrees(grid: Grid, image: Image, hidden: int) -> int | None:
    """How many known cells equal the known cell that is their image; None if one differs."""
    height, width = len(grid), len(grid[0])
    agreed = 0
    for r, row in enumerate(grid):
        for c, cell in enumerate(row):
            if cell == hidden:
                continue
            ir, ic = image(r, c)
            if 0 <= ir < height and 0 <= ic < width:
                other = grid[ir][ic]
                if other != cell and other != hidden:
                    return None
                agreed += other == cell
    return agreed


def _copied(grid: Grid, image: Image, hidden: int) -> Grid:
    height, width = len(grid), len(grid[0])
    rows = [list(row) for row in grid]
    for r, row in enumerate(rows):
        for c, cell in enumerate(row):
            if cell == hidden:
                ir, ic = image(r, c)
                if 0 <= ir < height and 0 <= ic < width:
                    row[c] = grid[ir][ic]
    return tuple(map(tuple, rows))


def _reflection(total: int) -> Image:
    return lambda r, c: (r, total - c)


def _diagonal(offset: int) -> Image:
    return lambda r, c: (c + offset, r - offset)


def _best_axis(grid: Grid, hidden: int) -> Image | None:
    """The left-right mirror axis that the known cells confirm best: at least half of them, none against."""
    known = sum(cell != hidden for row in grid for cell in row)
    best: tuple[int, int] | None = None
    width = len(grid[0])
    for total in range(width // 2, 2 * width - 2 - width // 2 + 1):
        agreed = _agrees(grid, _reflection(total), hidden)
        if agreed is not None and 2 * agreed >= known and (best is None or agreed > best[0]):
            best = (agreed, total)
    return None if best is None else _reflection(best[1])


@lru_cache(maxsize=1024)
def complete_symmetry(grid: Grid, hidden: int) -> Grid | None:
    """Hidden cells take the colour of their mirror images, as long as that fills anything."""
    if not any(hidden in row for row in grid):
        return None
    start = grid
    for _ in range(3):
        before = grid
        for turned in (False, True):
            grid = transpose(grid) if turned else grid
            image = _best_axis(grid, hidden)
            grid = _copied(grid, image, hidden) if image else grid
            grid = transpose(grid) if turned else grid
        for offset in (0, 1, 2, -1, -2):
            agreed = _agrees(grid, _diagonal(offset), hidden)
            if agreed is not None and 4 * agreed >= len(grid) * len(grid[0]):
                grid = _copied(grid, _diagonal(offset), hidden)
                break
        if grid == before:
            break
    return None if grid == start else grid


@lru_cache(maxsize=1024)
def complete_period(grid: Grid, hidden: int) -> Grid | None:
    """Hidden cells take the colour that the smallest repeating tile (perhaps sheared) gives them."""
    if not any(hidden in row for row in grid):
        return None
    height, width = len(grid), len(grid[0])
    tiles = sorted(
        ((down, right) for down in range(1, height + 1) for right in range(1, width + 1)),
        key=lambda tile: (tile[0] * tile[1], tile),
    )
    for down, right in tiles:
        if 2 * down * right > height * width:
            return None
        tile: dict[tuple[int, int], int] = {}
        for r, row in enumerate(grid):
            for c, cell in enumerate(row):
                if cell != hidden and tile.setdefault((r % down, c % right), cell) != cell:
                    break
            else:
                continue
            break
        else:
            if len(tile) == down * right:
                return tuple(tuple(tile[r % down, c % right] for c in range(width)) for r in range(height))
    return None


@lru_cache(maxsize=1024)
def complete_diagonals(grid: Grid, hidden: int) -> Grid | None:
    """Hidden cells take the colour of their diagonal, where diagonals repeat with some period."""
    if not any(hidden in row for row in grid):
        return None
    for sign in (1, -1):
        for period in range(2, len(grid) + 1):
            seen: dict[int, int] = {}
            if all(
                cell == hidden or seen.setdefault((r + sign * c) % period, cell) == cell
                for r, row in enumerate(grid)
                for c, cell in enumerate(row)
            ):
                if len(seen) < period:
                    break
                return tuple(
                    tuple(seen[(r + sign * c) % period] for c in range(len(grid[0])))
                    for r in range(len(grid))
                )
    return None


def was_hidden(complete: Callable[[Grid, int], Grid | None], hidden: int) -> Transform:
    """The completed picture's part that was hidden, as a picture of its own."""

    def program(grid: Grid) -> Grid | None:
        done = complete(grid, hidden)
        if done is None:
            return None
        rows = [r for r, row in enumerate(grid) if hidden in row]
        columns = [c for c, column in enumerate(zip(*grid, strict=False)) if hidden in column]
        return crop(done, rows[0], columns[0], rows[-1], columns[-1])

    return program


def _completing(complete: Callable[[Grid, int], Grid | None], hidden: int) -> Transform:
    return lambda grid: complete(grid, hidden)


def _transforms() -> dict[str, Transform]:
    found: dict[str, Transform] = {}
    ways = {"symmetry": complete_symmetry, "period": complete_period, "diagonals": complete_diagonals}
    for name, complete in ways.items():
        for hidden in range(10):
            found[f"complete the {name}, {hidden} hidden"] = _completing(complete, hidden)
            found[f"what {hidden} hides, by {name}"] = was_hidden(complete, hidden)
    return found


TRANSFORMS = _transforms()
