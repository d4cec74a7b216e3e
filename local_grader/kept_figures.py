"""The rate of a kept grading and how far it can be trusted, from the few columns that decide it: so hundreds of gradings are
listed without reading their texts."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sync.errors import UsageError

from . import tables
from .kept import KeptGrading, damaged
from .metrics import wilson
from .statistics import rates


@dataclass(frozen=True, kw_only=True, slots=True)
class Interval:
    """The 95 % interval of a rate. ``clusters`` is how many groups it allows for, None where samples are taken as
    independent. ``method`` names the formula."""

    low: float
    high: float
    method: str
    clusters: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Figures:
    """``right`` is the sum of values in [0, 1] over ``scored`` of ``samples``; ``missing`` more were never answered.
    ``interval`` is None where nothing was scored, or nobody wants it."""

    samples: int
    scored: int
    right: float
    missing: int
    interval: Interval | None

    @property
    def rate(self) -> float | None:
        return self.right / self.scored if self.scored else None


def figures(grading: KeptGrading, *, with_interval: bool = True) -> Figures:
    """Those of a report. The interval needs libraries that take a second to load where samples have groups. Raises UsageError where
    the file is damaged."""
    try:
        found = tables.picked(grading.path, ("state", "value", "group"))
    except (tables.BadTable, OSError) as error:
        raise damaged(grading, error) from error
    values = [value for value in found["value"] if value is not None]
    groups = [group for group, value in zip(found["group"], found["value"], strict=True) if value is not None]
    missing = found["state"].count("missing")
    return Figures(
        samples=len(found["state"]) - missing,
        scored=len(values),
        right=math.fsum(values),
        missing=missing,
        interval=interval(values, grouped(groups)) if with_interval else None,
    )


def has_scores(grading: KeptGrading) -> bool:
    """Whether anything in it was scored; what is damaged has no scores. Reads no further than to the first."""
    try:
        return any("scored" in states for (states,) in tables.parts(grading.path, ("state",)))
    except (tables.BadTable, OSError):
        return False


def grouped(groups: Sequence[str | None]) -> Sequence[str] | None:
    """The groups of the graded samples where every one has one, and there are some to tell from each other: samples of one
    article are not independent."""
    named = [group for group in groups if group is not None]
    return named if len(named) == len(groups) and 1 < len(set(named)) < len(named) else None


def interval(values: Sequence[float], clusters: Iterable[str] | None) -> Interval | None:
    """Of the mean of ``values``, which are in [0, 1]; ``clusters`` names, in their order, the group that each is of."""
    if not values:
        return None
    low, high = wilson(math.fsum(values), len(values))
    plain = Interval(low=low, high=high, method="Wilson")
    if clusters is None:
        return plain
    try:
        found = rates.rate(values, clusters)
    except UsageError:
        return plain  # without the extra: the report says so
    over = found.trusted or plain
    return Interval(low=over.low, high=over.high, method=over.method, clusters=found.clusters)
