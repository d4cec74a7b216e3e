"""Which of a laptop's snapshots are kept: a pure decision."""

from collections.abc import Iterable
from dataclasses import dataclass

DAY_S = 86400.0


@dataclass(frozen=True, kw_only=True)
class Kept:
    """A snapshot as retention sees it: ``created`` is seconds on this laptop's own clock."""

    name: str
    seq: int
    created: float


def keep(snapshots: Iterable[Kept], *, now: float, last: int, days: int, named: Iterable[str]) -> set[str]:
    """The names to keep: the ``last`` newest (at least one), the newest of each of the past ``days`` days, and
    what open runs name.

    Snapshots from the future (a clock was set back) are kept.
    """
    ordered = sorted(snapshots, key=lambda each: each.seq, reverse=True)
    kept = {each.name for each in ordered[: max(1, last)]} | {
        each.name for each in ordered if each.created > now
    }
    seen: set[int] = set()
    for each in ordered:
        day = int((now - each.created) // DAY_S)
        if day < days and day not in seen:
            seen.add(day)
            kept.add(each.name)
    return kept | (set(named) & {each.name for each in ordered})
