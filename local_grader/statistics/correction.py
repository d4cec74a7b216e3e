"""The pass rate behind a judge's pass rate. Pure.

A judge that passes too much reports too high a rate on every run. Where labels say how often it errs, the true rate
follows, with the noise of the labels in its interval: 60 labels leave more doubt than 10,000 verdicts can take away.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .agreement import Confusion
from .intervals import LEVEL, Interval
from .libraries import library
from .rates import Rate, rate

if TYPE_CHECKING:
    from numpy import float64
    from numpy.random import Generator
    from numpy.typing import NDArray

WEAKEST = 0.1
"""Below this, sensitivity + specificity - 1 blows every error of the rate up by more than ten."""

_DRAWS = 20_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Correction:
    """``judged`` is the judge's own rate, ``rate`` the corrected one; None where ``reason`` says why there is none.

    ``informedness`` is sensitivity + specificity - 1: 1 for a perfect judge, 0 for one that does not look at the answer; None
    without labels of both kinds. ``standard_error`` is the delta method's, ``interval`` comes from draws. ``clipped``:
    the formula left [0, 1], so the labels fit this run badly, or by chance.
    """

    judged: Rate
    rate: float | None
    standard_error: float | None
    interval: Interval | None
    informedness: float | None
    clipped: bool
    reason: str | None


def corrected(
    verdicts: Iterable[float],
    calibration: Confusion,
    rng: "Generator",
    clusters: Iterable[object] | None = None,
) -> Correction:
    """The estimator of Rogan and Gladen (1978): (judged + specificity - 1) / (sensitivity + specificity - 1).

    ``verdicts`` are 1 for a pass and 0 for a fail. Holds where the judge errs on this run as it did on the labelled
    samples. The interval draws both error rates from their Jeffreys posteriors, which keep some doubt about a judge
    that made no error in 30 labels, as resampling the labels would not; the judged rate likewise, or from Student's t
    over clusters where they are named. Labels that share clusters count for as many independent ones as they are worth.
    Raises as ``rate`` does.
    """
    judged = rate(verdicts, clusters)
    sensitivity, specificity = calibration.sensitivity, calibration.specificity
    if sensitivity is None or specificity is None:
        lacking = "pass" if sensitivity is None else "fail"
        return _refused(judged, None, f"no labelled sample is a {lacking}")
    informedness = sensitivity.mean + specificity.mean - 1
    if not judged.binary:
        return _refused(judged, informedness, "some verdicts are neither pass nor fail")
    if judged.clusters == 1:
        return _refused(judged, informedness, "one group cannot show how groups differ")
    for known, name in ((sensitivity, "pass"), (specificity, "fail")):
        if known.clusters == 1:
            return _refused(judged, informedness, f"all labels of a {name} are of one group")
    hit, cleared = _posterior(sensitivity, rng), _posterior(specificity, rng)
    drawn = hit + cleared - 1
    weakest, _ = _middle(drawn)
    if informedness < WEAKEST or weakest <= 0:
        said = f"sensitivity + specificity - 1 is {informedness:.2f}, {weakest:.2f} at the low end of its 95 % interval"
        return _refused(judged, informedness, f"the judge tells pass from fail too badly: {said}")
    raw = (judged.mean + specificity.mean - 1) / informedness
    estimate = min(1.0, max(0.0, raw))
    rates = _rates(judged, rng)
    # A draw of a useless judge says nothing about the rate: it may be anywhere.
    possible = library("numpy").where(drawn > 0, (rates + cleared - 1) / abs(drawn), rng.random(_DRAWS))
    low, high = _middle(possible.clip(0.0, 1.0))
    error = judged.standard_error if judged.clusters is None else judged.clustered_error
    return Correction(
        judged=judged,
        rate=estimate,
        standard_error=None if error is None else _delta(error, estimate, sensitivity, specificity),
        interval=Interval(low=min(low, estimate), high=max(high, estimate), method="draws"),
        informedness=informedness,
        clipped=raw != estimate,
        reason=None,
    )


def _refused(judged: Rate, informedness: float | None, reason: str) -> Correction:
    return Correction(
        judged=judged,
        rate=None,
        standard_error=None,
        interval=None,
        informedness=informedness,
        clipped=False,
        reason=reason,
    )


def _posterior(known: Rate, rng: "Generator") -> "NDArray[float64]":
    units = worth(known)
    return rng.beta(known.mean * units + 0.5, (1 - known.mean) * units + 0.5, size=_DRAWS)


def worth(known: Rate) -> float:
    """How many independent samples would tell a rate of right and wrong ones as well as those that it has.

    That is the number by which clusters widen the error (Kish's effective size), and less for few clusters, which tell their
    own spread badly (Korn and Graubard 1998).
    """
    if known.clusters is None:
        return known.n
    if not known.clustered_error:
        # Clusters that all have the same rate show no spread, yet are no certainty: count each as one observation.
        return known.clusters
    t = library("scipy.stats").t.ppf
    few = float(t((1 + LEVEL) / 2, known.n - 1) / t((1 + LEVEL) / 2, known.clusters - 1)) ** 2
    return min(known.n, few * known.mean * (1 - known.mean) / known.clustered_error**2)


def _rates(judged: Rate, rng: "Generator") -> "NDArray[float64]":
    """Draws of the judged rate, from Student's t over clusters where there are any."""
    if judged.clusters is None or not judged.clustered_error:
        return _posterior(judged, rng)
    return judged.mean + judged.clustered_error * rng.standard_t(judged.clusters - 1, size=_DRAWS)


def _middle(draws: "NDArray[float64]") -> tuple[float, float]:
    low, high = library("numpy").quantile(draws, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def _delta(error: float, rate: float, sensitivity: Rate, specificity: Rate) -> float:
    """The first-order standard error: of the judged rate, and of both error rates as far as each matters at ``rate``."""
    missed, passed = _variance(sensitivity), _variance(specificity)
    variance = error**2 + rate**2 * missed + (1 - rate) ** 2 * passed
    return math.sqrt(variance) / (sensitivity.mean + specificity.mean - 1)


def _variance(known: Rate) -> float:
    return (known.clustered_error or 0.0) ** 2 if known.clusters else known.mean * (1 - known.mean) / known.n
