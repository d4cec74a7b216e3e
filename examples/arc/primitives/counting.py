"""Programs whose result tells colours, objects and counts instead of showing the picture."""

from __future__ import annotations

from .grids import LARGEST_SIDE, Grid, Transform, background, colour_counts, foreground
from .objects import SEGMENTATIONS, choose, main_colour, measures, segment


def colours_in_order(common_first: bool) -> Transform:
    """One column: the foreground colours by how many cells they have."""

    def program(grid: Grid) -> Grid | None:
        counts = colour_counts(grid)
        sign = -1 if common_first else 1
        colours = sorted(foreground(grid), key=lambda colour: (sign * counts[colour], colour))
        return tuple((colour,) for colour in colours) or None

    return program


def objects_in_order(kind: str, measure: str, downwards: bool) -> Transform:
    """One column: the objects' colours by a measure."""

    def program(grid: Grid) -> Grid | None:
        table = measures(grid, kind)
        if not 0 < len(table["size"]) <= LARGEST_SIDE:
            return None
        pairs = sorted(
            zip(table[measure], table["colour"], strict=False),
            key=lambda pair: -pair[0] if downwards else pair[0],
        )
        return tuple((colour,) for _, colour in pairs)

    return program


def bars(kind: str) -> Transform:
    """A row for each foreground colour, most common first, as long as it has objects."""

    def program(grid: Grid) -> Grid | None:
        colours = [main_colour(grid, blob) for blob in segment(grid, kind)]
        counts = sorted(
            ((colours.count(colour), colour) for colour in set(colours)), key=lambda p: (-p[0], p[1])
        )
        if not counts or counts[0][0] > LARGEST_SIDE:
            return None
        longest = counts[0][0]
        return tuple((colour,) * n + (background(grid),) * (longest - n) for n, colour in counts)

    return program


def tally(kind: str) -> Transform:
    """One row with a cell for each object, in its colour, reading order."""

    def program(grid: Grid) -> Grid | None:
        blobs = segment(grid, kind)
        if not 0 < len(blobs) <= LARGEST_SIDE:
            return None
        return (tuple(main_colour(grid, blob) for blob in blobs),)

    return program


def one_cell(kind: str, measure: str, how: str) -> Transform:
    """One cell: the colour of the object singled out."""

    def program(grid: Grid) -> Grid | None:
        table = measures(grid, kind)
        index = choose(table[measure], how)
        return None if index is None else ((table["colour"][index],),)

    return program


def object_map(grid: Grid) -> Grid | None:
    """Objects that form a lattice become one cell each: rows and columns where objects start."""
    blobs = segment(grid, "plain")
    tops, lefts = sorted({b.top for b in blobs}), sorted({b.left for b in blobs})
    if not blobs or len(tops) * len(lefts) > 400:
        return None
    rows = [[background(grid)] * len(lefts) for _ in tops]
    for blob in blobs:
        rows[tops.index(blob.top)][lefts.index(blob.left)] = main_colour(grid, blob)
    return tuple(map(tuple, rows))


def _transforms() -> dict[str, Transform]:
    found: dict[str, Transform] = {"object map": object_map}
    found["colours, common first"] = colours_in_order(True)
    found["colours, rare first"] = colours_in_order(False)
    for kind in ("plain", "diagonal", "loose"):
        found[f"bars of {kind}"] = bars(kind)
        found[f"tally of {kind}"] = tally(kind)
        for measure in ("size", "height", "width", "top", "left", "holes"):
            found[f"{kind} by {measure}, downwards"] = objects_in_order(kind, measure, True)
            found[f"{kind} by {measure}, upwards"] = objects_in_order(kind, measure, False)
    for kind in SEGMENTATIONS:
        for measure in ("size", "same colour", "same shape", "holes", "area"):
            for how in ("most", "least", "odd one out"):
                found[f"colour of {kind} by {measure}: {how}"] = one_cell(kind, measure, how)
    return found


TRANSFORMS = _transforms()
