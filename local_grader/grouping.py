"""When samples that belong together count as one piece of evidence. Pure."""

from collections.abc import Mapping

LEAST = 6
"""Fewer groups than this cannot show anything: with five, no permutation of them goes below 5 %."""


def evidence(groups: Mapping[str, str | None]) -> Mapping[str, str] | None:
    """``groups`` by sample, where they are the units to count; None where samples count each by itself.

    Each sample must name a group, some of them the same one, and there must be enough groups to tell anything by.
    """
    named = {sample: group for sample, group in groups.items() if group is not None}
    if len(named) < len(groups) or not LEAST <= len(set(named.values())) < len(named):
        return None
    return named
