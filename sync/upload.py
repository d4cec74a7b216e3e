"""The laptop's outlet: packs go up side by side while the next is being made; the snapshot goes last."""

import contextlib
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor

from .errors import HybridError
from .known import Known
from .remotes.base import Remote
from .store.nouns import Location


class Upload:
    """An ``Outlet``. Use it from one thread, as a context manager: leaving it waits for what is in flight.

    Memory holds at most one finished pack more than ``connections``.
    """

    def __init__(self, remote: Remote, base: str, known: Known) -> None:
        self._remote = remote
        self._base = base
        self._known = known
        width = max(1, remote.capabilities.connections)
        self._most = width + 1
        self._pool = ThreadPoolExecutor(width, thread_name_prefix="upload")
        self._flying: list[tuple[Future[bool], int, Mapping[str, Location]]] = []
        self.objects = 0
        self.bytes = 0
        """Objects and bytes that went to the mailbox."""
        self.names: list[str] = []
        """The packs that were handed over, in order."""
        self.snapshot_locations: dict[str, Location] = {}

    def __enter__(self) -> "Upload":
        return self

    def __exit__(self, *exception: object) -> None:
        # On an error what has not begun is dropped; what has is waited for, so that no thread outlives the push.
        self._pool.shutdown(wait=True, cancel_futures=exception[0] is not None)
        arrived = [each for each in self._flying if not each[0].cancelled() and each[0].exception() is None]
        with contextlib.suppress(HybridError):  # there is one to report already
            for _, _, locations in arrived:
                self._known.add(locations)

    def known(self, sha256: str) -> Location | None:
        return self._known.location(sha256)

    def put(self, name: str, data: bytes, locations: Mapping[str, Location]) -> None:
        while len(self._flying) >= self._most:
            self._land()
        self.names.append(name)
        future = self._pool.submit(self._remote.write, f"{self._base}/{name}", data)
        self._flying.append((future, len(data), locations))
        while self._flying and self._flying[0][0].done():
            self._land()

    def put_snapshot(self, name: str, data: bytes, locations: Mapping[str, Location]) -> None:
        """The snapshot's own chunks are left to the caller to remember, together with the snapshot."""
        while self._flying:
            self._land()
        self._count(self._remote.write(f"{self._base}/{name}", data), len(data))
        self.snapshot_locations = dict(locations)

    def _land(self) -> None:
        """Waits for the oldest upload and remembers it. Raises what it failed with."""
        future, size, locations = self._flying[0]
        self._count(future.result(), size)
        self._known.add(locations)
        self._flying.pop(0)

    def _count(self, written: bool, size: int) -> None:
        # A name that is taken holds this content already: it is the content's hash.
        self.objects += written
        self.bytes += size if written else 0
