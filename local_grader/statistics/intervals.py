"""95 % intervals that have a formula. Pure."""

import math
from dataclasses import dataclass, replace

from .libraries import library

LEVEL = 0.95


@dataclass(frozen=True, kw_only=True, slots=True)
class Interval:
    """``method`` names the formula in a word or two, for people."""

    low: float
    high: float
    method: str

    def within(self, lowest: float, highest: float) -> "Interval":
        """Without the part that no rate or difference can have."""
        return replace(self, low=max(lowest, self.low), high=min(highest, self.high))

    def holds(self, value: float) -> bool:
        return self.low <= value <= self.high


def wilson(right: float, n: float) -> Interval:
    """Of a proportion, ``right`` out of ``n`` > 0 independent samples."""
    confint = library("statsmodels.stats.proportion").proportion_confint
    low, high = confint(right, n, alpha=1 - LEVEL, method="wilson")
    # At the ends the formula gives 0 and 1 exactly; rounding must not put the rate outside of its interval.
    return Interval(
        low=max(0.0, min(float(low), right / n)), high=min(1.0, max(float(high), right / n)), method="Wilson"
    )


def student(middle: float, error: float, freedom: int) -> Interval:
    """Of a mean with standard error ``error`` on ``freedom`` >= 1 degrees of freedom."""
    half = float(library("scipy.stats").t.ppf((1 + LEVEL) / 2, freedom)) * error
    return Interval(low=middle - half, high=middle + half, method="t")


def matched(total: float, squares: float, n: float, largest: float = 1.0) -> tuple[Interval, float]:
    """Of the mean difference of ``n`` > 0 matched pairs, and the standard error that it stands on.

    ``total`` is the sum of the differences, ``squares`` that of their squares, ``largest`` the greatest that one may be taken to
    have. Two pairs are added that differ by nothing on average: half of one by +``largest``, half of one by -``largest`` (for
    differences of -1, 0 and 1, Agresti and Min 2005), so that a few pairs that happen to agree are not taken for certainty.
    """
    padded = n + 2
    middle = total / padded
    error = math.sqrt(squares + largest**2 - total**2 / padded) / padded
    half = float(library("scipy.stats").norm.ppf((1 + LEVEL) / 2)) * error
    interval = Interval(low=middle - half, high=middle + half, method="Agresti-Min")
    return interval.within(-1.0, 1.0), error
