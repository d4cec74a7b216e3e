"""Packs and snapshots that no honest writer makes, whole by their hash all the same: what a hostile mailbox can hold.

Nothing of the store helps here, so that a change of the writer cannot make these files honest.
"""

import hashlib
import json
import struct
import zlib
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from sync.errors import CorruptMailbox
from tests.unit.sync.store.shelf import BASE, Shelf

SNAPSHOT = b"HYBSNAP\x01"
PACK = b"HYBPACK\x01"
Codec = tuple[str, Callable[[bytes], bytes]]
_CHUNK = 4 * 1024 * 1024
STORED: Codec = ("stored", lambda data: data)
ZLIB: Codec = ("zlib", zlib.compress)


def file(
    index: bytes, blocks: bytes = b"", *, magic: bytes = SNAPSHOT, codec: Codec = ZLIB, **lies: Any
) -> bytes:
    """The bytes of a file with this index. ``lies`` replace fields of its footer: offset, stored, raw, name, end."""
    name, compress = codec
    packed = compress(index)
    start = len(magic) + len(blocks)
    footer = {
        "offset": start,
        "stored": len(packed),
        "raw": len(index),
        "name": name.encode()[:4],
        "end": magic,
    }
    footer |= lies
    return magic + blocks + packed + struct.pack("<QII4s8s", *footer.values())


class Forge:
    """Builds one snapshot line by line. References are lists as in the entries, for the caller to falsify."""

    def __init__(self, shelf: Shelf | None = None) -> None:
        self._shelf = shelf
        self.blocks = b""
        self._known: dict[bytes, list[Any]] = {}

    def block(self, packed: bytes, raw: int, codec: str) -> list[Any]:
        """Stores bytes as they are; the five numbers of a reference that tell where."""
        start = len(SNAPSHOT) + len(self.blocks)
        self.blocks += packed
        return [start, len(packed), raw, codec]

    def content(self, *pieces: bytes, codec: Codec = ZLIB) -> list[list[Any]]:
        """True references to pieces that lie in this snapshot, in one block."""
        fresh = [piece for piece in dict.fromkeys(pieces) if piece not in self._known]
        if fresh:
            raw = b"".join(fresh)
            name, compress = codec
            at = self.block(compress(raw), len(raw), name)
            offset = 0
            for piece in fresh:
                self._known[piece] = [sha256(piece), "", *at, offset, len(piece)]
                offset += len(piece)
        return [list(self._known[piece]) for piece in pieces]

    def data(self, lines: Iterable[object], **lies: Any) -> bytes:
        """The snapshot's file. ``lies`` replace fields of the root."""
        made = [line if isinstance(line, bytes) else json.dumps(line).encode() + b"\n" for line in lines]
        stream = b"".join(made)
        cuts = range(0, len(stream), _CHUNK)
        entries = [reference for at in cuts for reference in self.content(stream[at : at + _CHUNK])]
        root = {**_totals(stream), "kind": "tree", "seq": 1, "entries": entries, "objects": [], "meta": {}}
        return self.data_of({"writer": "laptop", "root": {**root, **lies}})

    def data_of(self, fields: dict[str, Any]) -> bytes:
        """The file with these fields in its index."""
        index = json.dumps({"blocks": [], "chunks": [], **fields}, separators=(",", ":")).encode()
        return file(index, self.blocks)

    def publish(self, lines: Iterable[object], **lies: Any) -> str:
        """Writes the snapshot onto the shelf and returns its name."""
        assert self._shelf is not None
        return place(self._shelf, self.data(lines, **lies))

    def publish_index(self, fields: dict[str, Any]) -> str:
        assert self._shelf is not None
        return place(self._shelf, self.data_of(fields))


def _totals(stream: bytes) -> dict[str, Any]:
    """What the root says of these entries; of such as make no sense, anything."""
    digest = hashlib.sha256()
    files = size = 0
    try:
        for line in stream.split(b"\n")[:-1]:
            kind, path, *rest = json.loads(line)
            if kind == "f":
                executable, length, references = rest
                rest = [executable, [[reference[0], reference[7]] for reference in references]]
                files, size = files + 1, size + length
            digest.update(json.dumps([kind, path, *rest], separators=(",", ":")).encode() + b"\n")
    except (ValueError, TypeError, LookupError, RecursionError):
        files = size = 0  # the reader must stop before it looks at the totals
    return {"tree": digest.hexdigest(), "files": files, "bytes": size}


def place(shelf: Shelf, data: bytes) -> str:
    """Writes ``data`` under the name of a snapshot that its hash makes true."""
    name = f"snapshots/laptop-00000001-{sha256(data)}.snap"
    shelf.remote.write(f"{BASE}/{name}", data)
    return name


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def refused(shelf: Shelf, name: str) -> None:
    """Fails the test where the snapshot, and all that it names, can be read."""
    with pytest.raises(CorruptMailbox) as caught:
        shelf.tree(name)
    assert len(str(caught.value)) < 500, "one sentence, whatever the mailbox holds"
