"""Learners: each lays the output out as a canvas, says what is known of each of its cells, and lets `rules` find the rule.

A learner gets the grids of all pairs (training inputs, then test inputs) and the training outputs, and yields candidates.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from . import panels as panel_programs
from .grids import LARGEST_SIDE, SYMMETRIES, Grid, background, colour_counts, foreground, identity
from .layers import ColourLayers, Layers, global_colours, layers
from .objects import SEGMENTATIONS, segment
from .rules import Column, fit

# With more, a table could simply memorise one output.
MOST_TILES = 36


class Candidate(NamedTuple):
    """A program that is right on all training pairs: how complicated it is, its steps, the test grids it makes."""

    cost: float
    program: tuple[str, ...]
    outputs: tuple[Grid, ...]


class Canvas(NamedTuple):
    """An output's size, and its cells' layers in reading order."""

    height: int
    width: int
    colours: ColourLayers
    flags: Layers


def shape(grid: Grid) -> tuple[int, int]:
    return len(grid), len(grid[0])


def paint(
    name: str,
    canvases: Sequence[Canvas | None],
    outputs: Sequence[Grid],
    deepest: int,
    steps: int,
    most: int = 60,
) -> Iterator[Candidate]:
    """Candidates from rules on these canvases (training pairs first); none where a canvas is missing or misshapen."""
    drawn = [canvas for canvas in canvases if canvas is not None]
    if len(drawn) != len(canvases):
        return
    if any(
        (canvas.height, canvas.width) != shape(output) for canvas, output in zip(drawn, outputs, strict=False)
    ):
        return
    target = [cell for output in outputs for row in output for cell in row]
    pairs = [i for i, output in enumerate(outputs) for row in output for _ in row]
    colours: dict[str, Sequence[int]] = {}
    seen: set[tuple[int, ...]] = set()
    for layer in drawn[0].colours:
        if all(layer in canvas.colours for canvas in drawn):
            column = tuple([cell for canvas in drawn for cell in canvas.colours[layer]])
            if column not in seen:
                seen.add(column)
                colours[layer] = column
    flags: dict[str, Column] = {
        layer: tuple([cell for canvas in drawn for cell in canvas.flags[layer]])
        for layer in drawn[0].flags
        if all(layer in canvas.flags for canvas in drawn)
    }
    for rule in fit(flags, colours, target, pairs, deepest, steps):
        grids, rest = [], iter(rule.result)
        for canvas in drawn[len(outputs) :]:
            grids.append(tuple(tuple(next(rest) for _ in range(canvas.width)) for _ in range(canvas.height)))
        yield Candidate(rule.cost, (f"{name}: {', '.join(rule.flags) or 'always'}",), tuple(grids))
        most -= 1
        if not most:
            return


def recolour(
    grids: Sequence[Grid], outputs: Sequence[Grid], steps: int, with_objects: bool
) -> Iterator[Candidate]:
    """Each cell of a picture that keeps its size, by what is known of the cell."""
    if any(shape(grid) != shape(output) for grid, output in zip(grids, outputs, strict=False)):
        return
    canvases = [Canvas(*shape(grid), *layers(grid, with_objects)) for grid in grids]
    yield from paint("recolour by", canvases, outputs, 2, steps)


def _tile_canvas(grid: Grid, down: int, right: int) -> Canvas | None:
    height, width = shape(grid)
    if max(height * down, width * right) > LARGEST_SIDE:
        return None
    cells = [(r, c) for r in range(height * down) for c in range(width * right)]
    colours: ColourLayers = {}
    for name, turn in {"itself": identity, **SYMMETRIES}.items():
        turned = turn(grid)
        if turned is not None and shape(turned) == (height, width):
            colours[f"tiles of {name}"] = [turned[r % height][c % width] for r, c in cells]
            colours[f"enlarged {name}"] = [turned[r // down][c // right] for r, c in cells]
    for name, colour in global_colours(grid).items():
        colours[name] = [colour] * len(cells)
    big, blank = colours["enlarged itself"], background(grid)
    counts = colour_counts(grid)
    small = colours["tiles of itself"]
    flags: Layers = {
        "tile": [r // height * right + c // width for r, c in cells],
        "tile row": [r // height for r, _ in cells],
        "tile column": [c // width for _, c in cells],
        "tile row mod 2": [r // height % 2 for r, _ in cells],
        "tile column mod 2": [c // width % 2 for _, c in cells],
        "big filled": [int(cell != blank) for cell in big],
        "big colour": list(big),
        "small filled": [int(cell != blank) for cell in small],
        "small colour": list(small),
        "big is small": [int(a == b) for a, b in zip(big, small, strict=False)],
        "big most common": [int(counts[cell] == max(counts.values())) for cell in big],
        "big rarest": [int(counts[cell] == min(counts.values())) for cell in big],
        "place in the square": [(r % down, c % right) for r, c in cells],
        "diagonal in the square": [int(r % down == c % right) for r, c in cells],
    }
    return Canvas(height * down, width * right, colours, flags)


def tile(grids: Sequence[Grid], outputs: Sequence[Grid], steps: int) -> Iterator[Candidate]:
    """Outputs a whole number of times as large: tilings, mirror tilings, enlargements and pictures of pictures."""
    ways = {
        "colours": lambda grid: len(foreground(grid)),
        "filled cells": lambda grid: sum(cell != background(grid) for row in grid for cell in row),
        "side": len,
    }
    for ratio in sorted(
        {(len(o) // len(g), len(o[0]) // len(g[0])) for g, o in zip(grids, outputs, strict=False)}
    )[:1]:
        if ratio != (1, 1) and min(ratio) > 0 and ratio[0] * ratio[1] <= MOST_TILES:
            fixed = [_tile_canvas(grid, *ratio) for grid in grids]
            yield from paint(f"tile {ratio[0]} by {ratio[1]} by", fixed, outputs, 3, steps)
    for name, factor in ways.items():
        factors = [factor(grid) for grid in grids]
        if len(set(factors)) > 1 and min(factors) > 0:
            varied = [_tile_canvas(grid, n, n) for grid, n in zip(grids, factors, strict=False)]
            yield from paint(f"tile as many times as {name} by", varied, outputs, 2, steps)


def combine(grids: Sequence[Grid], outputs: Sequence[Grid], steps: int) -> Iterator[Candidate]:
    """Panels of equal size laid over each other: logic of two halves, overlays in any order."""
    for name, split in panel_programs.SPLITTERS.items():
        canvases: list[Canvas | None] = []
        for grid in grids:
            panels = split(grid)
            if panels is None or not panel_programs.same_size(panels):
                canvases.append(None)
                break
            blank = background(grid)
            flat = [[cell for row in panel for cell in row] for line in panels for panel in line]
            colours: ColourLayers = {f"panel {i}": cells for i, cells in enumerate(flat)}
            flags: Layers = {
                f"panel {i} filled": [int(cell != blank) for cell in cells] for i, cells in enumerate(flat)
            }
            flags.update({f"panel {i}": list(cells) for i, cells in enumerate(flat)})
            flags["filled panels"] = [
                sum(cell != blank for cell in cells) for cells in zip(*flat, strict=False)
            ]
            over = [[cell for cell in cells if cell != blank] for cells in zip(*flat, strict=False)]
            colours["top panel"] = [cells[0] if cells else blank for cells in over]
            colours["bottom panel"] = [cells[-1] if cells else blank for cells in over]
            canvases.append(Canvas(*shape(panels[0][0]), colours, flags))
        yield from paint(f"combine {name} by", canvases, outputs, 4, steps)


def _numbers(grid: Grid) -> dict[str, int]:
    """Counts that a drawing may show."""
    numbers = {f"objects ({kind})": len(segment(grid, kind)) for kind in SEGMENTATIONS}
    numbers["filled cells"] = sum(cell != background(grid) for row in grid for cell in row)
    numbers["most cells"] = max([len(b.cells) for b in segment(grid, "plain")], default=0)
    for rank, colour in enumerate(foreground(grid)[:2]):
        numbers[f"cells of colour {rank}"] = colour_counts(grid)[colour]
    for kind in ("plain", "diagonal"):
        blobs = segment(grid, kind)
        numbers[f"squares ({kind})"] = sum(len(b.cells) == b.area > 1 for b in blobs)
        for colour in range(1, 10):
            numbers[f"{kind} of {colour}"] = sum(grid[b.cells[0][0]][b.cells[0][1]] == colour for b in blobs)
            numbers[f"{kind} squares of {colour}"] = sum(
                grid[b.cells[0][0]][b.cells[0][1]] == colour and len(b.cells) == b.area > 1 for b in blobs
            )
    return numbers


def draw(grids: Sequence[Grid], outputs: Sequence[Grid], steps: int) -> Iterator[Candidate]:
    """Outputs of one fixed size that show counts, colours or single facts."""
    if len({shape(output) for output in outputs}) != 1 or len(outputs[0]) * len(outputs[0][0]) > 100:
        return
    height, width = shape(outputs[0])
    cells = [(r, c) for r in range(height) for c in range(width)]
    canvases: list[Canvas | None] = []
    for grid in grids:
        everywhere, numbers = global_colours(grid), _numbers(grid)
        colours: ColourLayers = {name: [colour] * len(cells) for name, colour in everywhere.items()}
        palette = foreground(grid) + [background(grid)] * 10
        colours["colour of the row"] = [palette[min(r, 10)] for r, _ in cells]
        colours["colour of the column"] = [palette[min(c, 10)] for _, c in cells]
        flags: Layers = {f"is {name}": [colour] * len(cells) for name, colour in everywhere.items()}
        flags.update({name: [number] * len(cells) for name, number in numbers.items()})
        flags["row"], flags["column"] = [r for r, _ in cells], [c for _, c in cells]
        flags["diagonal"] = [int(r == c) for r, c in cells]
        flags["either diagonal"] = [int(r == c or r + c == width - 1) for r, c in cells]
        flags["cell"] = [r * width + c for r, c in cells]
        flags["cross"] = [int(r == height // 2 or c == width // 2) for r, c in cells]
        for name, turn in SYMMETRIES.items():
            picture = turn(grid)
            flags[f"same as {name}"] = [int(picture == grid)] * len(cells)
        for name, number in numbers.items():
            flags[f"up to {name}"] = [int(i < number) for i in range(len(cells))]
            flags[f"rows up to {name}"] = [int(r < number) for r, _ in cells]
            flags[f"columns up to {name}"] = [int(c < number) for _, c in cells]
        canvases.append(Canvas(height, width, colours, flags))
    yield from paint("draw by", canvases, outputs, 2, steps)
