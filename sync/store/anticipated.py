"""Content that is asked for before it is known to be needed: the beginnings of the objects that a snapshot leans on.

What a snapshot needs is known once its entries were read, which takes a wait of its own and a while to decode. Where all
of it will be wanted anyway, the line need not be idle meanwhile. What was asked for in vain is little.
"""

from collections.abc import Callable, Iterable
from functools import partial

from .fetch import LARGEST_READ_AHEAD
from .lanes import Lanes

MOST = 8 * LARGEST_READ_AHEAD
"""Bytes of one snapshot's objects that are asked for, and held until the snapshot is forgotten."""
_FIRST = LARGEST_READ_AHEAD // 4
"""Bytes of the first read of an object, so that they are here soon; each further one has twice as many."""

Read = Callable[[str, int, int], bytes]
"""Reads an object's bytes from one offset up to, but without, another; fewer where it ends."""
_Segment = tuple[int, int, Callable[[], bytes]]


class Anticipated:
    """``owner`` is whatever asks, and forgets. With one lane nothing is asked for early."""

    def __init__(self, read: Read, lanes: Lanes) -> None:
        self._read = read
        self._lanes = lanes
        self._segments: dict[str, list[_Segment]] = {}
        self._owned: dict[str, list[str]] = {}

    def ask(self, owner: str, objects: Iterable[tuple[str, int]]) -> None:
        """Lets the first bytes of the objects (name and size) come, in their order."""
        left = MOST if self._lanes.count > 1 else 0
        for name, size in objects:
            if name in self._segments:
                continue
            start, length = 0, _FIRST
            while start < size and left > 0:
                end = min(start + length, size, start + left)
                answer = self._lanes.start(partial(self._read, name, start, end))
                self._segments.setdefault(name, []).append((start, end, answer))
                left -= end - start
                start, length = end, min(2 * length, LARGEST_READ_AHEAD)
            self._owned.setdefault(owner, []).append(name)

    def held(self, owner: str) -> int:
        """Bytes that were asked for, and are held, on behalf of ``owner``."""
        names = self._owned.get(owner, [])
        return sum(end - start for name in names for start, end, _ in self._segments.get(name, []))

    def forget(self, owner: str) -> None:
        for name in self._owned.pop(owner, []):
            self._segments.pop(name, None)

    def start(self, name: str, start: int, end: int) -> Callable[[], bytes]:
        """Begins to read, but for what is on its way already; the answer is as that of ``Lanes.start``."""
        parts: list[Callable[[], bytes]] = []
        for first, last, answer in self._segments.get(name, []):
            if first <= start < last and start < end:
                parts.append(partial(_cut, answer, start - first, min(end, last) - first))
                start = last
        if start < end:
            parts.append(self._lanes.start(partial(self._read, name, start, end)))
        return parts[0] if len(parts) == 1 else partial(_joined, parts)


def _cut(answer: Callable[[], bytes], start: int, end: int) -> bytes:
    return answer()[start:end]


def _joined(answers: list[Callable[[], bytes]]) -> bytes:
    return b"".join(answer() for answer in answers)
