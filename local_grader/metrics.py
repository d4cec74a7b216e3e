"""Grades as numbers. Pure.

A rate is over the samples that could be graded. What could not be, and what was never answered, stands beside it
and bounds it: ``floor`` counts all of them as wrong, ``ceiling`` as right.
"""

import math
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from .grading import Grades
from .scores import Grade, Missing

_Z95 = 1.959963984540054


@dataclass(frozen=True, kw_only=True, slots=True)
class Summary:
    """``right`` is the sum of values in [0, 1]; ``rate`` is right / scored, None where nothing was scored.

    ``low`` and ``high`` are the Wilson 95 % interval, which takes samples as independent. ``unscored`` counts by reason.
    """

    samples: int
    scored: int
    right: float
    rate: float | None
    low: float | None
    high: float | None
    unscored: Mapping[str, int]
    missing: int
    floor: float | None
    ceiling: float | None


def wilson(right: float, n: int) -> tuple[float, float]:
    """The 95 % interval of a proportion; good for few samples and rates near 0 or 1, where the normal one fails.

    For values between 0 and 1 it is wider than need be, never narrower. ``n`` must be positive.
    """
    p = right / n
    z2 = _Z95**2 / n
    middle = (p + z2 / 2) / (1 + z2)
    half = _Z95 * math.sqrt(p * (1 - p) / n + z2 / (4 * n)) / (1 + z2)
    # At the ends the formula gives 0 and 1 exactly; rounding must not put the rate outside of its interval.
    return max(0.0, min(middle - half, p)), min(1.0, max(middle + half, p))


def summarise(grades: Grades) -> Summary:
    return _summary(grades.graded, len(grades.missing))


def by_shard(grades: Grades) -> dict[str, Summary]:
    """In the order of the shards' names; empty for a run without shards. Missing answers belong to no shard."""
    return _split(grades.graded, [], lambda item: item.shard if isinstance(item, Grade) else None)


def by_group(grades: Grades) -> dict[str, Summary]:
    """In the order of the groups' names; empty where samples have no group."""
    return _split(grades.graded, grades.missing, lambda item: item.group)


def _split(
    graded: list[Grade], missing: list[Missing], key: Callable[[Grade | Missing], str | None]
) -> dict[str, Summary]:
    parts: dict[str, list[Grade]] = {}
    for grade in graded:
        if (name := key(grade)) is not None:
            parts.setdefault(name, []).append(grade)
    absent = Counter(name for item in missing if (name := key(item)) is not None)
    return {
        name: _summary(parts.get(name, []), absent[name]) for name in sorted(parts.keys() | absent.keys())
    }


def _summary(graded: list[Grade], missing: int) -> Summary:
    values = [grade.score.value for grade in graded if grade.score.value is not None]
    unscored = Counter(grade.score.reason or "" for grade in graded if grade.score.value is None)
    right, scored, all_asked = sum(values), len(values), len(graded) + missing
    low, high = wilson(right, scored) if scored else (None, None)
    return Summary(
        samples=len(graded),
        scored=scored,
        right=right,
        rate=right / scored if scored else None,
        low=low,
        high=high,
        unscored=dict(sorted(unscored.items())),
        missing=missing,
        floor=right / all_asked if all_asked else None,
        ceiling=(right + all_asked - scored) / all_asked if all_asked else None,
    )
