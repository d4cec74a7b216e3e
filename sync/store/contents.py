"""Files on their way onto this disk, chunk by chunk, wherever the chunks come from.

To make a file takes a disk longer than to fill a small one. Where nobody looks on, small files are gathered, and made
by threads of their own, if there are any.
"""

from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial

from sync.errors import CorruptMailbox

from . import here
from .lanes import Lanes
from .nouns import Chunk, Entry
from .target import Target

_TOGETHER = 256 * 1024
"""Bytes of small files that are made by one thread in one go."""
_WAITING = 8
"""So many times as much may wait for the disk."""


class Contents:
    """``files`` of ``target``, and the content that they still wait for.

    written  is called with an entry whose file is complete and in its place
    failed   is called with an entry, and the OSError for which there can be no such file; it may raise it

    Raises CorruptMailbox where one chunk is said to have two lengths.
    """

    def __init__(
        self,
        target: Target,
        files: list[Entry],
        written: Callable[[Entry], None],
        failed: Callable[[Entry, OSError], None],
        writers: Lanes,
    ) -> None:
        self._target = target
        self._files = files
        self._writers = writers
        self._gathered: list[tuple[Entry, bytes]] = []
        self._gathered_bytes = 0
        self._given: deque[tuple[list[Entry], Callable[[], list[OSError | None]]]] = deque()
        self._written = written
        self._failed = failed
        self._places: dict[str, list[tuple[int, int]]] = defaultdict(list)
        self._lengths: dict[str, int] = {}
        self._left: list[int] = []
        self._temporaries: dict[int, bytes] = {}
        self._lost: set[int] = set()
        self.size = 0
        """Bytes of the files that are still to be written."""
        for number, entry in enumerate(files):
            self._left.append(len(entry.chunks))
            offset = 0
            for chunk in entry.chunks:
                length = self._lengths.setdefault(chunk.sha256, chunk.at.length)
                if length != chunk.at.length:
                    raise CorruptMailbox(f"{chunk.at.object} is said to hold one chunk in two lengths.")
                self._places[chunk.sha256].append((number, offset))
                offset += length
            self.size += offset

    def begin(self) -> None:
        """Makes the files that wait for nothing."""
        for number, entry in enumerate(self._files):
            if not entry.chunks:
                self._write(number, 0, b"")

    def wants(self, sha256: str, length: int) -> bool:
        return sha256 in self._places and self._lengths[sha256] == length

    def pieces_of(self, old: bytes, entry: Entry) -> Iterator[tuple[str, bytes]]:
        """What the file ``old``, which may be an older state of the entry, holds of what is waited for."""
        if any(chunk.sha256 in self._places for chunk in entry.chunks):
            yield from here.pieces(old, entry, self.wants)

    def wanted(self) -> Iterator[Chunk]:
        for entry in self._files:
            yield from (chunk for chunk in entry.chunks if chunk.sha256 in self._places)

    def take(self, sha256: str, data: bytes) -> int:
        """Puts the verified chunk wherever it belongs; returns how many bytes of files it makes."""
        size = 0
        for number, offset in self._places.pop(sha256):
            size += len(data)
            if self._target.unseen and len(self._files[number].chunks) == 1:
                self._gather(self._files[number], data)
            elif number not in self._lost:
                self._write(number, offset, data)
        self.size -= size
        return size

    def end(self) -> None:
        """Waits until all that was taken is written."""
        self._give()
        while self._given:
            self._collect()

    def abandon(self) -> None:
        """Waits until nothing is written any more, whatever became of it. Without threads nothing is, from here on."""
        self._gathered = []
        if self._writers.count > 1:
            for _, answer in self._given:
                with suppress(Exception):
                    answer()
        self._given.clear()

    def _gather(self, entry: Entry, data: bytes) -> None:
        self._gathered.append((entry, data))
        self._gathered_bytes += len(data)
        if self._gathered_bytes >= _TOGETHER:
            self._give()
            while len(self._given) > _WAITING:
                self._collect()

    def _give(self) -> None:
        together, self._gathered, self._gathered_bytes = self._gathered, [], 0
        answer = self._writers.start(partial(_make, self._target, together))
        self._given.append(([entry for entry, _ in together], answer))

    def _collect(self) -> None:
        entries, answer = self._given.popleft()
        for entry, error in zip(entries, answer(), strict=True):
            if error is None:
                self._written(entry)
            else:
                self._failed(entry, error)

    def _write(self, number: int, offset: int, data: bytes) -> None:
        """Raises OSError where no file at all can be written, which is when it is to be one of the scratch folder."""
        entry, target = self._files[number], self._target
        first = number not in self._temporaries
        temporary = self._temporaries.get(number) or b""
        if first and not target.unseen:
            temporary = target.temporary()
        try:
            target.write(temporary, offset, data, entry, first=first)
        except OSError as error:
            if not target.unseen:
                raise
            self._lost.add(number)
            self._failed(entry, error)
            return
        if self._left[number] > 1:
            self._left[number] -= 1
            self._temporaries[number] = temporary
            return
        self._temporaries.pop(number, None)
        try:
            target.finish(temporary, entry)
        except OSError as error:
            self._failed(entry, error)
        else:
            self._written(entry)


def _make(target: Target, files: list[tuple[Entry, bytes]]) -> list[OSError | None]:
    """Writes whole files in their places; the error of each that cannot be written."""
    errors: list[OSError | None] = []
    for entry, data in files:
        try:
            target.write(b"", 0, data, entry, first=True)
        except OSError as error:
            errors.append(error)
        else:
            errors.append(None)
    return errors
