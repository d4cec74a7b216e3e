"""How far two or more graders say the same: a judge and labels, or the judges of a panel. Pure.

Agreement alone flatters where one verdict is frequent; kappa and alpha take out what chance would give.
"""

import math
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations

from .clusters import ROUNDING
from .intervals import LEVEL, Interval, wilson
from .libraries import library
from .rates import Rate, rate


@dataclass(frozen=True, kw_only=True, slots=True)
class Kappa:
    """Cohen's kappa over ``n`` samples: 1 is full agreement, 0 what chance gives. ``agreement`` is the plain share.

    ``kappa`` and ``interval`` are None where both graders gave every sample the same one verdict: nothing shows then
    whether they agree on anything. ``standard_error`` is None there, and where the formula sees no spread: they agree on
    all, or one of them says the same of every sample.
    """

    n: int
    agreement: float
    kappa: float | None
    standard_error: float | None
    interval: Interval | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Confusion:
    """A judge's pass and fail against labels.

    ``sensitivity`` is the share of what deserves a pass that the judge passes, ``specificity`` the share of what deserves
    a fail that it fails, both with Wilson intervals; None where no sample has that label.
    """

    true_pass: int
    false_pass: int
    false_fail: int
    true_fail: int
    sensitivity: Rate | None
    specificity: Rate | None

    @property
    def n(self) -> int:
        return self.true_pass + self.false_pass + self.false_fail + self.true_fail


@dataclass(frozen=True, kw_only=True, slots=True)
class Pair:
    """Two judges on the samples that both gave a verdict; ``kappa`` is None where there is none."""

    first: str
    second: str
    kappa: Kappa | None


def kappa(first: Iterable[Hashable], second: Iterable[Hashable]) -> Kappa:
    """Of two graders' verdicts, in the same order. Raises ValueError for none or for different lengths."""
    pairs = list(zip(first, second, strict=True))
    if not pairs:
        raise ValueError("no verdicts")
    codes: dict[Hashable, int] = {}
    for pair in pairs:
        for verdict in pair:
            codes.setdefault(verdict, len(codes))
    n, agreed = len(pairs), sum(one == other for one, other in pairs)
    if len(codes) == 1:
        return Kappa(n=n, agreement=1.0, kappa=None, standard_error=None, interval=None)
    numpy = library("numpy")
    table = numpy.zeros((len(codes), len(codes)))
    for one, other in pairs:
        table[codes[one], codes[other]] += 1
    # A variance of nothing may come out a hair below it, and its root is taken before anyone can look.
    with numpy.errstate(invalid="ignore"):
        found = library("statsmodels.stats.inter_rater").cohens_kappa(table)
    value, variance = float(found.kappa), float(found.var_kappa)
    if variance < ROUNDING:
        # The formula sees no spread here. The agreement still has some: let it vary, chance as it was found.
        by_chance = float((table.sum(axis=0) * table.sum(axis=1)).sum()) / n**2
        share = wilson(agreed, n)
        low, high = ((end - by_chance) / (1 - by_chance) for end in (share.low, share.high))
        interval = Interval(low=min(low, value), high=max(high, value), method="Wilson of the agreement")
        interval = interval.within(-1.0, 1.0)
        return Kappa(n=n, agreement=agreed / n, kappa=value, standard_error=None, interval=interval)
    error = math.sqrt(variance)
    half = float(library("scipy.stats").norm.ppf((1 + LEVEL) / 2)) * error
    interval = Interval(low=value - half, high=value + half, method="normal").within(-1.0, 1.0)
    return Kappa(n=n, agreement=agreed / n, kappa=value, standard_error=error, interval=interval)


def confusion(judge: Iterable[bool], labels: Iterable[bool]) -> Confusion:
    """True is a pass; in the same order. Raises ValueError for different lengths."""
    pairs = [(bool(verdict), bool(label)) for verdict, label in zip(judge, labels, strict=True)]
    true_pass, false_pass = pairs.count((True, True)), pairs.count((True, False))
    false_fail, true_fail = pairs.count((False, True)), pairs.count((False, False))
    return Confusion(
        true_pass=true_pass,
        false_pass=false_pass,
        false_fail=false_fail,
        true_fail=true_fail,
        sensitivity=_share(true_pass, false_fail),
        specificity=_share(true_fail, false_pass),
    )


def alpha(panel: Mapping[str, Mapping[str, Hashable]], level: str = "nominal") -> float | None:
    """Krippendorff's alpha of any number of judges, any of whom may have left out samples.

    ``panel`` maps judges to their verdicts by sample id. ``level`` is ``nominal`` for words, ``ordinal``, ``interval`` or
    ``ratio`` for numbers. 1 is full agreement, 0 chance. None where no sample has two verdicts, or all verdicts are one.
    """
    numpy = library("numpy")
    samples = {
        sample: at for at, sample in enumerate(sorted({i for verdicts in panel.values() for i in verdicts}))
    }
    codes: dict[Hashable, int] = {}
    table = numpy.full((len(panel), len(samples)), numpy.nan)
    for row, verdicts in enumerate(panel.values()):
        for sample, verdict in verdicts.items():
            table[row, samples[sample]] = (
                codes.setdefault(verdict, len(codes)) if level == "nominal" else verdict
            )
    paired = table[:, (~numpy.isnan(table)).sum(axis=0) > 1]
    # Verdicts that stand alone count for nothing; what is left may be one verdict only.
    if len(numpy.unique(paired[~numpy.isnan(paired)])) < 2:
        return None
    return float(library("krippendorff").alpha(paired, level_of_measurement=level))


def pairwise(panel: Mapping[str, Mapping[str, Hashable]]) -> list[Pair]:
    """Each two judges of the panel, in the order of their names."""
    found = []
    for first, second in combinations(sorted(panel), 2):
        shared = sorted(panel[first].keys() & panel[second].keys())
        agreed = (
            kappa([panel[first][i] for i in shared], [panel[second][i] for i in shared]) if shared else None
        )
        found.append(Pair(first=first, second=second, kappa=agreed))
    return found


def _share(hits: int, misses: int) -> Rate | None:
    return rate([1.0] * hits + [0.0] * misses) if hits + misses else None
