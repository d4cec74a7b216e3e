"""Snapshots that no honest writer makes, whole by their hash all the same: what a hostile mailbox can hold."""

import hashlib
import json
from collections.abc import Iterable
from typing import Any

from sync.store.entries import TreeHash, decode, encode_chunk
from sync.store.nouns import SELF, Chunk
from sync.store.pack import SNAPSHOT_MAGIC, PackBuilder
from tests.unit.sync.store.shelf import BASE, Shelf


class Forge:
    """Builds one snapshot line by line. References are lists as in the entries, for the caller to falsify."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._builder = PackBuilder(SNAPSHOT_MAGIC)

    def content(self, *pieces: bytes) -> list[list[Any]]:
        """True references to pieces that lie in this snapshot."""
        for piece in pieces:
            self._builder.add(_sha256(piece), piece)
        at = self._builder.flush()
        return [encode_chunk(Chunk(_sha256(piece), at[_sha256(piece)])) for piece in pieces]

    def publish(self, lines: Iterable[object], **lies: Any) -> str:
        """Writes the snapshot and returns its name. ``lies`` replace fields of the root."""
        made = [line if isinstance(line, bytes) else json.dumps(line).encode() + b"\n" for line in lines]
        stream = b"".join(made)
        entries = self.content(stream) if stream else []
        totals = TreeHash()
        try:
            for entry in decode(stream.split(b"\n")[:-1], {SELF: "snapshots/x.snap"}):
                totals.add(entry)
        except Exception:
            totals = TreeHash()  # the reader must stop before it looks at the totals
        root = {
            "kind": "tree",
            "seq": 1,
            "tree": totals.hexdigest(),
            "files": totals.files,
            "bytes": totals.bytes,
            "entries": entries,
            "objects": [],
            "meta": {},
        }
        return self.publish_index({"writer": "laptop", "root": {**root, **lies}})

    def publish_index(self, fields: dict[str, Any]) -> str:
        return place(self._shelf, self._builder.seal(fields).data)


def place(shelf: Shelf, data: bytes) -> str:
    """Writes ``data`` under the name of a snapshot that its hash makes true."""
    name = f"snapshots/laptop-00000001-{_sha256(data)}.snap"
    shelf.remote.write(f"{BASE}/{name}", data)
    return name


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
