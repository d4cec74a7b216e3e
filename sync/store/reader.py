"""Reads snapshots and content from a mailbox and believes nothing that does not match its hash."""

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from sync.errors import CorruptMailbox
from sync.remotes.base import Remote

from .anticipated import Anticipated
from .entries import (
    LARGEST_ENTRIES,
    LONGEST_LINE,
    MOST_ENTRIES,
    TreeHash,
    decode,
    decode_chunk,
    is_sha256,
    reference,
)
from .fetch import Fetch, Span
from .lanes import Lanes
from .nouns import SELF, Chunk, Entry, Root
from .pack import read_index

_OBJECT = re.compile(
    r"(packs|snapshots|runs/[a-z0-9][a-z0-9-]{0,79})/[A-Za-z0-9._-]{0,80}[0-9a-f]{64}\.(pack|snap)"
)

_LARGEST_COUNT = 2**53
LARGEST_SNAPSHOT = 256 * 1024 * 1024
"""Bound of a snapshot's file."""
ENTRIES_AT_ONCE = 64 * 1024 * 1024
"""Bytes of the entry stream that are held at a time; an honest one of 300,000 files comes at once."""


class Reader:
    """``base`` is the project's folder in the remote. Snapshots that were read whole stay in memory.

    With several ``lanes`` content is read ahead, from their threads.
    """

    def __init__(self, remote: Remote, base: str, lanes: Lanes | None = None) -> None:
        self._remote = remote
        self._base = base
        self._lanes = lanes or Lanes()
        self._anticipated = Anticipated(self._read_object, self._lanes)
        self._whole: dict[str, bytes] = {}

    def root(self, name: str) -> Root:
        """The snapshot ``name`` (a mailbox path below ``base``), verified against the hash in its name.

        Raises NotFound where it is not there (yet), CorruptMailbox, NewerMailbox.
        """
        if not _OBJECT.fullmatch(name) or not name.endswith(".snap"):
            raise CorruptMailbox(f"{name[:200]!r} cannot be the name of a snapshot.")
        data = self._remote.read(f"{self._base}/{name}", 0, LARGEST_SNAPSHOT + 1)
        if len(data) > LARGEST_SNAPSHOT:
            raise CorruptMailbox(f"{name} is larger than any snapshot may be.")
        digest = hashlib.sha256(data).hexdigest()
        if digest != name[:-5][-64:]:
            raise CorruptMailbox(f"{name} does not match the SHA-256 in its name.")
        self._whole[name] = data
        return _decode_root(read_index(data, name), name)

    def forget(self, name: str) -> None:
        """Frees the memory that a snapshot read by ``root`` takes."""
        self._whole.pop(name, None)
        self._anticipated.forget(name)

    def release(self, name: str) -> None:
        """Frees the bytes of the snapshot itself, for who wants no content that lies in them (again)."""
        self._whole.pop(name, None)

    def held(self, name: str) -> int:
        """Bytes that are in memory for the snapshot, or on their way: its own, and what was anticipated for it."""
        return len(self._whole.get(name, b"")) + self._anticipated.held(name)

    def anticipate(self, name: str, objects: Iterable[tuple[str, int]]) -> None:
        """Begins to read the first bytes of objects (mailbox path and size), on the suspicion that they will be wanted;
        they are held until the snapshot ``name`` is forgotten. With one lane nothing happens."""
        self._anticipated.ask(name, (each for each in objects if each[0] not in self._whole))

    def entries(self, root: Root) -> list[Entry]:
        """Every entry of the snapshot, checked. ``SELF`` is resolved to the snapshot's own name."""
        if sum(chunk.at.length for chunk in root.entries) > LARGEST_ENTRIES:
            raise CorruptMailbox(f"{root.name} holds more entries than any snapshot may.")
        objects = {reference(name): name for name in root.objects} | {SELF: root.name}
        entries: list[Entry] = []
        totals = TreeHash()
        for entry in decode(_lines(self._stream(root), root.name), objects):
            if len(entries) == MOST_ENTRIES:
                raise CorruptMailbox(f"{root.name} holds more entries than any snapshot may.")
            entries.append(entry)
            totals.add(entry)
        if (totals.hexdigest(), totals.files, totals.bytes) != (root.tree, root.files, root.bytes):
            raise CorruptMailbox(f"{root.name} does not hold the tree that its root describes.")
        return entries

    def fetch(self, chunks: Iterable[Chunk]) -> Fetch:
        """Each distinct chunk with its verified bytes, in the order in which the mailbox holds them.

        Raises NotFound where an object is not there, CorruptMailbox where bytes are not what they should be.
        """
        return Fetch(self._start, chunks, self._lanes.count)

    def _stream(self, root: Root) -> Iterator[bytes]:
        """The entry stream, little of it at a time: what a few bytes in the mailbox claim to be may be long."""
        batch: list[Chunk] = []
        size = 0
        for chunk in (*root.entries, None):
            if chunk is None or size + chunk.at.length > ENTRIES_AT_ONCE:
                pieces = {each.sha256: data for each, data in self.fetch(batch)}
                yield from (pieces[each.sha256] for each in batch)
                batch, size = [], 0
            if chunk is not None:
                batch.append(chunk)
                size += chunk.at.length

    def _start(self, span: Span) -> Callable[[], bytes]:
        whole = self._whole.get(span.object)
        if whole is not None:
            return lambda: whole[span.start : span.end]
        return self._anticipated.start(span.object, span.start, span.end)

    def _read_object(self, name: str, start: int, end: int) -> bytes:
        return self._remote.read(f"{self._base}/{name}", start, end - start)


def _lines(pieces: Iterable[bytes], name: str) -> Iterator[bytes]:
    """The stream cut at its newlines; ``name`` is for messages. A line is refused before it is put together."""
    begun: list[bytes] = []
    size = 0
    for piece in pieces:
        first, *others = piece.split(b"\n")
        begun.append(first)
        size += len(first)
        if size > LONGEST_LINE:
            raise CorruptMailbox(f"{name} holds a longer entry than any snapshot may.")
        for line in others:
            yield b"".join(begun)
            begun, size = [line], len(line)
    if size:
        raise CorruptMailbox(f"The entries of {name} are cut short.")


def _decode_root(index: dict[str, Any], name: str) -> Root:
    match index:
        case {
            "writer": str(writer),
            "root": {
                "kind": str(kind),
                "seq": int(seq),
                "tree": str(tree),
                "files": int(files),
                "bytes": int(size),
                "entries": list(entries),
                "objects": list(objects),
                "meta": dict(meta),
            },
        }:
            pass
        case _:
            raise CorruptMailbox(f"The root of {name} is malformed.")
    counts = all(type(count) is int and 0 <= count <= _LARGEST_COUNT for count in (seq, files, size))
    if not counts or not is_sha256(tree):
        raise CorruptMailbox(f"The root of {name} is malformed.")
    if not all(isinstance(o, str) and _OBJECT.fullmatch(o) for o in objects):
        raise CorruptMailbox(f"The root of {name} is malformed.")
    shorts = {reference(o): o for o in objects} | {SELF: name}
    if len(shorts) != len({*objects, SELF}):
        raise CorruptMailbox(f"The root of {name} lists two objects that references cannot tell apart.")
    return Root(
        name=name,
        kind=kind,
        writer=writer,
        seq=seq,
        tree=tree,
        files=files,
        bytes=size,
        entries=tuple(decode_chunk(chunk, shorts) for chunk in entries),
        objects=tuple(objects),
        meta=meta,
    )
