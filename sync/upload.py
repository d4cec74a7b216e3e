"""The laptop's outlet: packs go up side by side while the next is being made; the snapshot goes last."""

from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Protocol

from .remotes.base import Remote
from .store.nouns import Location


class Known(Protocol):
    """What this laptop remembers of the mailbox's content."""

    def location(self, sha256: str) -> Location | None: ...

    def add(self, locations: Mapping[str, Location]) -> None:
        """Durable once it returns. Called only for objects that are durable in the mailbox."""


class Upload:
    """An ``Outlet``. Use it from one thread, as a context manager: leaving it waits for what is in flight.

    Memory holds at most ``2 * connections`` finished packs.
    """

    def __init__(self, remote: Remote, base: str, known: Known) -> None:
        self._remote = remote
        self._base = base
        self._known = known
        width = max(1, remote.capabilities.connections)
        self._most = 2 * width
        self._pool = ThreadPoolExecutor(width, thread_name_prefix="upload")
        self._flying: list[tuple[Future[bool], Mapping[str, Location]]] = []
        self.objects = 0
        self.bytes = 0
        """Objects and bytes that went to the mailbox."""
        self.snapshot_locations: dict[str, Location] = {}

    def __enter__(self) -> "Upload":
        return self

    def __exit__(self, *exception: object) -> None:
        # On an error what has not begun is dropped; what has is waited for, so that no thread outlives the push.
        self._pool.shutdown(wait=True, cancel_futures=exception[0] is not None)

    def known(self, sha256: str) -> Location | None:
        return self._known.location(sha256)

    def put(self, name: str, data: bytes, locations: Mapping[str, Location]) -> None:
        while len(self._flying) >= self._most:
            self._land(1)
        future = self._pool.submit(self._remote.write, f"{self._base}/{name}", data)
        self._flying.append((future, locations))
        self.objects += 1
        self.bytes += len(data)
        self._land(0)

    def put_snapshot(self, name: str, data: bytes, locations: Mapping[str, Location]) -> None:
        """The snapshot's own chunks are left to the caller to remember, together with the snapshot."""
        self._land(len(self._flying))
        self._remote.write(f"{self._base}/{name}", data)
        self.objects += 1
        self.bytes += len(data)
        self.snapshot_locations = dict(locations)

    def _land(self, at_least: int) -> None:
        """Remembers the uploads that have ended, oldest first; waits for ``at_least`` of them. Raises what failed."""
        while self._flying and (at_least > 0 or self._flying[0][0].done()):
            future, locations = self._flying[0]
            future.result()
            self._flying.pop(0)
            self._known.add(locations)
            at_least -= 1
