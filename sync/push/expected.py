"""Where a file will probably be cut, known from where it was cut before.

Content-defined cutting begins anew at each cut, so a chunk depends on nothing before it. Where a file stands at a cut
and goes on with the bytes of two former chunks, the first of them is what the cutter would cut, too: SHA-256 tells, and
the cutter need not look. Only the last chunk was cut by the end of the file: it is expected only where the file ends.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable

Chunk = tuple[str, int]
"""SHA-256 and length."""

_MOST_PATIENCE = 64


class Expected:
    """What a file of ``size`` bytes may go on with, which had the ``former`` chunks. It begins with the first of them.

    Once an expectation failed, the cutter has to meet a former chunk before there is one again; more of them in a row
    each time, so that a file with many edits does not cost more than cutting it.
    """

    def __init__(self, former: Iterable[Chunk], size: int) -> None:
        self._former = list(former)
        self._size = size
        self._places: defaultdict[Chunk, list[int]] = defaultdict(list)
        for place, chunk in enumerate(self._former):
            self._places[chunk].append(place)
        self._next = 0
        self._patience = 1
        self._met = 1
        self._in_a_row = 0

    @property
    def in_a_row(self) -> int:
        """How many expectations came true since one failed."""
        return self._in_a_row

    def upcoming(self, skip: int, at: int) -> Chunk | None:
        """The former chunk that may begin at byte ``at``, if the ``skip`` chunks before it come true, or None."""
        place = self._next + skip
        if self._met < self._patience or place >= len(self._former):
            return None
        chunk = self._former[place]
        end = at + chunk[1]
        is_last = place == len(self._former) - 1
        return chunk if end == self._size or (end < self._size and not is_last) else None

    def came_true(self) -> None:
        """The next chunk was the upcoming one."""
        self._next += 1
        self._in_a_row += 1
        self._patience = max(1, self._patience - 1)

    def failed(self) -> None:
        """The next chunk is not the upcoming one, so that the one before it is in doubt, too."""
        self._next = max(0, self._next - 1)
        self._in_a_row = 0
        self._met = 0
        self._patience = min(2 * self._patience, _MOST_PATIENCE)

    def was_cut(self, chunk: Chunk) -> None:
        """The cutter found this to be the next chunk."""
        places = self._places.get(chunk)
        if places is None:
            self._met = 0
            return
        self._met += 1
        nearest = bisect_left(places, self._next)
        self._next = places[nearest if nearest < len(places) else 0] + 1
