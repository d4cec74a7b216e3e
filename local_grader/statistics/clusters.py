"""Samples that belong together: questions about one article are not independent evidence.

Standard errors that ignore it are too small, so whoever names clusters gets all of their numbers from clusters.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..errors import Ungradable
from .libraries import library

if TYPE_CHECKING:
    from numpy import float64, int64
    from numpy.typing import NDArray


ROUNDING = 1e-12
"""Less than this is no spread among values in [0, 1], only the rounding of their sums."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Clusters:
    """``codes`` has one number in [0, ``count``) per sample, in the order of the samples."""

    codes: "NDArray[int64]"
    count: int

    def sums(self, values: "NDArray[float64]") -> "NDArray[float64]":
        """The values of each cluster added up."""
        sums: NDArray[float64] = library("numpy").bincount(self.codes, weights=values, minlength=self.count)
        return sums


def numbered(names: Iterable[object], n: int) -> Clusters:
    """Raises Ungradable where a sample names no cluster: it would be a guess which samples it belongs with."""
    known: dict[object, int] = {}
    codes = [-1 if name is None else known.setdefault(name, len(known)) for name in names]
    if len(codes) != n:
        raise ValueError(f"{len(codes)} clusters for {n} samples")
    if nameless := codes.count(-1):
        raise Ungradable(
            f"{nameless:,} of {n:,} samples name no group.",
            hint="Grade with --group-field, the field that says what samples have in common; or take samples as independent.",
        )
    return Clusters(codes=library("numpy").array(codes, dtype="int64"), count=len(known))


def alone(n: int) -> Clusters:
    """Every sample a cluster of its own."""
    return Clusters(codes=library("numpy").arange(n), count=n)


def clustered_error(values: "NDArray[float64]", clusters: Clusters) -> float | None:
    """Standard error of the mean, robust to any dependence within clusters; None for fewer than two clusters.

    The sandwich estimator of an ordinary least squares fit on a constant, with statsmodels' small-sample factor
    C / (C - 1) for C clusters (its second part, (n - 1) / (n - k), is 1 for k = 1 constant). Where every sample is a
    cluster of its own, it is the plain standard error.
    """
    if clusters.count < 2:
        return None
    numpy = library("numpy")
    model = library("statsmodels.regression.linear_model").OLS(values, numpy.ones(len(values)))
    fit = model.fit(cov_type="cluster", cov_kwds={"groups": clusters.codes, "use_correction": True})
    error = math.sqrt(max(0.0, float(fit.cov_params()[0, 0])))
    # Clusters with the same mean have no spread; rounding must not leave a little.
    return error if error > ROUNDING else 0.0
