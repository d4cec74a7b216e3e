"""A tree becomes packs and one snapshot, content first, snapshot last.

The writer decides nothing about time or threads: whoever owns it feeds buffers, and receives finished files through
``Outlet.put`` in the order in which they must become durable.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from sync.errors import HybridError

from . import chunker
from .entries import LARGEST_ENTRIES, MOST_ENTRIES, TreeHash, encode_root, reference
from .lines import Block, Place
from .nouns import SELF, Chunk, Location, Root
from .pack import PACK_MAGIC, SNAPSHOT_MAGIC, PackBuilder

RIDES = 256 * 1024
"""Stored bytes of content that may ride in a snapshot. Entries name such content by another reference in the next
snapshot, so a lot of it would make a lot of entries travel again."""
ENTRIES_RIDE = 1024 * 1024
"""Bytes of new entries, before compression, that may ride in a snapshot. What rides is stored once more when a later
snapshot would lean on too many others."""


MOST_CHUNKS = 100_000
"""Chunks at which a pack is closed, so that its index stays small."""
_TOO_LARGE = "The tree is too large for one snapshot, which holds at most"
_SPLIT = "Split it into several projects or runs, or pack many small files into one."


class Outlet(Protocol):
    """Where finished files go."""

    def known(self, sha256: str) -> Location | None:
        """Where this writer's mailbox already holds the chunk in a durable file, or None."""

    def put(self, name: str, data: bytes, locations: Mapping[str, Location]) -> None:
        """Publishes a pack. May return before it is durable; from then on ``known`` may name its chunks."""

    def put_snapshot(self, name: str, data: bytes, locations: Mapping[str, Location]) -> None:
        """Publishes the snapshot, after every pack that was put before is durable."""


class FileWriter:
    """One file on its way in: ``feed`` its bytes in order, then ``end``. Dropping it leaves no entry.

    ``add`` gets each piece and returns its SHA-256.
    """

    def __init__(self, add: Callable[[bytes], str]) -> None:
        self._add = add
        self._pending = b""
        self._chunks: list[tuple[str, int]] = []

    def feed(self, buffer: bytes) -> None:
        self._pending = self._pending + buffer if self._pending else buffer
        # What the chunker would cut at the very end of this buffer may be cut elsewhere once more bytes follow.
        if len(self._pending) > 4 * chunker.FILES.largest:
            self._pending = self._take(final=False)

    def end(self) -> list[tuple[str, int]]:
        """The file's chunks: SHA-256 and length of each."""
        self._take(final=True)
        return self._chunks

    def _take(self, *, final: bool) -> bytes:
        data = self._pending
        if not self._chunks and final and len(data) <= chunker.WHOLE:
            pieces: Iterable[bytes] = [data] if data else []
            rest = 0
        else:
            pieces = chunker.chunks([data], chunker.FILES)
            rest = 0 if final else chunker.FILES.largest
        done = 0
        for piece in pieces:
            if len(data) - done <= rest:
                break
            done += len(piece)
            self._chunks.append((self._add(piece), len(piece)))
        return data[done:]


class SnapshotWriter:
    """Writes one snapshot of ``writer`` and the packs that it needs.

    pack_folder  mailbox folder of the packs
    pack_size    bytes at which a pack is closed
    first_pack   bytes at which the first one is, each next one having twice as many; by default as all others
    """

    def __init__(
        self, outlet: Outlet, *, writer: str, pack_folder: str, pack_size: int, first_pack: int | None = None
    ) -> None:
        self._outlet = outlet
        self._writer = writer
        self._folder = pack_folder
        self._pack_size = pack_size
        self._close_at = min(first_pack or pack_size, pack_size)
        self._pack = PackBuilder(PACK_MAGIC)
        self._fresh: dict[str, Location] = {}
        self.sent = 0
        """Bytes of new content, before compression."""

    def begin_file(self) -> FileWriter:
        return FileWriter(self.add_chunk)

    def add_chunk(self, data: bytes) -> str:
        """Makes sure that the mailbox will hold ``data``; returns its SHA-256."""
        sha256 = hashlib.sha256(data).hexdigest()
        self.add_hashed(sha256, data)
        return sha256

    def add_hashed(self, sha256: str, data: bytes) -> None:
        """``add_chunk`` for a chunk of which this is the SHA-256."""
        if self._add(sha256, data):
            self.sent += len(data)

    def holds(self, sha256: str) -> bool:
        """Whether adding the chunk would change nothing."""
        return sha256 in self._pack or self._find(sha256) is not None

    def finish(
        self,
        *,
        name: str,
        kind: str,
        seq: int,
        tree: Callable[[Place], Iterable[Block]],
        meta: Mapping[str, Any],
        rides: bool = True,
    ) -> Root:
        """Publishes the snapshot and returns its root.

        name   mailbox path with ``{sha256}`` where the file's hash goes
        tree   makes the entries, sorted by path; it is called once all content has its place, and told how to find
               that: KeyError for a chunk that was neither added nor is known to the outlet
        rides  whether a little content may lie in the snapshot itself; otherwise all of it goes into packs

        Raises HybridError, before the snapshot is published, where no reader would take one of this size.
        """
        builder = self._become_snapshot(rides)
        builder.flush()
        riding = builder.locations(SELF)
        objects: set[str] = set()

        def place(sha256: str) -> Location:
            at = riding.get(sha256) or self._find(sha256)
            if at is None:
                raise KeyError(f"chunk {sha256} was never added")
            return at

        totals = Totals()
        stream = self._entries(builder, _texts(tree(place), totals, objects), ENTRIES_RIDE if rides else 0)
        builder.flush()
        riding = builder.locations(SELF)
        chunks = [Chunk(sha256, place(sha256)) for sha256 in stream]
        objects.update(chunk.at.object for chunk in chunks if chunk.at.object)
        root = Root(
            name="",
            kind=kind,
            writer=self._writer,
            seq=seq,
            tree=totals.tree.hexdigest(),
            files=totals.files,
            bytes=totals.bytes,
            entries=tuple(chunks),
            objects=tuple(sorted(objects)),
            meta=dict(meta),
        )
        _refuse_ambiguity(root.objects)
        sealed = builder.seal({"writer": self._writer, "root": encode_root(root)})
        full_name = name.format(sha256=sealed.sha256)
        self._outlet.put_snapshot(full_name, sealed.data, builder.locations(full_name))
        entries = (c if c.at.object else c._replace(at=c.at._replace(object=full_name)) for c in chunks)
        return replace(root, name=full_name, entries=tuple(entries))

    def _entries(self, builder: PackBuilder, texts: Iterable[bytes], room: int) -> list[str]:
        """Makes sure that the mailbox will hold the entry stream; returns the SHA-256 of its pieces.

        Pieces that it lacks ride in the snapshot, as far as ``room`` bytes go, and behind the content that does.
        """
        stream: list[str] = []
        listed = 0
        riding: dict[str, bytes] = {}
        for piece in chunker.chunks(texts, chunker.ENTRIES):
            sha256 = hashlib.sha256(piece).hexdigest()
            stream.append(sha256)
            listed += len(piece)
            if listed > LARGEST_ENTRIES:
                raise HybridError(f"{_TOO_LARGE} a list of files of {LARGEST_ENTRIES:,} bytes.", _SPLIT)
            if sha256 in builder or sha256 in riding or self.holds(sha256):
                continue
            if len(piece) > room:
                self._add(sha256, piece)
            else:
                riding[sha256] = piece
                room -= len(piece)
        if not self._pack.empty:
            self._close_pack()
        for sha256, piece in riding.items():
            builder.add(sha256, piece)
        return stream

    def _find(self, sha256: str) -> Location | None:
        return self._fresh.get(sha256) or self._outlet.known(sha256)

    def _add(self, sha256: str, data: bytes) -> bool:
        """Puts the chunk into the open pack, unless the mailbox holds it; returns whether it did."""
        if self.holds(sha256):
            return False
        self._pack.add(sha256, data)
        if self._pack.size >= self._close_at or len(self._pack) >= MOST_CHUNKS:
            self._close_pack()
        return True

    def _close_pack(self) -> None:
        pack, self._pack = self._pack, PackBuilder(PACK_MAGIC)
        sealed = pack.seal({"writer": self._writer})
        name = f"{self._folder}/{sealed.sha256}.pack"
        locations = pack.locations(name)
        self._fresh.update(locations)
        self._close_at = min(2 * self._close_at, self._pack_size)
        self._outlet.put(name, sealed.data, locations)

    def _become_snapshot(self, rides: bool) -> PackBuilder:
        """Content that still waits for a pack rides in the snapshot; a lot of it gets a pack after all."""
        self._pack.flush()
        if self._pack.size > min(RIDES, self._pack_size // 2) or not (rides or self._pack.empty):
            self._close_pack()
        builder, self._pack = self._pack, PackBuilder(PACK_MAGIC)
        builder.become(SNAPSHOT_MAGIC)
        return builder


def placed_elsewhere(sha256: str, length: int) -> Chunk:
    """A chunk of which only the identity is known yet, for an entry that becomes a line."""
    return Chunk(sha256, Location(SELF, 0, 1, length, "stored", 0, length))


@dataclass
class Totals:
    """What a tree comes to, once its lines have gone by."""

    tree: TreeHash = field(default_factory=TreeHash)
    files: int = 0
    bytes: int = 0


def _texts(tree: Iterable[Block], totals: Totals, objects: set[str]) -> Iterator[bytes]:
    """The entry stream. ``totals`` and ``objects`` take in what goes by."""
    entries = 0
    for block in tree:
        entries += block.number
        if entries > MOST_ENTRIES:
            raise HybridError(f"{_TOO_LARGE} {MOST_ENTRIES:,} files and empty folders.", _SPLIT)
        totals.tree.add_lines(block.tree)
        totals.files += block.files
        totals.bytes += block.bytes
        objects.update(block.objects)
        yield block.entries


def _refuse_ambiguity(objects: tuple[str, ...]) -> None:
    shorts = {reference(name) for name in objects}
    if len(shorts) != len(objects):
        raise AssertionError("two objects share the first 16 digits of their SHA-256")
