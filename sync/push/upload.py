"""The laptop's outlet: packs go up side by side while the next is being made; the snapshot goes last."""

import contextlib
from collections.abc import Callable, Mapping
from functools import partial
from types import TracebackType

from ..errors import HybridError
from ..remotes.base import Remote
from ..store.lanes import Answer, Lanes
from ..store.nouns import Location
from .known import Known


class Upload:
    """An ``Outlet``. Use it from one thread, as a context manager.

    Memory holds at most as many finished packs as ``connections``.
    """

    def __init__(self, remote: Remote, base: str, known: Known, ready: Callable[[], None]) -> None:
        """``ready`` is asked before what arrived is remembered, and before a snapshot is published; what it raises,
        prevents that."""
        self._remote = remote
        self._base = base
        self._known = known
        self._ready = ready
        width = max(1, remote.capabilities.connections)
        self._most = width
        self._lanes = Lanes(width)
        self._flying: list[tuple[Answer[bool], int, Mapping[str, Location]]] = []
        self.objects = 0
        self.bytes = 0
        """Objects and bytes that went to the mailbox."""
        self.names: list[str] = []
        """The packs that were handed over, in order."""
        self.sizes: dict[str, int] = {}
        """Bytes of all that was handed over, by mailbox path."""
        self.snapshot_locations: dict[str, Location] = {}

    def __enter__(self) -> "Upload":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Packs that are under way are waited for, and remembered: a next push need not send them again. Who interrupts
        # does not want to wait.
        waits = kind is None or issubclass(kind, Exception)
        self._lanes.__exit__(None if waits else kind, error, trace)
        if not (waits and self._flying):
            return
        with contextlib.suppress(HybridError):  # there is one to report already
            self._ready()
            for answer, _, locations in self._flying:
                if answer.is_there and _arrived(answer):
                    self._known.add(locations)

    def known(self, sha256: str) -> Location | None:
        return self._known.location(sha256)

    def put(self, name: str, data: bytes, locations: Mapping[str, Location]) -> None:
        while len(self._flying) >= self._most:
            self._land()
        self.names.append(name)
        self.sizes[name] = len(data)
        answer = self._lanes.start(partial(self._remote.write, f"{self._base}/{name}", data))
        self._flying.append((answer, len(data), locations))
        while self._flying and self._flying[0][0].is_there:
            self._land()

    def put_snapshot(self, name: str, data: bytes, locations: Mapping[str, Location]) -> None:
        """The snapshot's own chunks are left to the caller to remember, together with the snapshot."""
        path = f"{self._base}/{name}"
        self.sizes[name] = len(data)
        self._count(self._remote.write(path, data, self._all_is_there), len(data))
        self._all_is_there()  # also where the name was taken, and nobody asked
        self.snapshot_locations = dict(locations)

    def _all_is_there(self) -> None:
        """Waits for what the snapshot leans on. The snapshot itself travels behind it, still without its name."""
        while self._flying:
            self._land()
        self._ready()

    def _land(self) -> None:
        """Waits for the oldest upload and remembers it. Raises what it failed with."""
        answer, size, locations = self._flying[0]
        self._count(answer(), size)
        self._ready()
        self._known.add(locations)
        self._flying.pop(0)

    def _count(self, written: bool, size: int) -> None:
        # A name that is taken holds this content already: it is the content's hash.
        self.objects += written
        self.bytes += size if written else 0


def _arrived(answer: Answer[bool]) -> bool:
    try:
        answer()
    except Exception:  # the first one that came up is told already
        return False
    return True
