"""A tree becomes packs and one snapshot, content first, snapshot last.

The writer decides nothing about time or threads: whoever owns it feeds buffers, and receives finished files through
``Outlet.put`` in the order in which they must become durable.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from sync.errors import HybridError

from . import chunker
from .entries import LARGEST_ENTRIES, MOST_ENTRIES, TreeHash, encode, encode_chunk, reference
from .nouns import FILE, SELF, Chunk, Entry, Location, Root
from .pack import PACK_MAGIC, SNAPSHOT_MAGIC, PackBuilder, moved

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
    """

    def __init__(self, outlet: Outlet, *, writer: str, pack_folder: str, pack_size: int) -> None:
        self._outlet = outlet
        self._writer = writer
        self._folder = pack_folder
        self._pack_size = pack_size
        self._pack = PackBuilder(PACK_MAGIC)
        self._fresh: dict[str, Location] = {}
        self.sent = 0
        """Bytes of new content, before compression."""

    def begin_file(self) -> FileWriter:
        return FileWriter(self.add_chunk)

    def add_chunk(self, data: bytes) -> str:
        """Makes sure that the mailbox will hold ``data``; returns its SHA-256."""
        sha256 = hashlib.sha256(data).hexdigest()
        if self._add(sha256, data):
            self.sent += len(data)
        return sha256

    def finish(
        self,
        *,
        name: str,
        kind: str,
        seq: int,
        tree: Iterable[Entry],
        meta: Mapping[str, Any],
        rides: bool = True,
    ) -> Root:
        """Publishes the snapshot and returns its root.

        name   mailbox path with ``{sha256}`` where the file's hash goes
        tree   the entries, in any order; the chunks of a file need only SHA-256 and length: this writer fills in
               where they lie. Each must have been added, or be known to the outlet.
        rides  whether a little content may lie in the snapshot itself; otherwise all of it goes into packs

        Raises HybridError, before the snapshot is published, where no reader would take one of this size.
        """
        entries = sorted(tree, key=lambda entry: entry.path)
        if len(entries) > MOST_ENTRIES:
            raise HybridError(f"{_TOO_LARGE} {MOST_ENTRIES:,} files and empty folders.", _SPLIT)
        builder = self._become_snapshot(rides)
        content = dict(builder.flush())
        totals = TreeHash()
        objects: set[str] = set()

        def place(chunk: Chunk) -> Chunk:
            at = content.get(chunk.sha256) or self._find(chunk.sha256)
            if at is None:
                raise KeyError(f"chunk {chunk.sha256} was never added")
            if at.object:
                objects.add(at.object)
            return Chunk(chunk.sha256, at)

        def lines() -> Iterable[bytes]:
            batch: list[bytes] = []
            for entry in entries:
                if entry.kind == FILE:
                    entry = Entry(
                        path=entry.path,
                        kind=FILE,
                        executable=entry.executable,
                        size=entry.size,
                        chunks=tuple(place(chunk) for chunk in entry.chunks),
                    )
                totals.add(entry)
                batch.append(encode(entry))
                if len(batch) >= 1000:
                    yield b"".join(batch)
                    batch = []
            yield b"".join(batch)

        stream: list[tuple[str, int]] = []
        listed = 0
        riding: dict[str, bytes] = {}
        room = ENTRIES_RIDE if rides else 0
        for piece in chunker.chunks(lines(), chunker.ENTRIES):
            sha256 = hashlib.sha256(piece).hexdigest()
            stream.append((sha256, len(piece)))
            listed += len(piece)
            if listed > LARGEST_ENTRIES:
                raise HybridError(f"{_TOO_LARGE} a list of files of {LARGEST_ENTRIES:,} bytes.", _SPLIT)
            if sha256 in builder or sha256 in riding:
                continue
            if len(piece) > room:
                self._add(sha256, piece)
            elif not self._holds(sha256):
                riding[sha256] = piece
                room -= len(piece)
        if not self._pack.empty:
            self._close_pack()
        for sha256, piece in riding.items():
            builder.add(sha256, piece)
        content = dict(builder.flush())
        chunks = tuple(place(Chunk(sha256, _somewhere(length))) for sha256, length in stream)
        root: dict[str, Any] = {
            "kind": kind,
            "seq": seq,
            "tree": totals.hexdigest(),
            "files": totals.files,
            "bytes": totals.bytes,
            "entries": [encode_chunk(chunk) for chunk in chunks],
            "objects": sorted(objects),
            "meta": dict(meta),
        }
        _refuse_ambiguity(root["objects"])
        sealed = builder.seal({"writer": self._writer, "root": root})
        full_name = name.format(sha256=sealed.sha256)
        self._outlet.put_snapshot(full_name, sealed.data, moved(sealed.locations, full_name))
        return Root(
            name=full_name,
            kind=kind,
            writer=self._writer,
            seq=seq,
            tree=root["tree"],
            files=totals.files,
            bytes=totals.bytes,
            entries=tuple(
                Chunk(c.sha256, c.at if c.at.object else moved({"": c.at}, full_name)[""]) for c in chunks
            ),
            objects=tuple(root["objects"]),
            meta=dict(meta),
        )

    def _find(self, sha256: str) -> Location | None:
        return self._fresh.get(sha256) or self._outlet.known(sha256)

    def _holds(self, sha256: str) -> bool:
        return sha256 in self._pack or self._find(sha256) is not None

    def _add(self, sha256: str, data: bytes) -> bool:
        """Puts the chunk into the open pack, unless the mailbox holds it; returns whether it did."""
        if self._holds(sha256):
            return False
        self._pack.add(sha256, data)
        if self._pack.size >= self._pack_size or len(self._pack) >= MOST_CHUNKS:
            self._close_pack()
        return True

    def _close_pack(self) -> None:
        sealed = self._pack.seal({"writer": self._writer})
        name = f"{self._folder}/{sealed.sha256}.pack"
        locations = moved(sealed.locations, name)
        self._fresh.update(locations)
        self._pack = PackBuilder(PACK_MAGIC)
        self._outlet.put(name, sealed.data, locations)

    def _become_snapshot(self, rides: bool) -> PackBuilder:
        """Content that still waits for a pack rides in the snapshot; a lot of it gets a pack after all."""
        self._pack.flush()
        if self._pack.size > min(RIDES, self._pack_size // 2) or not (rides or self._pack.empty):
            self._close_pack()
        builder, self._pack = self._pack, PackBuilder(PACK_MAGIC)
        builder.become(SNAPSHOT_MAGIC)
        return builder


def _somewhere(length: int) -> Location:
    return Location(SELF, 0, 1, length, "stored", 0, length)


def placed_elsewhere(sha256: str, length: int) -> Chunk:
    """A chunk of which only the identity is known yet, as ``SnapshotWriter.finish`` takes it."""
    return Chunk(sha256, _somewhere(length))


def _refuse_ambiguity(objects: list[str]) -> None:
    shorts = {reference(name) for name in objects}
    if len(shorts) != len(objects):
        raise AssertionError("two objects share the first 16 digits of their SHA-256")
