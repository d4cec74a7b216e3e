"""Learns a rule "what a cell becomes" from examples.

A column holds one value for each cell of all grids, training cells first. A rule looks a few *flag* columns up in a table; the
table's entries are actions: write a constant colour, or copy the cell of a *colour* column. A rule is found
when every training cell is right; its cost is the number of flags and of table entries, so that the simplest explanation wins.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from itertools import combinations
from typing import NamedTuple

Column = tuple[Hashable, ...]


# A longer table that mostly rests on single pairs has learned them by heart.
MEMORY = 8


class Rule(NamedTuple):
    """A rule that fits, and the colours that it gives to the test cells."""

    cost: float
    flags: tuple[str, ...]
    result: list[int]


def distinct(columns: dict[str, Column]) -> dict[str, Column]:
    """Without columns that split the cells in the same way as an earlier one, and those that split nothing."""
    kept: dict[str, Column] = {}
    seen = set()
    for name, column in columns.items():
        codes: dict[Hashable, int] = {}
        # The place where each value was first seen: equal for columns that split the cells alike.
        pattern = tuple(map(codes.setdefault, column, range(len(column))))
        if len(codes) > 1 and pattern not in seen:
            seen.add(pattern)
            kept[name] = pattern
    return kept


def _possible_actions(colours: Sequence[Sequence[int]], target: Sequence[int]) -> list[int]:
    """For each training cell the actions that are right there, as bits: constants 0 to 9, then the colour columns."""
    masks = [1 << wanted for wanted in target]
    for number, column in enumerate(colours):
        bit = 1 << (10 + number)
        for i, wanted in enumerate(target):
            if column[i] == wanted:
                masks[i] |= bit
    return masks


def _hard_cells_first(masks: Sequence[int], own: Sequence[int]) -> list[int]:
    """An order of the training cells in which a wrong rule fails early: rare kinds of cells are spread to the front."""
    kinds: dict[tuple[int, int], list[int]] = {}
    for i, mask in enumerate(masks):
        kinds.setdefault((mask, own[i]), []).append(i)
    rank = {i: place for members in kinds.values() for place, i in enumerate(members)}
    return sorted(range(len(masks)), key=lambda i: (rank[i], i))


def _table(columns: Sequence[Column], masks: Sequence[int]) -> tuple[dict[Hashable, int] | None, int]:
    """The actions left for each key, None if a key has none; and how many cells were looked at."""
    table: dict[Hashable, int] = {}
    place = 0
    for place, (key, mask) in enumerate(zip(zip(*columns, strict=True), masks, strict=True)):
        left = table.get(key, -1) & mask
        if not left:
            return None, place
        table[key] = left
    return table, place


def _applied(
    table: dict[Hashable, int],
    keys: Sequence[Hashable],
    colours: Sequence[Sequence[int]],
    offset: int,
    order: Sequence[int],
) -> list[int] | None:
    actions = {}
    for key, mask in table.items():
        actions[key] = next(bit for bit in order if mask >> bit & 1)
    result = []
    for i, key in enumerate(keys):
        action = actions.get(key)
        if action is None:
            return None
        result.append(action if action < 10 else colours[action - 10][offset + i])
    return result


def fit(
    flags: dict[str, Column],
    colours: dict[str, Sequence[int]],
    target: Sequence[int],
    pairs: Sequence[int],
    deepest: int,
    steps: int,
) -> Iterator[Rule]:
    """Yields rules that explain the target (the training cells' right colours), fewest flags first.

    `pairs` tells for each training cell which pair it is of: a table entry seen in one pair only may be chance and costs
    more; a long table of mostly such entries is no explanation. `deepest` is the most flags that a rule may use; `steps` bounds the cells looked at. Where constants and copies
    explain a table equally well, both readings are yielded, the constants first.
    """
    count = len(target)
    layers = list(colours.values())
    raw = _possible_actions(layers, target)
    order = _hard_cells_first(raw, layers[0])
    masks = [raw[i] for i in order]
    columns = distinct(flags)
    train = {name: tuple([column[i] for i in order]) for name, column in columns.items()}
    own_first = [10, *range(10), *range(11, 10 + len(layers))]
    copies_first = [*range(10, 10 + len(layers)), *range(10)]
    best = float("inf")
    for size in range(deepest + 1):
        if best <= 3 * size + 2:
            return
        for names in combinations(columns, size):
            chosen = [train[name] for name in names] if names else [(0,) * count]
            table, looked_at = _table(chosen, masks)
            # A try costs about as much as 15 cells before it looks at the first one.
            steps -= 15 + looked_at
            if steps < 0:
                return
            if table is None:
                continue
            keys = list(zip(*(columns[name] for name in names), strict=True)) or [(0,)] * len(layers[0])
            lonely = _lonely(keys, pairs)
            if 2 * lonely > len(table) > MEMORY:
                continue
            cost = 3 * size + len(table) + 2 * lonely
            best = min(best, cost)
            for extra, preference in enumerate((own_first, copies_first)):
                result = _applied(table, keys[count:], layers, count, preference)
                if result is not None:
                    yield Rule(cost + 0.5 * extra, names, result)


def _lonely(keys: Sequence[Hashable], pairs: Sequence[int]) -> int:
    """How many table entries only one training pair speaks for."""
    seen: dict[Hashable, int] = {}
    for key, pair in zip(keys, pairs, strict=False):
        if seen.setdefault(key, pair) != pair:
            seen[key] = -1
    return sum(pair >= 0 for pair in seen.values())
