"""Intervals and p values from resampling, where no formula is trusted. Seeded, so a report can be made again.

Whole clusters are drawn, never samples out of them. Units are sorted first, so that the order in which samples
were read changes nothing.
"""

from typing import TYPE_CHECKING

from .clusters import ROUNDING, Clusters
from .intervals import LEVEL, Interval
from .libraries import library

if TYPE_CHECKING:
    from numpy import float64
    from numpy.random import Generator
    from numpy.typing import NDArray

MOST = 5_000
"""More units than this are not resampled: it takes long, and the central limit theorem has long been good enough."""

_DRAWS = 9_999
_ACCELERATED = 1_000
_HELD = 2_000_000


def bootstrap(values: "NDArray[float64]", clusters: Clusters, rng: "Generator") -> Interval | None:
    """Of the mean. None where the units do not differ: a bootstrap cannot see what the sample does not show.

    Bias-corrected and accelerated (BCa) up to 1,000 units, where skewness still moves the ends; its correction
    vanishes with the square root of the units while its cost grows with their square, so percentiles above.
    """
    numpy = library("numpy")
    sums, sizes = clusters.sums(values), numpy.bincount(clusters.codes, minlength=clusters.count)
    if clusters.count < 2 or numpy.ptp(sums / sizes) < ROUNDING:
        return None
    order = numpy.lexsort((sizes, sums))
    accelerated = clusters.count <= _ACCELERATED
    found = library("scipy.stats").bootstrap(
        (sums[order], sizes[order].astype(float)),
        lambda s, n, axis: s.sum(axis=axis) / n.sum(axis=axis),
        paired=True,
        vectorized=True,
        confidence_level=LEVEL,
        method="BCa" if accelerated else "percentile",
        n_resamples=_DRAWS,
        batch=max(1, _HELD // clusters.count),
        rng=rng,
    )
    interval = found.confidence_interval
    name = "BCa bootstrap" if accelerated else "percentile bootstrap"
    return Interval(low=float(interval.low), high=float(interval.high), method=name)


def flipped(differences: "NDArray[float64]", rng: "Generator") -> float:
    """Two-sided p value: how often the sum is as far from 0 when each unit's sign is drawn at random.

    ``differences`` holds one number per unit, at least two. Every combination is tried where there are fewer than
    10,000 of them.
    """
    numpy = library("numpy")
    found = library("scipy.stats").permutation_test(
        (numpy.sort(differences),),
        lambda units, axis: units.sum(axis=axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=_DRAWS,
        batch=max(1, _HELD // len(differences)),
        rng=rng,
    )
    return float(found.pvalue)
