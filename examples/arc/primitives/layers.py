"""What can be said of each cell of a grid: flags (any values) and colours, as layers of the grid's own shape.

Used by rules that keep the size of the grid. A layer is a flat list in reading order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable
from functools import lru_cache

from .grids import SYMMETRIES, Grid, background, colour_counts, foreground
from .objects import (
    AROUND,
    CHOICES,
    ORTHOGONAL,
    SEGMENTATIONS,
    choose,
    main_colour,
    measures,
    regions,
    segment,
)

Layers = dict[str, list[Hashable]]
ColourLayers = dict[str, list[int]]

DIRECTIONS = {"up": (-1, 0), "left": (0, -1), "right": (0, 1), "down": (1, 0)}
DIAGONALS = {"up-left": (-1, -1), "up-right": (-1, 1), "down-left": (1, -1), "down-right": (1, 1)}
OPPOSITE = (("left", "right"), ("up", "down"), ("up-left", "down-right"), ("up-right", "down-left"))


def _flat(grid: Grid) -> list[int]:
    return [cell for row in grid for cell in row]


def _sight(grid: Grid) -> ColourLayers:
    """The first colour seen from each cell in each direction; the background where there is none."""
    height, width, blank = len(grid), len(grid[0]), background(grid)
    layers = {}
    for name, (dr, dc) in {**DIRECTIONS, **DIAGONALS}.items():
        seen = [[blank] * width for _ in range(height)]
        for r in range(height) if dr < 0 else reversed(range(height)):
            for c in range(width) if dc < 0 else reversed(range(width)):
                nr, nc = r + dr, c + dc
                if 0 <= nr < height and 0 <= nc < width:
                    seen[r][c] = grid[nr][nc] if grid[nr][nc] != blank else seen[nr][nc]
        layers[f"seen {name}"] = [cell for row in seen for cell in row]
    return layers


def _between(sight: ColourLayers, blank: int) -> ColourLayers:
    """The colour seen on both of two opposite sides."""
    layers = {}
    for one, other in OPPOSITE:
        pair = zip(sight[f"seen {one}"], sight[f"seen {other}"], strict=False)
        layers[f"between {one} and {other}"] = [a if a == b else blank for a, b in pair]
    across = zip(layers["between left and right"], layers["between up and down"], strict=False)
    layers["between any"] = [a if a != blank else b for a, b in across]
    return layers


def _enclosing(grid: Grid) -> tuple[ColourLayers, Layers]:
    """Of each background area: the one colour that touches it, its size, if it reaches the border, its shape."""
    height, width, blank = len(grid), len(grid[0]), background(grid)
    wall = [[blank] * width for _ in range(height)]
    flags: dict[str, list[list[Hashable]]] = {
        name: [[-1] * width for _ in range(height)]
        for name in ("enclosed", "enclosed, corners leak", "area size", "area full square", "area largest")
    }
    for diagonal in (False, True):
        areas = [b for b in regions(grid, diagonal) if grid[b.cells[0][0]][b.cells[0][1]] == blank]
        largest = max((len(b.cells) for b in areas), default=0)
        for area in areas:
            open_ = area.top == 0 or area.left == 0 or area.bottom == height - 1 or area.right == width - 1
            touching = set()
            for r, c in area.cells:
                flags["enclosed, corners leak" if diagonal else "enclosed"][r][c] = int(not open_)
                if diagonal:
                    continue
                flags["area size"][r][c] = len(area.cells)
                flags["area largest"][r][c] = int(len(area.cells) == largest)
                sides = (area.bottom - area.top, area.right - area.left)
                flags["area full square"][r][c] = int(len(area.cells) == area.area and sides[0] == sides[1])
                for dr, dc in ORTHOGONAL:
                    if 0 <= r + dr < height and 0 <= c + dc < width:
                        touching.add(grid[r + dr][c + dc])
            if not diagonal and not open_ and len(touching - {blank}) == 1:
                for r, c in area.cells:
                    wall[r][c] = max(touching - {blank})
    walls: ColourLayers = {"enclosing": [cell for row in wall for cell in row]}
    return walls, {name: [value for row in rows for value in row] for name, rows in flags.items()}


def _places(grid: Grid) -> Layers:
    height, width = len(grid), len(grid[0])
    cells = [(r, c) for r in range(height) for c in range(width)]
    layers: Layers = {}
    for n in (2, 3):
        layers[f"row mod {n}"] = [r % n for r, _ in cells]
        layers[f"column mod {n}"] = [c % n for _, c in cells]
        layers[f"diagonal mod {n}"] = [(r + c) % n for r, c in cells]
    rings = [min(r, c, height - 1 - r, width - 1 - c) for r, c in cells]
    layers["ring"] = list(rings)
    layers["ring mod 2"] = [ring % 2 for ring in rings]
    layers["on the border"] = [int(ring == 0) for ring in rings]
    layers["on the diagonal"] = [int(r == c) for r, c in cells]
    layers["on the other diagonal"] = [int(r + c == width - 1) for r, c in cells]
    layers["column mod 2 from the right"] = [(width - 1 - c) % 2 for _, c in cells]
    layers["row"] = [r for r, _ in cells]
    layers["column"] = [c for _, c in cells]
    layers["last row"] = [int(r == height - 1) for r, _ in cells]
    layers["middle column"] = [int(c == width // 2) for _, c in cells]
    layers["middle row"] = [int(r == height // 2) for r, _ in cells]
    return layers


def _neighbours(grid: Grid) -> tuple[ColourLayers, Layers]:
    height, width, blank = len(grid), len(grid[0]), background(grid)
    flags: Layers = {
        name: []
        for name in (
            "beside",
            "cornered",
            "filled around",
            "filled beside",
            "around",
            "same around",
            "same beside",
            "block",
        )
    }
    near: list[int] = []
    for r in range(height):
        for c in range(width):
            ring = [
                grid[r + dr][c + dc] if 0 <= r + dr < height and 0 <= c + dc < width else blank
                for dr, dc in AROUND
            ]
            beside, corners = [ring[i] for i in (1, 3, 4, 6)], [ring[i] for i in (0, 2, 5, 7)]
            own = grid[r][c]
            flags["beside"].append(max(beside, key=lambda cell: (cell != blank, cell)))
            flags["cornered"].append(max(corners, key=lambda cell: (cell != blank, cell)))
            flags["filled around"].append(sum(cell != blank for cell in ring))
            flags["filled beside"].append(sum(cell != blank for cell in beside))
            flags["same around"].append(ring.count(own))
            flags["same beside"].append(beside.count(own))
            flags["around"].append(tuple(ring))
            # A cell of any 2 by 2 block of its own colour.
            flags["block"].append(
                int(
                    any(
                        ring[a] == ring[b] == ring[d] == own
                        for a, b, d in ((0, 1, 3), (1, 2, 4), (3, 5, 6), (4, 6, 7))
                    )
                )
            )
            near.append(max(ring, key=lambda cell: (cell != blank, cell)))
    return {"near": near}, flags


def _lines(grid: Grid) -> tuple[ColourLayers, Layers]:
    """What the cell's whole row and column hold."""
    blank, width = background(grid), len(grid[0])
    flags: Layers = {}
    colours: ColourLayers = {}
    for name, lines in (("row", grid), ("column", tuple(zip(*grid, strict=False)))):
        facts = []
        for line in lines:
            solid = [cell for cell in line if cell != blank]
            facts.append(
                (len(solid), len(set(line)) == 1, solid[0] if solid else blank, solid[-1] if solid else blank)
            )
        spread = [facts[i // width if name == "row" else i % width] for i in range(len(grid) * width)]
        flags[f"filled in {name}"] = [fact[0] for fact in spread]
        flags[f"{name} of one colour"] = [fact[1] for fact in spread]
        colours[f"first in {name}"] = [fact[2] for fact in spread]
        colours[f"last in {name}"] = [fact[3] for fact in spread]
    return colours, flags


def _object_layers(grid: Grid, kind: str) -> tuple[ColourLayers, Layers]:
    """The measures of each cell's object, how it stands among the others, and colours that the object gives."""
    height, width, blank = len(grid), len(grid[0]), background(grid)
    found, table = segment(grid, kind), measures(grid, kind)
    owner = [-1] * (height * width)
    box = [-1] * (height * width)
    for number, blob in sorted(enumerate(found), key=lambda item: -item[1].area):
        for r in range(blob.top, blob.bottom + 1):
            for c in range(blob.left, blob.right + 1):
                box[r * width + c] = number
    for number, blob in enumerate(found):
        for r, c in blob.cells:
            owner[r * width + c] = number
    flags: Layers = {f"{kind}: in a box": [int(b >= 0) for b in box]}
    per_object: dict[str, list[Hashable]] = {}
    for measure, values in table.items():
        per_object[measure] = list(values)
        ranks = sorted(set(values))
        per_object[f"rank by {measure}"] = [ranks.index(value) for value in values]
        per_object[f"rank from the top by {measure}"] = [len(ranks) - ranks.index(value) for value in values]
        for how in ("most", "least"):
            edge = (max if how == "most" else min)(values, default=0)
            per_object[f"{how} {measure}"] = [int(value == edge) for value in values]
        for how in CHOICES[2:]:
            index = choose(values, how)
            per_object[f"{how} by {measure}"] = [int(i == index) for i in range(len(values))]
        per_object[f"odd {measure}"] = [int(value) % 2 for value in values]
    for name, row in per_object.items():
        flags[f"{kind}: {name}"] = [row[o] if o >= 0 else -1 for o in owner]
    for name in ("area", "height", "width", "rank by area", "size", "rank by size", "on the border"):
        flags[f"{kind}: box {name}"] = [per_object[name][b] if b >= 0 else -1 for b in box]
    colours: ColourLayers = {}
    main = [main_colour(grid, blob) for blob in found]
    colours[f"{kind}: main colour"] = [main[o] if o >= 0 else blank for o in owner]
    colours[f"{kind}: colour of the box"] = [main[b] if b >= 0 else blank for b in box]
    if kind in ("mixed", "loose"):
        rare = [Counter(sorted(grid[r][c] for r, c in b.cells)).most_common()[-1][0] for b in found]
        colours[f"{kind}: rare colour"] = [rare[o] if o >= 0 else blank for o in owner]
        colours[f"{kind}: rare colour of the box"] = [rare[b] if b >= 0 else blank for b in box]
    return colours, flags


def global_colours(grid: Grid) -> dict[str, int]:
    """Colours that belong to the grid as a whole."""
    blank, solid = background(grid), foreground(grid)
    facts = {
        "background": blank,
        "most common": colour_counts(grid).most_common(1)[0][0],
        "first colour": solid[0] if solid else blank,
        "second colour": solid[1] if len(solid) > 1 else blank,
        "rarest colour": solid[-1] if solid else blank,
        "top left": grid[0][0],
        "top right": grid[0][-1],
        "bottom left": grid[-1][0],
    }
    for kind in ("diagonal", "colour"):
        table = measures(grid, kind)
        for measure in ("size", "same colour", "area"):
            for how in ("most", "least"):
                index = choose(table[measure], how)
                facts[f"colour of {kind} with {how} {measure}"] = (
                    blank if index is None else table["colour"][index]
                )
    return facts


@lru_cache(maxsize=512)
def layers(grid: Grid, with_objects: bool = True) -> tuple[ColourLayers, Layers]:
    """All colour layers (the grid itself first), and all flags; those of objects, most of the work, only if wanted."""
    blank = background(grid)
    flat = _flat(grid)
    sight = _sight(grid)
    colours: ColourLayers = {"itself": flat}
    for name, turn in SYMMETRIES.items():
        turned = turn(grid)
        if turned is not None and len(turned) == len(grid) and len(turned[0]) == len(grid[0]):
            colours[name] = _flat(turned)
    enclosing, areas = _enclosing(grid)
    near, around = _neighbours(grid)
    lines, line_flags = _lines(grid)
    for more in (sight, _between(sight, blank), enclosing, near, lines):
        colours.update(more)
    flags: Layers = {"colour": list(flat), "filled": [int(cell != blank) for cell in flat]}
    for kind in SEGMENTATIONS if with_objects else ():
        object_colours, object_flags = _object_layers(grid, kind)
        colours.update(object_colours)
        flags.update(object_flags)
    for more_flags in (areas, around, line_flags, _places(grid)):
        flags.update(more_flags)
    for name, column in list(colours.items())[1:]:
        flags[name] = list(column)
        flags[f"{name}: filled"] = [int(cell != blank) for cell in column]
        flags[f"{name}: as itself"] = [int(cell == own) for cell, own in zip(column, flat, strict=False)]
    for name, colour in global_colours(grid).items():
        colours[name] = [colour] * len(flat)
        flags[f"is {name}"] = [int(cell == colour) for cell in flat]
    return colours, flags
