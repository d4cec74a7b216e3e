"""Where a worker's content goes: the run's folder of the mailbox. Remembers what is there, removes what nobody needs."""

from collections.abc import Mapping

from sync.remotes.base import Remote
from sync.store.nouns import MOST_LEANED_ON, Location, Root

KEPT = 2
"""How many snapshots of one line stay: a reader may be at the last but one."""


class Outlet:
    """Content that this worker has put into the run's folder. It refers to nothing else.

    A *line* is a series of snapshots of which each supersedes those before, such as a shard's checkpoints.
    """

    def __init__(self, remote: Remote, base: str) -> None:
        self._remote = remote
        self._base = base
        self._known: dict[str, Location] = {}
        self._objects: set[str] = set()
        self._lines: dict[str, list[Root]] = {}

    def known(self, sha256: str) -> Location | None:
        return self._known.get(sha256)

    def put(self, name: str, data: bytes, locations: Mapping[str, Location]) -> None:
        self._remote.write(f"{self._base}/{name}", data)
        self._objects.add(name)
        self._known.update(locations)

    put_snapshot = put

    def keep(self, line: str, newest: Root) -> None:
        """Adds ``newest`` to its line. What is then neither among the last two of a line nor leaned on by one of
        those is deleted. Call it only between two publications."""
        self._lines[line] = [*self._lines.get(line, []), newest][-KEPT:]
        live = [root for roots in self._lines.values() for root in roots]
        needed = {root.name for root in live} | {name for root in live for name in root.objects}
        unneeded = self._objects - needed
        self._forget(unneeded)
        for name in sorted(unneeded):
            self._remote.delete(f"{self._base}/{name}")
            self._objects.discard(name)
        small = {name for name in self._objects if name.endswith(".snap")}
        if len(small.intersection(newest.objects)) >= MOST_LEANED_ON - 1:
            # The next snapshot brings the content of all those along, and they can go.
            self._forget(small)

    def _forget(self, objects: set[str]) -> None:
        self._known = {sha256: at for sha256, at in self._known.items() if at.object not in objects}
