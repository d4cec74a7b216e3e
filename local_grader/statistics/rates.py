"""One rate and how far it can be trusted. Pure."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from . import resampling
from .clusters import Clusters, alone, clustered_error, numbered
from .intervals import Interval, student, wilson
from .libraries import library

if TYPE_CHECKING:
    from numpy import float64
    from numpy.random import Generator
    from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True, slots=True)
class Rate:
    """The mean of ``n`` values in [0, 1]; ``binary`` where each is 0 or 1.

    ``standard_error`` and ``interval`` (Wilson's for binary values and for equal ones, Student's t for others) take samples as independent;
    both are None where one sample shows no spread. ``clusters`` is their number, None where none were named;
    ``clustered_error`` and ``clustered_interval`` are None for fewer than two. ``design_effect`` is how many times as
    many samples this clustering needs for the same certainty: the ratio of the two variances.
    """

    n: int
    mean: float
    binary: bool
    standard_error: float | None
    interval: Interval | None
    clusters: int | None
    clustered_error: float | None
    clustered_interval: Interval | None
    design_effect: float | None

    @property
    def trusted(self) -> Interval | None:
        """The interval to show: over clusters where they are named, even if there are too few for one."""
        return self.interval if self.clusters is None else self.clustered_interval


def rate(values: Iterable[float], clusters: Iterable[object] | None = None) -> Rate:
    """``clusters`` names, in the order of the values, the unit that each was sampled with: an article, a task.

    Raises ValueError for no values or one outside of [0, 1], Ungradable where a cluster is None.
    """
    array = checked(values)
    return of(array, None if clusters is None else numbered(clusters, len(array)))


def of(array: "NDArray[float64]", clusters: Clusters | None) -> Rate:
    """``rate`` for values and clusters that were checked."""
    n, mean = len(array), float(array.mean())
    binary = bool(((array == 0) | (array == 1)).all())
    error = standard_error(array)
    interval = None
    if binary:
        interval = wilson(float(array.sum()), n)
    elif error is not None:
        interval = _spread(mean, error, n)
    robust = None if clusters is None else clustered_error(array, clusters)
    return Rate(
        n=n,
        mean=mean,
        binary=binary,
        standard_error=error,
        interval=interval,
        clusters=None if clusters is None else clusters.count,
        clustered_error=robust,
        clustered_interval=None
        if clusters is None or robust is None
        else _spread(mean, robust, clusters.count),
        design_effect=(robust / error) ** 2 if robust is not None and error else None,
    )


def bootstrap(
    values: Iterable[float], rng: "Generator", clusters: Iterable[object] | None = None
) -> Interval | None:
    """The mean's interval without a formula, for values of any shape; whole clusters are drawn where they are named.

    None where all units are the same. Time grows with the samples: seconds for 10,000. Raises as ``rate`` does.
    """
    array = checked(values)
    grouped = alone(len(array)) if clusters is None else numbered(clusters, len(array))
    return resampling.bootstrap(array, grouped, rng)


def checked(values: Iterable[float]) -> "NDArray[float64]":
    """As an array. Raises ValueError for no values, or one that is not a number in [0, 1]."""
    array: NDArray[float64] = library("numpy").array(list(values), dtype=float)
    if not len(array):
        raise ValueError("no values")
    if not ((array >= 0) & (array <= 1)).all():
        raise ValueError("a value is not in [0, 1]")
    return array


def standard_error(array: "NDArray[float64]") -> float | None:
    """Of the mean, samples independent; None for one sample."""
    if len(array) < 2:
        return None
    # Rounding of the mean would give equal values a spread.
    return 0.0 if (array == array[0]).all() else float(array.std(ddof=1)) / math.sqrt(len(array))


def _spread(mean: float, error: float, units: int) -> Interval:
    if error:
        return student(mean, error, units - 1).within(0.0, 1.0)
    # Units that all have the same rate show no spread, yet are no certainty: count each as one observation.
    return wilson(mean * units, units)
