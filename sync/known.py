"""The index as a snapshot writer asks it: where is this chunk, very often, and at most in so many snapshots."""

import json
from collections.abc import Iterable, Iterator, Mapping

from .local.index import Index
from .store.nouns import MOST_LEANED_ON, Location

_BATCH = 1000


class Known:
    """What the mailbox holds, as this laptop remembers it.

    A snapshot is only leaned on while there is room: ``lean_on`` says which ones are anyway, others take what room is
    left in the order in which they are asked for.
    """

    def __init__(self, index: Index) -> None:
        self._index = index
        self._found: dict[str, Location | None] = {}
        self._leaned_on: set[str] = set()
        self._room = MOST_LEANED_ON

    def load(self, ids: Iterable[str]) -> set[str]:
        """Asks the index about all of these chunks at once; returns the snapshots that they lie in."""
        wanted = {sha256 for sha256 in ids if sha256 not in self._found}
        self._found.update(dict.fromkeys(wanted))
        found = self._index.locations(bytes.fromhex(sha256) for sha256 in wanted)
        self._found.update((raw.hex(), at) for raw, at in found.items())
        return {at.object for at in found.values() if is_snapshot(at.object)}

    def lean_on(self, snapshots: set[str], *, others: bool = True) -> None:
        """Sets the snapshots that may be leaned on; ``others`` may be too, while there is room."""
        self._leaned_on = set(snapshots)
        self._room = max(0, MOST_LEANED_ON - len(snapshots)) if others else 0

    def location(self, sha256: str) -> Location | None:
        if sha256 not in self._found:
            self.load([sha256])
        at = self._found[sha256]
        if at is None or not is_snapshot(at.object) or at.object in self._leaned_on:
            return at
        if not self._room:
            return None
        self._room -= 1
        self._leaned_on.add(at.object)
        return at

    def insist(self, ids: Iterable[str]) -> bool:
        """Whether all of these chunks are there; from now on they may be leaned on whatever the room."""
        self.load(wanted := list(ids))
        places = [self._found[sha256] for sha256 in wanted]
        if None in places:
            return False
        self._leaned_on.update(at.object for at in places if at is not None)
        return True

    def add(self, locations: Mapping[str, Location]) -> None:
        """Durable once it returns. Called only for objects that are durable in the mailbox."""
        self._index.add_locations((bytes.fromhex(sha256), at) for sha256, at in locations.items())
        self._found.update(locations)


def is_snapshot(name: str) -> bool:
    return name.endswith(".snap")


def chunk_lists(texts: Iterable[str]) -> Iterator[list[tuple[str, int]]]:
    """``FileRow.chunks`` of many rows, each as (SHA-256 hex, length) pairs; one call of the parser for many rows."""
    batch: list[str] = []
    for text in texts:
        batch.append(text)
        if len(batch) == _BATCH:
            yield from json.loads(f"[{','.join(batch)}]")
            batch.clear()
    yield from json.loads(f"[{','.join(batch)}]")
