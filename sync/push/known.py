"""The index as a snapshot writer asks it: where is this chunk, very often, and at most in so many snapshots."""

from collections.abc import Mapping

from ..local.index import Index
from ..store.nouns import MOST_LEANED_ON, Location

_AT_A_TIME = 4000
"""Rows that are made of locations at a time: a pack may have a hundred thousand, and is in memory itself."""


class Known:
    """What the mailbox holds, as this laptop remembers it.

    A snapshot is only leaned on while there is room: ``lean_on`` says which ones are anyway, others take what room is
    left in the order in which they are asked for.
    """

    def __init__(self, index: Index) -> None:
        self._index = index
        # A first push asks a hundred thousand times. What it adds itself, its writer knows.
        self._nothing = not index.has_locations()
        self._found: dict[str, Location | None] = {}
        self._leaned_on: set[str] = set()
        self._room = MOST_LEANED_ON

    def lean_on(self, snapshots: set[str], *, others: bool = True) -> None:
        """Sets the snapshots that may be leaned on; ``others`` may be too, while there is room."""
        self._leaned_on = set(snapshots)
        self._room = max(0, MOST_LEANED_ON - len(snapshots)) if others else 0

    def location(self, sha256: str) -> Location | None:
        if self._nothing:
            return None
        if sha256 not in self._found:
            raw = bytes.fromhex(sha256)
            self._found[sha256] = self._index.locations([raw]).get(raw)
        at = self._found[sha256]
        if at is None or not is_snapshot(at.object) or at.object in self._leaned_on:
            return at
        if not self._room:
            return None
        self._room -= 1
        self._leaned_on.add(at.object)
        return at

    def add(self, locations: Mapping[str, Location]) -> None:
        """Durable once it returns. Called only for objects that are durable in the mailbox."""
        names = sorted(locations)
        with self._index.at_once():
            for start in range(0, len(names), _AT_A_TIME):
                some = names[start : start + _AT_A_TIME]
                self._index.add_locations((bytes.fromhex(sha256), locations[sha256]) for sha256 in some)


def is_snapshot(name: str) -> bool:
    return name.endswith(".snap")
