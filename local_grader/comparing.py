"""Two runs by their kept grades: which gradings can be compared, on which samples they differ, and whether that is real.

Only gradings that were made in the same way are compared: another rubric or another judge moves the rate too, and nothing
could tell that from what the runs did.
"""

from array import array
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from . import kept, tables
from .calibrations import key
from .grouping import evidence
from .kept import KeptGrading
from .statistics import paired, slices
from .statistics.paired import Comparison
from .statistics.slices import Slice

if TYPE_CHECKING:
    from numpy.random import Generator

T = TypeVar("T")
_WHOLE = {0.0: 0.0, 1.0: 1.0}  # most values are one of these two: each is one object


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """A sample with another value in ``b`` than in ``a``."""

    sample: str
    group: str | None
    value_a: float
    value_b: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Changed:
    """The same, with its texts."""

    sample: str
    group: str | None
    prompt: str | None
    reference: str | None
    value_a: float
    value_b: float
    answer_a: str
    answer_b: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Side:
    """One run's grades, without their texts: a million of them have room. ``values`` are those of the samples that were scored,
    ``groups`` their groups and ``references`` a number for what each was held against, in the order of the values; ``unscored``
    counts those that could not be, ``missing`` those that were never answered."""

    grading: KeptGrading
    values: Mapping[str, float]
    groups: Sequence[str | None]
    references: Sequence[int]
    unscored: int
    missing: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Compared:
    """``changed`` are the samples that differ, those that ``b`` lost first. ``only_a`` and ``only_b`` are scored in one run
    only. ``groups`` holds a comparison for each group, where groups were asked for. ``named`` is how many groups the shared
    samples name, 0 where any of them names none. ``other_reference`` counts shared samples with another reference in each."""

    a: Side
    b: Side
    comparison: Comparison
    changed: Sequence[Change]
    only_a: Sequence[str]
    only_b: Sequence[str]
    groups: Mapping[str, Slice]
    named: int
    other_reference: int


def differences(a: KeptGrading, b: KeptGrading) -> list[str]:
    """What differs between the ways in which two gradings were made, as clauses; none where they can be compared."""
    found = [
        f"{name.replace('_', ' ')} {a.entry[name]} and {b.entry[name]}"
        for name in ("scorer", "scorer_version")
        if a.entry[name] != b.entry[name]
    ]
    ours, theirs = a.entry["options"], b.entry["options"]
    if a.scorer == b.scorer:
        found += [
            f"{name.replace('_', '-')} {ours.get(name)} and {theirs.get(name)}"
            for name in sorted({*ours, *theirs})
            if ours.get(name) != theirs.get(name)
        ]
    found += _judging(a.entry.get("judging"), b.entry.get("judging"))
    if not found and key(a.entry) != key(b.entry):
        found.append("a setting of a judge")
    return found


def side(grading: KeptGrading, ids: dict[str, str] | None = None) -> Side:
    """``ids`` are the samples that are known from elsewhere: each stands in memory once. Raises UsageError where the file is
    damaged."""
    known, names = {} if ids is None else ids, dict[str | None, str | None]()
    values: dict[str, float] = {}
    groups: list[str | None] = []
    references = array("q")
    unscored = missing = 0
    for part in _columns(grading, ("sample", "state", "value", "group", "reference")):
        for sample, state, value, group, reference in zip(*part, strict=True):
            if value is None:
                unscored += state == "unscored"
                missing += state == "missing"
                continue
            values[known.setdefault(sample, sample)] = _WHOLE.get(value, value)
            groups.append(names.setdefault(group, group))
            references.append(hash(reference))
    return Side(
        grading=grading,
        values=values,
        groups=groups,
        references=references,
        unscored=unscored,
        missing=missing,
    )


def sides(a: KeptGrading, b: KeptGrading) -> tuple[Side, Side]:
    """Both, as ``compare`` takes them. Raises as ``side`` does."""
    ids: dict[str, str] = {}
    return side(a, ids), side(b, ids)


def shown(compared: Compared, changes: Sequence[Change]) -> list[Changed]:
    """With their texts, which are read for these alone. Raises as ``side`` does."""
    wanted = {one.sample for one in changes}
    first, second = (_texts(one.grading, wanted) for one in (compared.a, compared.b))
    return [
        Changed(
            sample=one.sample,
            group=one.group,
            prompt=prompt,
            reference=reference,
            value_a=one.value_a,
            value_b=one.value_b,
            answer_a=answer,
            answer_b=second[one.sample][2],
        )
        for one in changes
        for prompt, reference, answer in [first[one.sample]]
    ]


def compare(a: Side, b: Side, *, clustered: bool | None, by_group: bool, rng: "Generator") -> Compared:
    """``clustered``: samples of one group count as one piece of evidence, not as several; None: where that can be told.

    Raises Ungradable where no sample is shared, or where ``clustered`` and a shared one names no group.
    """
    shared = [sample for sample in a.values if sample in b.values]
    groups_a, groups_b = _by_sample(a, a.groups), _by_sample(b, b.groups)
    groups = {sample: groups_a[sample] or groups_b[sample] for sample in shared}
    clusters: Mapping[str, object] | None = groups if clustered else None
    if clustered is None:
        clusters = evidence(groups)
    comparison = paired.compare(a.values, b.values, clusters, rng)
    named = {sample: group for sample, group in groups.items() if group is not None}
    return Compared(
        a=a,
        b=b,
        comparison=comparison,
        changed=_changed(a, b, groups),
        only_a=[sample for sample in a.values if sample not in b.values],
        only_b=[sample for sample in b.values if sample not in a.values],
        groups=slices.by_slice(a.values, b.values, named, None, rng) if by_group else {},
        named=len(set(named.values())) if len(named) == len(shared) else 0,
        other_reference=_others(a, b, shared),
    )


def _changed(a: Side, b: Side, groups: Mapping[str, str | None]) -> list[Change]:
    found = [
        Change(sample=sample, group=group, value_a=a.values[sample], value_b=b.values[sample])
        for sample, group in groups.items()
        if a.values[sample] != b.values[sample]
    ]
    return sorted(found, key=lambda one: one.value_b - one.value_a)


def _others(a: Side, b: Side, shared: Sequence[str]) -> int:
    """How many of the shared samples were held against another reference in each."""
    first, second = _by_sample(a, a.references), _by_sample(b, b.references)
    return sum(first[sample] != second[sample] for sample in shared)


def _by_sample(side: Side, column: Sequence[T]) -> dict[str, T]:
    return dict(zip(side.values, column, strict=True))


def _texts(grading: KeptGrading, samples: Container[str]) -> dict[str, tuple[str | None, str | None, str]]:
    """Prompt, reference and answer."""
    return {
        sample: (prompt, reference, answer or "")
        for part in _columns(grading, ("sample", "prompt", "reference", "answer"))
        for sample, prompt, reference, answer in zip(*part, strict=True)
        if sample in samples
    }


def _columns(grading: KeptGrading, names: Sequence[str]) -> Iterator[list[list[Any]]]:
    try:
        yield from tables.parts(grading.path, names)
    except (tables.BadTable, OSError) as error:
        raise kept.damaged(grading, error) from error


def _judging(ours: Mapping[str, Any] | None, theirs: Mapping[str, Any] | None) -> list[str]:
    if ours is None or theirs is None:
        return [] if ours is theirs else [f"{_judges(ours)} and {_judges(theirs)}"]
    found = []
    if (ours["rubric"], ours["rubric_sha256"]) != (theirs["rubric"], theirs["rubric_sha256"]):
        same = ours["rubric"] == theirs["rubric"]
        found.append(
            f"two versions of rubric {ours['rubric']}"
            if same
            else f"rubric {ours['rubric']} and {theirs['rubric']}"
        )
    if _judges(ours) != _judges(theirs):
        found.append(f"{_judges(ours)} and {_judges(theirs)}")
    elif _digests(ours) != _digests(theirs):
        found.append(f"two versions of {_judges(ours)}")
    if ours["pool"] != theirs["pool"]:
        found.append(f"verdicts pooled by {ours['pool']} and {theirs['pool']}")
    return found


def _judges(judging: Mapping[str, Any] | None) -> str:
    if judging is None:
        return "no judge"
    return "judge " + (", ".join(sorted(one["model"] for one in judging["judges"])) or "not heard")


def _digests(judging: Mapping[str, Any]) -> list[tuple[str, str]]:
    return sorted((one["model"], one["digest"]) for one in judging["judges"])
