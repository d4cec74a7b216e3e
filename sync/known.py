"""The index as a snapshot writer asks it: where is this chunk, many at once, and again and again."""

import json
from collections.abc import Iterable, Mapping

from .local.index import Index
from .local.index import Location as Row
from .store.nouns import Location


class Known:
    """The index as the writer asks it: many chunks at once, and again and again."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self._found: dict[str, Location] = {}
        self._asked: set[str] = set()
        self._ignored: frozenset[str] = frozenset()

    def load(self, chunk_lists: Iterable[str]) -> None:
        """Asks the index about all of these at once."""
        wanted = {sha256 for text in chunk_lists for sha256, _ in json.loads(text)} - self._asked
        self._asked |= wanted
        for raw, row in self._index.locations(bytes.fromhex(sha256) for sha256 in wanted).items():
            self._found[raw.hex()] = Location(*row)

    def location(self, sha256: str) -> Location | None:
        if sha256 not in self._asked:
            self._asked.add(sha256)
            for row in self._index.locations([bytes.fromhex(sha256)]).values():
                self._found[sha256] = Location(*row)
        at = self._found.get(sha256)
        return None if at is None or at.object in self._ignored else at

    def has_all(self, chunks: str) -> bool:
        return all(self.location(sha256) is not None for sha256, _ in json.loads(chunks))

    def ignore(self, objects: Iterable[str]) -> None:
        """From now on, content of these objects counts as not there."""
        self._ignored = frozenset(objects)

    def add(self, locations: Mapping[str, Location]) -> None:
        self._index.add_locations((bytes.fromhex(sha), row(at)) for sha, at in locations.items())
        self._found.update(locations)
        self._asked.update(locations)


def row(at: Location) -> Row:
    return Row(at.object, at.block_offset, at.block_stored, at.block_raw, at.codec, at.offset, at.length)
