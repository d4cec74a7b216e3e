"""A judge measured against labels: what it passes wrongly, what it fails wrongly, and whether a free rule does as well. Pure.

A value of more than a half is a pass; a grade of exactly a half is none, and such a label says nothing.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from . import baselines
from .errors import Ungradable
from .grouping import evidence
from .kept import KeptGrade
from .notation import coefficient, p_value, percent, points, rounded
from .statistics import agreement, paired
from .statistics.agreement import Confusion, Kappa
from .statistics.paired import Comparison

if TYPE_CHECKING:
    from numpy.random import Generator

FEW = 30
"""Fewer labels than this tell so little that it is said."""

WHOLE, JUDGE, STAGE, BASELINE = "whole", "judge", "stage", "baseline"


Counts = tuple[int, int, int, int]
"""Labels by verdict: true passes, false passes, false fails and true fails."""

_CELLS = ((True, True), (True, False), (False, True), (False, False))


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """One thing that gives verdicts. ``kind`` is ``whole`` (the grades as they are), ``judge``, ``stage`` or ``baseline``.

    ``groups`` has the counts of each group where samples of one group are one piece of evidence; None where each counts by
    itself.
    """

    kind: str
    name: str
    confusion: Confusion
    kappa: Kappa
    groups: Sequence[Counts] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Calibration:
    """Over the ``labels`` that belong to a sample with a grade.

    ``measured`` has the whole first, then judges, stages and baselines. ``best`` is the baseline that agrees with most
    labels, ``test`` the paired comparison of it (a) with the whole (b): how often each agrees with the labels, by groups where
    samples have some. ``drawn``
    are labels that were not drawn evenly from all samples: rates over them are no rates of the run.
    """

    name: str
    labels: int
    passes: int
    without_sample: Sequence[str]
    without_label: int
    unscored: Sequence[str]
    measured: Sequence[Measured]
    best: Measured
    test: Comparison
    verdict: str
    advice: str
    drawn: int = 0

    @property
    def whole(self) -> Measured:
        return self.measured[0]

    def of(self, kind: str) -> list[Measured]:
        return [one for one in self.measured if one.kind == kind]


def calibrate(
    grades: Iterable[KeptGrade],
    labels: Mapping[str, float],
    *,
    name: str,
    scorer: str,
    rng: "Generator",
    drawn: int = 0,
) -> Calibration:
    """``labels`` are values in [0, 1] by sample id, ``name`` how people call what is measured, ``scorer`` the rule
    that it is, where no judge was asked: it is no baseline of itself.

    Raises Ungradable where no label belongs to a sample that has a grade.
    """
    known: set[str] = set()
    unscored: list[str] = []
    graded: list[KeptGrade] = []
    for grade in grades:
        if grade.state == "missing":
            continue
        known.add(grade.sample)
        if labels.get(grade.sample, 0.5) == 0.5:
            continue
        if grade.value is None:
            unscored.append(grade.sample)
        else:
            graded.append(grade)
    if not graded:
        raise _nothing(labels, known, unscored)
    truth = {grade.sample: labels[grade.sample] > 0.5 for grade in graded}
    judged = {grade.sample: _passes(grade.value) for grade in graded}
    found = baselines.verdicts(graded, scorer)
    clusters = evidence({grade.sample: grade.group for grade in graded})
    free = [_measured(BASELINE, each, verdicts, truth, clusters) for each, verdicts in found.items()]
    best = max(free, key=lambda one: one.kappa.agreement)
    test = paired.compare(_hits(found[best.name], truth), _hits(judged, truth), clusters, rng)
    whole = _measured(WHOLE, name, judged, truth, clusters)
    return Calibration(
        name=name,
        labels=len(graded),
        passes=sum(truth.values()),
        without_sample=sorted(labels.keys() - known),
        without_label=len(known - labels.keys()),
        unscored=unscored,
        measured=[
            whole,
            *(
                _measured(JUDGE, each, verdicts, truth, clusters)
                for each, verdicts in _judges(graded).items()
            ),
            *(
                _measured(STAGE, each, verdicts, truth, clusters)
                for each, verdicts in _stages(graded).items()
            ),
            *free,
        ],
        best=best,
        test=test,
        verdict=verdict(name, best.name, test),
        advice=advice(whole, test),
        drawn=drawn,
    )


def from_counts(kind: str, name: str, counts: Counts, groups: Sequence[Counts] | None = None) -> Measured:
    """All that a measurement is made of. ``counts`` are over all labels, ``groups`` by group, as in ``Measured``."""
    said: list[bool] = []
    meant: list[bool] = []
    clusters: list[int] = []
    for at, each in enumerate([counts] if groups is None else groups):
        for (verdict, label), number in zip(_CELLS, each, strict=True):
            said += [verdict] * number
            meant += [label] * number
            clusters += [at] * number
    named = None if groups is None else clusters
    found = Measured(
        kind=kind,
        name=name,
        confusion=agreement.confusion(said, meant, named),
        kappa=agreement.kappa(said, meant, named),
        groups=groups,
    )
    return _certain(found) if kind == BASELINE and name in baselines.CONSTANT else found


def _certain(one: Measured) -> Measured:
    """Of a rule that says the same of every sample: its rates are 0 and 1 whatever is labelled, so they have no
    interval."""
    found = one.confusion
    sensitivity, specificity = (
        rate and replace(rate, interval=None, clusters=None, clustered_error=None, clustered_interval=None)
        for rate in (found.sensitivity, found.specificity)
    )
    return replace(one, confusion=replace(found, sensitivity=sensitivity, specificity=specificity))


def counts(one: Measured) -> Counts:
    found = one.confusion
    return (found.true_pass, found.false_pass, found.false_fail, found.true_fail)


def verdict(name: str, rule: str, test: Comparison) -> str:
    """One sentence for whoever wonders whether to go on with this judge. ``a`` of the test is the rule."""
    evidence = f"it agrees with {percent(test.b.mean)} of {test.n:,} labels against {percent(test.a.mean)}, {_p(test)}"
    if test.is_real and test.difference > 0:
        return f"{name} adds {points(test.difference).lstrip('+')} points of agreement over {rule} on your data: {evidence}."
    if test.is_real:
        return f"{name} is worse than {rule}, which costs nothing, on your data: {evidence}."
    if test.n < FEW:
        return (
            f"{test.n} labels cannot show whether {name} adds anything over {rule} on your data: {evidence}."
        )
    return f"{name} adds nothing that can be seen over {rule} on your data: {evidence}."


def advice(whole: Measured, test: Comparison) -> str:
    """What more labels would be worth, in one sentence."""
    n, interval = whole.kappa.n, whole.kappa.interval
    now = (
        f"kappa is known to ±{coefficient((interval.high - interval.low) / 2)}"
        if interval
        else "kappa is not known"
    )
    if n < FEW:
        return f"{n} labels tell very little ({now}): label {FEW} at least, better 100, before you trust any of this."
    if not test.is_real and test.needed is not None and test.needed > n:
        return f"About {rounded(test.needed):,} labels would tell a difference as small as this one ({now} with {n:,})."
    half = (interval.high - interval.low) / 2 if interval else 0.0
    if half > 0.05:
        return (
            f"With {n:,} labels {now}; {2 * n:,} would make that about ±{coefficient(half / math.sqrt(2))}."
        )
    return f"More labels would change little: with {n:,} of them {now}."


def _measured(
    kind: str,
    name: str,
    verdicts: Mapping[str, bool],
    truth: Mapping[str, bool],
    clusters: Mapping[str, str] | None,
) -> Measured:
    by_group: dict[str, list[int]] = {}
    for sample, verdict in verdicts.items():
        group = "" if clusters is None else clusters[sample]
        by_group.setdefault(group, [0] * len(_CELLS))[_CELLS.index((verdict, truth[sample]))] += 1
    groups: list[Counts] = [(a, b, c, d) for a, b, c, d in by_group.values()]
    a, b, c, d = (sum(column) for column in zip(*groups, strict=True))
    # A part of the samples may have no two of a group: each is a piece of evidence then.
    alone = clusters is None or all(sum(each) == 1 for each in groups)
    return from_counts(kind, name, (a, b, c, d), None if alone else groups)


def _judges(grades: Sequence[KeptGrade]) -> dict[str, dict[str, bool]]:
    """What each judge said where it was asked and gave a verdict."""
    found: dict[str, dict[str, bool]] = {}
    for grade in grades:
        for one in grade.judgements:
            if one.value is not None:
                found.setdefault(one.judge, {})[grade.sample] = _passes(one.value)
    return found


def _stages(grades: Sequence[KeptGrade]) -> dict[str, dict[str, bool]]:
    found: dict[str, dict[str, bool]] = {}
    for grade in grades:
        if grade.stage:
            found.setdefault(grade.stage, {})[grade.sample] = _passes(grade.value)
    return dict(sorted(found.items(), key=lambda item: -len(item[1])))


def _passes(value: float | None) -> bool:
    return value is not None and value > 0.5


def _hits(verdicts: Mapping[str, bool], truth: Mapping[str, bool]) -> dict[str, float]:
    return {sample: float(verdicts[sample] == truth[sample]) for sample in truth}


def _nothing(labels: Mapping[str, float], known: set[str], unscored: Sequence[str]) -> Ungradable:
    if unscored:
        return Ungradable(
            f"None of the {len(unscored):,} labelled samples could be graded.",
            "Label others, or grade so that these get a verdict.",
        )
    if not labels.keys() & known:
        shown = ", ".join(sorted(labels)[:3])
        return Ungradable(
            f"None of the {len(labels):,} labels belongs to a sample of this grading (they name {shown}).",
            "Labels are joined by sample id: take the file that belongs to this run.",
        )
    return Ungradable("No label says yes or no.", "Label some samples: hybrid label RUN")


def _p(test: Comparison) -> str:
    return "too few to test" if test.p_value is None else f"{p_value(test.p_value)} by {test.test}"
