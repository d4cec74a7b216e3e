"""The pass rate behind a judge's pass rate. Pure.

A judge that passes too much reports too high a rate on every run. Where labels say how often it errs, the true rate
follows, with the noise of the labels in its interval: 60 labels leave more doubt than 10,000 verdicts can take away.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .agreement import Confusion
from .intervals import LEVEL, Interval, matched
from .libraries import library
from .rates import Rate, checked, rate, standard_error

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


@dataclass(frozen=True, kw_only=True, slots=True)
class Assisted:
    """A rate from ``labelled`` samples made sharper by the verdicts on ``judged`` others."""

    rate: float
    standard_error: float
    interval: Interval
    judged: int
    labelled: int


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
    over clusters where they are named. Raises as ``rate`` does.
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
        return _refused(judged, informedness, "one cluster cannot show how clusters differ")
    hit = _posterior(calibration.true_pass, calibration.false_fail, rng)
    cleared = _posterior(calibration.true_fail, calibration.false_pass, rng)
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


def assisted(judged: Iterable[float], labelled: Iterable[tuple[float, float]]) -> Assisted:
    """Prediction-powered inference (Angelopoulos and others 2023): the verdicts' mean plus the mean of label - verdict.

    ``judged`` are verdicts on samples without label, ``labelled`` (verdict, label) of others, drawn at random from the same
    run; all in [0, 1]. Needs no model of how the judge errs, so scores that are not pass or fail do as well. Takes
    samples as independent. Raises ValueError for fewer than two of either.
    """
    pairs = list(labelled)
    verdicts, labels = checked(verdict for verdict, _ in pairs), checked(label for _, label in pairs)
    array, offsets = checked(judged), labels - verdicts
    spread, noise = standard_error(array), standard_error(offsets)
    if spread is None or noise is None:
        raise ValueError("fewer than two samples")
    if library("numpy").isin(offsets, (-1.0, 0.0, 1.0)).all():
        # A few labels that the judge happens to match are no proof that it never errs.
        noise = matched(float(offsets.sum()), float((offsets**2).sum()), len(offsets))[1]
    error = math.hypot(spread, noise)
    middle = float(array.mean() + offsets.mean())
    half = float(library("scipy.stats").norm.ppf((1 + LEVEL) / 2)) * error
    clipped = min(1.0, max(0.0, middle))
    interval = Interval(low=middle - half, high=middle + half, method="prediction-powered").within(0.0, 1.0)
    interval = Interval(
        low=min(interval.low, clipped), high=max(interval.high, clipped), method=interval.method
    )
    return Assisted(
        rate=clipped, standard_error=error, interval=interval, judged=len(array), labelled=len(pairs)
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


def _posterior(hits: float, misses: float, rng: "Generator") -> "NDArray[float64]":
    return rng.beta(hits + 0.5, misses + 0.5, size=_DRAWS)


def _rates(judged: Rate, rng: "Generator") -> "NDArray[float64]":
    """Draws of the judged rate, from Student's t over clusters where there are any."""
    if judged.clusters is None:
        return _posterior(judged.mean * judged.n, (1 - judged.mean) * judged.n, rng)
    if judged.clustered_error:
        return judged.mean + judged.clustered_error * rng.standard_t(judged.clusters - 1, size=_DRAWS)
    # Clusters that all have the same rate show no spread, yet are no certainty: count each as one observation.
    return _posterior(judged.mean * judged.clusters, (1 - judged.mean) * judged.clusters, rng)


def _middle(draws: "NDArray[float64]") -> tuple[float, float]:
    low, high = library("numpy").quantile(draws, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def _delta(error: float, rate: float, sensitivity: Rate, specificity: Rate) -> float:
    """The first-order standard error: of the judged rate, and of both error rates as far as each matters at ``rate``."""
    missed = sensitivity.mean * (1 - sensitivity.mean) / sensitivity.n
    passed = specificity.mean * (1 - specificity.mean) / specificity.n
    variance = error**2 + rate**2 * missed + (1 - rate) ** 2 * passed
    return math.sqrt(variance) / (sensitivity.mean + specificity.mean - 1)
