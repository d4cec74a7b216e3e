"""How far two or more graders say the same: a judge and labels, or the judges of a panel. Pure.

Agreement alone flatters where one verdict is frequent; kappa and alpha take out what chance would give.
"""

import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from .clusters import ROUNDING, clustered_error, numbered
from .intervals import LEVEL, Interval, student, wilson
from .libraries import library
from .rates import Rate, rate


@dataclass(frozen=True, kw_only=True, slots=True)
class Kappa:
    """Cohen's kappa over ``n`` samples: 1 is full agreement, 0 what chance gives. ``agreement`` is the plain share.

    ``kappa`` and ``interval`` are None where both graders gave every sample the same one verdict: nothing shows then
    whether they agree on anything. ``interval`` is None, too, where one of them did: kappa is 0 then, whatever the other says.
    ``standard_error`` is None there, and where the formula sees no spread: they agree on all. Both allow for the ``clusters``, where these were named; one cluster shows
    nothing, and has neither.
    """

    n: int
    agreement: float
    kappa: float | None
    standard_error: float | None
    interval: Interval | None
    clusters: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Confusion:
    """A judge's pass and fail against labels.

    ``sensitivity`` is the share of what deserves a pass that the judge passes, ``specificity`` the share of what deserves
    a fail that it fails, both with Wilson intervals, or over clusters where any of these samples share one; None where no
    sample has that label.
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


def kappa(
    first: Iterable[Hashable], second: Iterable[Hashable], clusters: Iterable[object] | None = None
) -> Kappa:
    """Of two graders' verdicts, in the same order. ``clusters`` names, in that order, the unit that each sample was drawn with.

    Raises ValueError for no verdicts or for different lengths, Ungradable where a cluster is None.
    """
    pairs = list(zip(first, second, strict=True))
    if not pairs:
        raise ValueError("no verdicts")
    n, agreed = len(pairs), sum(one == other for one, other in pairs)
    grouped = None if clusters is None else numbered(clusters, n)
    units = None if grouped is None else grouped.count
    codes: dict[Hashable, int] = {}
    for pair in pairs:
        for verdict in pair:
            codes.setdefault(verdict, len(codes))
    if len(codes) == 1:
        return Kappa(n=n, agreement=1.0, kappa=None, standard_error=None, interval=None, clusters=units)
    numpy = library("numpy")
    coded = numpy.array([[codes[one], codes[other]] for one, other in pairs])
    table = numpy.zeros((len(codes), len(codes)))
    numpy.add.at(table, (coded[:, 0], coded[:, 1]), 1)
    # A variance of nothing may come out a hair below it, and its root is taken before anyone can look.
    with numpy.errstate(invalid="ignore"):
        found = library("statsmodels.stats.inter_rater").cohens_kappa(table)
    value, variance = float(found.kappa), float(found.var_kappa)
    rows, columns = table.sum(axis=1) / n, table.sum(axis=0) / n
    by_chance = float(rows @ columns)
    error: float | None
    if grouped is None:
        error = math.sqrt(variance) if variance >= ROUNDING else 0.0
    else:
        # How much each sample moves kappa: the variance above is that of their mean, samples independent.
        moved = ((coded[:, 0] == coded[:, 1]) - agreed / n) / (1 - by_chance)
        moved -= (
            (1 - agreed / n)
            / (1 - by_chance) ** 2
            * (columns[coded[:, 0]] + rows[coded[:, 1]] - 2 * by_chance)
        )
        error = clustered_error(moved, grouped)
    interval = None
    if rows.max() == 1 or columns.max() == 1:
        error = None
    if error is not None:
        interval = (
            _around(value, error, units) if error else _unspread(value, agreed / n, by_chance, units or n)
        )
    return Kappa(
        n=n,
        agreement=agreed / n,
        kappa=value,
        standard_error=error or None,
        interval=interval,
        clusters=units,
    )


def _around(value: float, error: float, clusters: int | None) -> Interval:
    if clusters is not None:
        return student(value, error, clusters - 1).within(-1.0, 1.0)
    half = float(library("scipy.stats").norm.ppf((1 + LEVEL) / 2)) * error
    return Interval(low=value - half, high=value + half, method="normal").within(-1.0, 1.0)


def _unspread(value: float, agreement: float, by_chance: float, units: int) -> Interval:
    """Where the formula sees no spread, the agreement still has some: let it vary, chance as it was found."""
    share = wilson(agreement * units, units)
    low, high = ((end - by_chance) / (1 - by_chance) for end in (share.low, share.high))
    interval = Interval(low=min(low, value), high=max(high, value), method="Wilson of the agreement")
    return interval.within(-1.0, 1.0)


def confusion(
    judge: Iterable[bool], labels: Iterable[bool], clusters: Iterable[object] | None = None
) -> Confusion:
    """True is a pass; in the same order, as are the ``clusters``. Raises ValueError for different lengths."""
    pairs = [(bool(verdict), bool(label)) for verdict, label in zip(judge, labels, strict=True)]
    names = None if clusters is None else list(clusters)
    return Confusion(
        true_pass=pairs.count((True, True)),
        false_pass=pairs.count((True, False)),
        false_fail=pairs.count((False, True)),
        true_fail=pairs.count((False, False)),
        sensitivity=_share(pairs, True, names),
        specificity=_share(pairs, False, names),
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


def pairwise(
    panel: Mapping[str, Mapping[str, Hashable]], clusters: Mapping[str, object] | None = None
) -> list[Pair]:
    """Each two judges of the panel, in the order of their names. ``clusters`` names the unit that each sample was drawn with;
    those of a pair whose samples share none are not counted."""
    found = []
    for first, second in combinations(sorted(panel), 2):
        shared = sorted(panel[first].keys() & panel[second].keys())
        named = None if clusters is None else [clusters[i] for i in shared]
        if named is not None and len(set(named)) == len(named):
            named = None
        agreed = None
        if shared:
            agreed = kappa([panel[first][i] for i in shared], [panel[second][i] for i in shared], named)
        found.append(Pair(first=first, second=second, kappa=agreed))
    return found


def _share(pairs: Sequence[tuple[bool, bool]], label: bool, clusters: Sequence[object] | None) -> Rate | None:
    """Of the samples with that label, how many got the verdict that they deserve."""
    places = [at for at, (_, deserved) in enumerate(pairs) if deserved == label]
    if not places:
        return None
    hits = [float(pairs[at][0] == label) for at in places]
    named = None if clusters is None else [clusters[at] for at in places]
    return rate(hits, named if named is not None and len(set(named)) < len(named) else None)
