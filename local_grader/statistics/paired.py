"""Two runs on the same samples: is one really better? Pure.

Every sample is compared with itself, so what makes a sample hard for both does not blur the difference.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..errors import Ungradable
from . import power, resampling
from .clusters import Clusters, alone, clustered_error, numbered
from .intervals import LEVEL, Interval, matched, student
from .libraries import library
from .rates import Rate, checked, of, standard_error

if TYPE_CHECKING:
    from numpy import float64
    from numpy.random import Generator
    from numpy.typing import NDArray


_DIGITS = 12
_FEW = 30
"""Fewer pairs than this resample too little of what there is: a bootstrap of ten holds the truth four times in five."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Counts:
    """Samples by who got them right, where every value is 0 or 1."""

    both: int
    only_a: int
    only_b: int
    neither: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """``a`` and ``b`` are the rates over the ``n`` samples that both have; ``difference`` is b minus a.

    ``only_in_a`` and ``only_in_b`` count the samples that the other lacks. ``standard_error`` takes samples as independent,
    ``clustered_error`` clusters; ``interval``, ``p_value``, ``detectable`` and ``needed`` stand on clusters where they are named.
    ``test`` says how ``p_value`` came about. Each of them is None where there is too little to tell from.

    ``is_real``: the test is below 5 % and the interval leaves out 0. ``detectable`` is the smallest true difference that so
    many samples find four times in five, ``needed`` the number of samples that find the observed one as often.
    """

    n: int
    only_in_a: int
    only_in_b: int
    a: Rate
    b: Rate
    counts: Counts | None
    difference: float
    standard_error: float | None
    clustered_error: float | None
    interval: Interval | None
    p_value: float | None
    test: str
    is_real: bool
    detectable: float | None
    needed: int | None


def compare(
    a: Mapping[str, float],
    b: Mapping[str, float],
    clusters: Mapping[str, object] | None,
    rng: "Generator",
) -> Comparison:
    """``a`` and ``b`` map sample ids to values in [0, 1], ``clusters`` ids to the unit that they were sampled with.

    Leave out what could not be scored. Raises Ungradable where no id is shared or a shared one has no cluster.
    """
    shared = sorted(a.keys() & b.keys())
    if not shared:
        raise Ungradable(
            "The two runs have no graded sample in common.",
            hint="Samples are joined by their id: grade both runs on the same questions.",
        )
    first, second = checked(a[name] for name in shared), checked(b[name] for name in shared)
    grouped = None if clusters is None else numbered((clusters.get(name) for name in shared), len(shared))
    rate_a, rate_b = of(first, grouped), of(second, grouped)
    # 0.1 + 0.2 and 0.3 are the same grade.
    differences = (second - first).round(_DIGITS)
    difference = float(differences.mean())
    counts = _counts(first, second) if rate_a.binary and rate_b.binary else None
    plain = standard_error(differences)
    robust = None if grouped is None else clustered_error(differences, grouped)
    interval, error = _interval(differences, counts, grouped, plain, robust, rng)
    p_value, test = _test(differences, counts, grouped, plain if grouped is None else robust, rng)
    real = p_value is not None and p_value < 1 - LEVEL and interval is not None and not interval.holds(0.0)
    return Comparison(
        n=len(shared),
        only_in_a=len(a) - len(shared),
        only_in_b=len(b) - len(shared),
        a=rate_a,
        b=rate_b,
        counts=counts,
        difference=difference,
        standard_error=plain,
        clustered_error=robust,
        interval=interval,
        p_value=p_value,
        test=test,
        is_real=real,
        detectable=power.detectable(error, grouped.count if grouped else len(shared)) if error else None,
        needed=_needed(difference, counts, len(shared), plain, robust if grouped else plain),
    )


def _counts(first: "NDArray[float64]", second: "NDArray[float64]") -> Counts:
    both, only_a = int(((first == 1) & (second == 1)).sum()), int(((first == 1) & (second == 0)).sum())
    only_b = int(((first == 0) & (second == 1)).sum())
    return Counts(both=both, only_a=only_a, only_b=only_b, neither=len(first) - both - only_a - only_b)


def _interval(
    differences: "NDArray[float64]",
    counts: Counts | None,
    clusters: Clusters | None,
    plain: float | None,
    robust: float | None,
    rng: "Generator",
) -> tuple[Interval | None, float | None]:
    """And the standard error that tells what this many samples can show."""
    n, difference = len(differences), float(differences.mean())
    if clusters is not None:
        if robust is None:
            return None, None
        if not robust:
            # Clusters that all differ alike show no spread, yet are no certainty: count each as one pair.
            return _matched(differences, counts, clusters.count)
        return student(difference, robust, clusters.count - 1).within(-1.0, 1.0), robust
    if plain is None and not counts:
        return None, None
    if counts or n < _FEW or not plain:
        return _matched(differences, counts, n)
    drawn = resampling.bootstrap(differences, alone(n), rng) if n <= resampling.MOST else None
    return drawn or student(difference, plain, n - 1).within(-1.0, 1.0), plain


def _matched(differences: "NDArray[float64]", counts: Counts | None, units: int) -> tuple[Interval, float]:
    """All ``differences`` as if they were those of ``units`` pairs."""
    share = units / len(differences)
    largest = 1.0 if counts else float(abs(differences).max()) or 1.0
    return matched(float(differences.sum()) * share, float((differences**2).sum()) * share, units, largest)


def _test(
    differences: "NDArray[float64]",
    counts: Counts | None,
    clusters: Clusters | None,
    error: float | None,
    rng: "Generator",
) -> tuple[float | None, str]:
    """``error`` is that of the mean difference, over clusters where there are any."""
    if clusters is None and counts:
        # Exact at any number of pairs: it costs nothing, so no approximation has to be good enough.
        table = [[counts.both, counts.only_a], [counts.only_b, counts.neither]]
        found = library("statsmodels.stats.contingency_tables").mcnemar(table, exact=True)
        return float(found.pvalue), "exact McNemar"
    units = clusters or alone(len(differences))
    if units.count < 2:
        return None, ""
    if units.count <= resampling.MOST:
        drawn = "pairs" if clusters is None else "whole groups"
        return resampling.flipped(units.sums(differences), rng), f"a permutation of {drawn}"
    if not error:
        return None, ""
    t = float(differences.mean()) / error
    p_value = 2 * float(library("scipy.stats").t.sf(abs(t), units.count - 1))
    return p_value, "a paired t-test" if clusters is None else "a t-test over groups"


def _needed(
    difference: float, counts: Counts | None, n: int, plain: float | None, error: float | None
) -> int | None:
    if not difference or not plain or not error:
        return None
    effect = (error / plain) ** 2
    if counts:
        discordant = (counts.only_a + counts.only_b) / n
        return power.needed(
            difference, (counts.both + counts.only_a) / n, discordant=discordant, design_effect=effect
        )
    return power.pairs(difference, plain * n**0.5, design_effect=effect)
