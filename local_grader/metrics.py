"""Grades as numbers. Pure.

A rate is over the samples that could be graded. What could not be, and what was never answered, stands beside it
and bounds it: ``floor`` counts all of them as wrong, ``ceiling`` as right.
"""

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from .scores import Grade, Missing, Score

_Z95 = 1.959963984540054
_UNITS = 1 << 1074
"""In one: enough for every float to be a whole number of them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Summary:
    """``right`` is the sum of values in [0, 1], of which ``partial`` lie in between; ``rate`` is right / scored, None where nothing was
    scored.

    ``low`` and ``high`` are the Wilson 95 % interval, which takes samples as independent. ``unscored`` counts by reason.
    """

    samples: int
    scored: int
    right: float
    partial: int
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


class Tally:
    """Counts grades as they come; ``summary`` says what they came to so far.

    Values are added up exactly: floats would come to something else when others have counted a part of them.
    """

    def __init__(self) -> None:
        self.missing = 0
        self.samples = 0
        self._scored = 0
        self._right = 0
        self._partial = 0
        self._unscored: Counter[str] = Counter()

    def add(self, score: Score) -> None:
        self.samples += 1
        if score.value is None:
            self._unscored[score.reason or ""] += 1
        else:
            self._scored += 1
            if 0 < score.value < 1:
                self._partial += 1
                numerator, denominator = score.value.as_integer_ratio()
                self._right += numerator * (_UNITS // denominator)
            elif score.value:
                self._right += _UNITS

    def merge(self, other: "Tally") -> None:
        """Counts what the other one has counted."""
        self.missing += other.missing
        self.samples += other.samples
        self._scored += other._scored
        self._right += other._right
        self._partial += other._partial
        self._unscored.update(other._unscored)

    def summary(self) -> Summary:
        right, scored, all_asked = self._right / _UNITS, self._scored, self.samples + self.missing
        low, high = wilson(right, scored) if scored else (None, None)
        return Summary(
            samples=self.samples,
            scored=scored,
            right=right,
            partial=self._partial,
            rate=right / scored if scored else None,
            low=low,
            high=high,
            unscored=dict(sorted(self._unscored.items())),
            missing=self.missing,
            floor=right / all_asked if all_asked else None,
            ceiling=(right + all_asked - scored) / all_asked if all_asked else None,
        )


class Tallies:
    """One tally of everything, and one for each shard, group and stage that a grade names."""

    def __init__(self) -> None:
        self.whole = Tally()
        self._shards: dict[str, Tally] = {}
        self._groups: dict[str, Tally] = {}
        self._stages: dict[str, Tally] = {}

    def add(self, grade: Grade) -> None:
        sample, score = grade
        self.whole.add(score)
        if sample.shard is not None:
            _named(self._shards, sample.shard).add(score)
        if sample.group is not None:
            _named(self._groups, sample.group).add(score)
        if score.stage:
            _named(self._stages, score.stage).add(score)

    def merge(self, other: "Tallies") -> None:
        """Counts what the other ones have counted."""
        self.whole.merge(other.whole)
        for mine, others in (
            (self._shards, other._shards),
            (self._groups, other._groups),
            (self._stages, other._stages),
        ):
            for name, tally in others.items():
                _named(mine, name).merge(tally)

    def add_missing(self, missing: Missing) -> None:
        self.whole.missing += 1
        if missing.group is not None:
            _named(self._groups, missing.group).missing += 1

    def shards(self) -> dict[str, Summary]:
        """In the order of the shards' names; empty for a run without shards. Missing answers belong to no shard."""
        return _summaries(self._shards)

    def groups(self) -> dict[str, Summary]:
        """In the order of the groups' names; empty where samples have no group."""
        return _summaries(self._groups)

    def stages(self) -> dict[str, Summary]:
        """What each stage of a cascade decided, the one that decided most first; empty for other scorers."""
        summaries = _summaries(self._stages)
        return dict(sorted(summaries.items(), key=lambda item: -item[1].samples))


def _named(tallies: dict[str, Tally], name: str) -> Tally:
    tally = tallies.get(name)
    if tally is None:
        tally = tallies[name] = Tally()
    return tally


def _summaries(tallies: Mapping[str, Tally]) -> dict[str, Summary]:
    return {name: tallies[name].summary() for name in sorted(tallies)}
