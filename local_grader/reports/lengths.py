"""Whether long answers are graded better: what a judge that likes many words would show. Pure."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from ..metrics import wilson

_PARTS = 5
_FEW = 25


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """Graded answers of ``shortest`` to ``longest`` characters; ``low`` and ``high`` are the 95 % interval of the rate."""

    shortest: int
    longest: int
    scored: int
    right: float
    rate: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Lengths:
    """``correlation`` is Spearman's, of value with length in characters, over ``n`` graded answers. ``parts`` are about as
    many answers each, the shortest first; none for few answers."""

    n: int
    correlation: float
    parts: Sequence[Part]


def lengths(values: Sequence[float], characters: Sequence[int]) -> Lengths | None:
    """In the same order. None where all values, or all lengths, are the same: nothing can go with anything then."""
    if len(set(values)) < 2 or len(set(characters)) < 2:
        return None
    return Lengths(
        n=len(values),
        correlation=statistics.correlation(_ranks(values), _ranks(characters)),
        parts=_parts(values, characters) if len(values) >= _FEW else [],
    )


def _ranks(numbers: Sequence[float]) -> list[float]:
    """The place of each in the order of all; those that are equal share the middle of theirs."""
    order = sorted(range(len(numbers)), key=numbers.__getitem__)
    ranks = [0.0] * len(numbers)
    start = 0
    while start < len(order):
        end = start
        while end < len(order) and numbers[order[end]] == numbers[order[start]]:
            end += 1
        for at in order[start:end]:
            ranks[at] = (start + end - 1) / 2
        start = end
    return ranks


def _parts(values: Sequence[float], characters: Sequence[int]) -> list[Part]:
    """Answers of one length stay together, so parts may differ in size, or be fewer."""
    pairs = sorted(zip(characters, values, strict=True))
    found, start = [], 0
    for part in range(1, _PARTS + 1):
        end = max(start, len(pairs) * part // _PARTS)
        while 0 < end < len(pairs) and pairs[end][0] == pairs[end - 1][0]:
            end += 1
        if end > start:
            some = pairs[start:end]
            right = sum(value for _, value in some)
            low, high = wilson(right, len(some))
            found.append(
                Part(
                    shortest=some[0][0],
                    longest=some[-1][0],
                    scored=len(some),
                    right=right,
                    rate=right / len(some),
                    low=low,
                    high=high,
                )
            )
        start = end
    return found
