"""A comparison within each of several slices, with as many chances to be fooled as there are slices. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .intervals import LEVEL
from .libraries import library
from .paired import Comparison, compare

if TYPE_CHECKING:
    from numpy.random import Generator


@dataclass(frozen=True, kw_only=True, slots=True)
class Slice:
    """``adjusted`` is the p value after Benjamini and Hochberg (1995) over all slices; ``is_real`` stands on it.

    Of the slices called real, at most one in twenty is expected to be chance. Without that, one in twenty of *all*
    slices would be. ``adjusted`` is None where the comparison has no p value.
    """

    comparison: Comparison
    adjusted: float | None
    is_real: bool


def by_slice(
    a: Mapping[str, float],
    b: Mapping[str, float],
    slices: Mapping[str, str],
    clusters: Mapping[str, object] | None,
    rng: "Generator",
) -> dict[str, Slice]:
    """``slices`` maps sample ids to the slice that they are in; samples without one are left out.

    In the order of the slices' names; a slice without a shared sample is left out. Raises as ``compare`` does.
    """
    members: dict[str, list[str]] = {}
    for sample in sorted(a.keys() & b.keys() & slices.keys()):
        members.setdefault(slices[sample], []).append(sample)
    found = {
        name: compare({i: a[i] for i in members[name]}, {i: b[i] for i in members[name]}, clusters, rng)
        for name in sorted(members)
    }
    tested = {name: one.p_value for name, one in found.items() if one.p_value is not None}
    control = library("scipy.stats").false_discovery_control
    adjusted = dict(zip(tested, map(float, control(list(tested.values()))), strict=True)) if tested else {}
    return {
        name: Slice(
            comparison=one,
            adjusted=adjusted.get(name),
            is_real=one.is_real and adjusted[name] < 1 - LEVEL,
        )
        for name, one in found.items()
    }
