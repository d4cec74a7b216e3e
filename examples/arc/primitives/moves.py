"""Programs that move cells or whole objects and keep the grid's size."""

from __future__ import annotations

from .grids import Grid, Transform, background, mirror_left_right, mirror_top_bottom, transpose
from .objects import measures, segment


def cells_fall(grid: Grid) -> Grid:
    """Every cell that is not background drops as far as it can."""
    blank = background(grid)
    columns = []
    for column in zip(*grid, strict=False):
        solid = tuple(cell for cell in column if cell != blank)
        columns.append((blank,) * (len(column) - len(solid)) + solid)
    return tuple(zip(*columns, strict=False))


def objects_fall(kind: str) -> Transform:
    """Every object drops as a whole until it meets the floor or another one."""

    def program(grid: Grid) -> Grid | None:
        blank, height = background(grid), len(grid)
        rows = [[blank] * len(grid[0]) for _ in grid]
        for blob in sorted(segment(grid, kind), key=lambda b: (-b.bottom, b.left)):
            drop = 0
            while blob.bottom + drop + 1 < height and all(
                rows[r + drop + 1][c] == blank for r, c in blob.cells
            ):
                drop += 1
            for r, c in blob.cells:
                rows[r + drop][c] = grid[r][c]
        return tuple(map(tuple, rows))

    return program


def towards_largest(kind: str) -> Transform:
    """The largest object stays; each other one slides straight towards it until they touch."""

    def program(grid: Grid) -> Grid | None:
        blobs, sizes = segment(grid, kind), measures(grid, kind)["size"]
        if len(blobs) < 2 or sizes.count(max(sizes)) > 1:
            return None
        blank = background(grid)
        anchor = blobs[sizes.index(max(sizes))]
        rows = [[blank] * len(grid[0]) for _ in grid]
        for r, c in anchor.cells:
            rows[r][c] = grid[r][c]
        for blob in blobs:
            if blob is anchor:
                continue
            dr = (blob.bottom < anchor.top) - (blob.top > anchor.bottom)
            dc = (blob.right < anchor.left) - (blob.left > anchor.right)
            if dr and dc:
                continue
            shift = 0
            while (dr or dc) and all(
                0 <= r + dr * (shift + 1) < len(grid)
                and 0 <= c + dc * (shift + 1) < len(grid[0])
                and rows[r + dr * (shift + 1)][c + dc * (shift + 1)] == blank
                for r, c in blob.cells
            ):
                shift += 1
            for r, c in blob.cells:
                rows[r + dr * shift][c + dc * shift] = grid[r][c]
        return tuple(map(tuple, rows))

    return program


def roll_down(grid: Grid) -> Grid:
    """The last row comes first."""
    return grid[-1:] + grid[:-1]


def shift_down(grid: Grid) -> Grid:
    """One row down, background on top."""
    return ((background(grid),) * len(grid[0]), *grid[:-1])


def _turned(program: Transform, direction: str) -> Transform:
    """The program that works downwards, in another direction."""

    def turned(grid: Grid) -> Grid | None:
        if direction == "up":
            result = program(mirror_top_bottom(grid))
            return None if result is None else mirror_top_bottom(result)
        result = program(transpose(grid if direction == "right" else mirror_left_right(grid)))
        if result is None:
            return None
        return transpose(result) if direction == "right" else mirror_left_right(transpose(result))

    return program if direction == "down" else turned


def _transforms() -> dict[str, Transform]:
    falls: dict[str, Transform] = {"cells fall": cells_fall}
    for kind in ("plain", "loose"):
        falls[f"{kind} objects fall"] = objects_fall(kind)
    slides = {
        f"{kind} objects slide to the largest": towards_largest(kind) for kind in ("plain", "loose", "colour")
    }
    return {**_all_ways(falls), **slides, **_all_ways({"roll": roll_down, "shift": shift_down})}


def _all_ways(downwards: dict[str, Transform]) -> dict[str, Transform]:
    return {
        f"{name} {direction}": _turned(program, direction)
        for name, program in downwards.items()
        for direction in ("down", "up", "left", "right")
    }


TRANSFORMS = _transforms()
