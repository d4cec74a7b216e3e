"""Content of a mailbox: which parts of which objects must be read for it, and every chunk verified by its hash.

What lies close together is read in one call. Where several calls can be in flight, the next ones are made while the
last is unpacked, so that neither the line nor this machine waits for the other.
"""

import hashlib
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from sync.errors import CorruptMailbox

from . import codec
from .nouns import Chunk, Location

LARGEST_READ = 16 * 1024 * 1024
LARGEST_READ_AHEAD = 2 * 1024 * 1024
"""The same where reads overlap: the first bytes are at work sooner, and little is left to do when the last have come."""
AHEAD = 6
"""Reads in flight at most."""
WIDEST_GAP = 64 * 1024
"""Blocks are read in one call where at most this many unwanted bytes lie between them."""


class Span(NamedTuple):
    """Bytes ``start`` to ``end`` of an object, which hold ``blocks``."""

    object: str
    start: int
    end: int
    blocks: list[Location]


class Fetch:
    """Each distinct chunk with its verified bytes, in the order in which the mailbox holds them; to be iterated once.

    ``start`` begins to read a span, and returns what gives its bytes; with a ``width`` of one, when it is asked.
    ``size`` is how many bytes are read in all.

    Raises CorruptMailbox where one chunk is said to have two lengths, and from the iteration where bytes are not
    what they should be, and what reading raises.
    """

    def __init__(
        self, start: Callable[[Span], Callable[[], bytes]], chunks: Iterable[Chunk], width: int
    ) -> None:
        self._start = start
        self._wanted: dict[tuple[str, int], dict[str, Chunk]] = defaultdict(dict)
        blocks: dict[tuple[str, int], Location] = {}
        lengths: dict[str, int] = {}
        for chunk in chunks:
            at = chunk.at
            length = lengths.get(chunk.sha256)
            if length is None:
                lengths[chunk.sha256] = at.length
                key = (at.object, at.block_offset)
                self._wanted[key][chunk.sha256] = chunk
                blocks[key] = at
            elif length != at.length:
                raise CorruptMailbox(f"{at.object} is said to hold one chunk in two lengths.")
        largest = LARGEST_READ if width == 1 else LARGEST_READ_AHEAD
        self._spans = deque(spans((blocks[key] for key in sorted(blocks)), largest))
        self._width = min(width, AHEAD)
        self._in_flight: deque[tuple[Span, Callable[[], bytes]]] = deque()
        self.size = sum(span.end - span.start for span in self._spans)

    def begin(self) -> None:
        """Lets the first reads begin, where a lane is free."""
        while self._spans and len(self._in_flight) < self._width:
            span = self._spans.popleft()
            self._in_flight.append((span, self._start(span)))

    def __iter__(self) -> Iterator[tuple[Chunk, bytes]]:
        self.begin()
        while self._in_flight:
            span, answer = self._in_flight.popleft()
            data = memoryview(answer())
            del answer
            self.begin()
            if len(data) != span.end - span.start:
                raise CorruptMailbox(f"{span.object} is cut short.")
            for block in span.blocks:
                yield from self._unpack(block, data[block.block_offset - span.start :])

    def _unpack(self, block: Location, data: memoryview) -> Iterator[tuple[Chunk, bytes]]:
        raw = codec.decompress(block.codec, bytes(data[: block.block_stored]), block.block_raw)
        for chunk in self._wanted.pop((block.object, block.block_offset)).values():
            at = chunk.at
            whole = at.offset == 0 and at.length == len(raw)
            piece = raw if whole else raw[at.offset : at.offset + at.length]
            if hashlib.sha256(piece).hexdigest() != chunk.sha256:
                raise CorruptMailbox(f"A chunk in {block.object} does not match its SHA-256.")
            yield chunk, piece


def spans(blocks: Iterable[Location], largest: int) -> Iterator[Span]:
    """Neighbouring blocks, joined into reads of at most ``largest`` bytes, or of one block."""
    current: Span | None = None
    for block in blocks:
        end = block.block_offset + block.block_stored
        if (
            current is not None
            and block.object == current.object
            and current.end <= block.block_offset <= current.end + WIDEST_GAP
            and end - current.start <= largest
        ):
            current.blocks.append(block)
            current = current._replace(end=end)
            continue
        if current is not None:
            yield current
        current = Span(block.object, block.block_offset, end, [block])
    if current is not None:
        yield current
