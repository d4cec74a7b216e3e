"""The file format of packs and snapshots: blocks of chunks, an index, a footer.

A snapshot is a pack whose index also holds the root, so that small content rides in it and saving one source file
writes one object. The reader trusts nothing: every size is bounded before it is used.

    magic (8)  block ...  index (JSON, a block)  footer (28)
"""

import hashlib
import json
import struct
from collections.abc import Mapping
from typing import Any, NamedTuple

from sync.errors import CorruptMailbox, HybridError, NewerMailbox

from . import bounded_json, codec
from .nouns import Location

PACK_MAGIC = b"HYBPACK\x01"
SNAPSHOT_MAGIC = b"HYBSNAP\x01"
FOOTER = struct.Struct("<QII4s8s")
"""Offset, stored and raw length of the index, its codec (4 bytes of its name), and the magic again."""

BLOCK = 256 * 1024
"""Small chunks are compressed together in blocks of about this many bytes."""
LARGEST_BLOCK = 8 * 1024 * 1024
LARGEST_INDEX = 64 * 1024 * 1024
LARGEST_OFFSET = 1 << 40
"""No object comes near this size; above it, systems stop taking the number as a position in a file."""

# Made once: ``json.dumps`` with arguments makes an encoder at each call.
_json = json.JSONEncoder(separators=(",", ":"), sort_keys=True).encode


class Sealed(NamedTuple):
    """A finished file: its bytes, and their SHA-256."""

    data: bytes
    sha256: str


class Footer(NamedTuple):
    """Where a file's index lies, how long it is in the file and unpacked, its codec, and what the file is."""

    offset: int
    stored: int
    raw: int
    codec: str
    magic: bytes


class PackBuilder:
    """Gathers chunks into one file. ``size`` is what it has come to so far, in bytes."""

    def __init__(self, magic: bytes) -> None:
        self._magic = magic
        self._parts: list[bytes] = [magic]
        self._pending: list[bytes] = []
        self._pending_bytes = 0
        self._blocks: list[tuple[int, int, int, str]] = []
        self._chunks: dict[str, tuple[int, int, int]] = {}
        self.size = len(magic)

    def __contains__(self, sha256: str) -> bool:
        return sha256 in self._chunks

    def __len__(self) -> int:
        """How many chunks it holds."""
        return len(self._chunks)

    @property
    def empty(self) -> bool:
        return not self._chunks

    def add(self, sha256: str, data: bytes) -> None:
        """Takes a chunk; one that it holds already is not taken again."""
        if sha256 in self._chunks:
            return
        length = len(data)
        if self._pending and self._pending_bytes + length > BLOCK:
            self.flush()
        self._chunks[sha256] = (len(self._blocks), self._pending_bytes, length)
        self._pending.append(data)
        self._pending_bytes += length
        if self._pending_bytes >= BLOCK:
            self.flush()

    def become(self, magic: bytes) -> None:
        """Turns a pack into a snapshot, or back, before it is sealed."""
        self._magic = self._parts[0] = magic

    def flush(self) -> None:
        """Closes the block that is open, so that ``locations`` are known of every chunk that was added so far."""
        if self._pending:
            raw = b"".join(self._pending)
            name, stored = codec.compress(raw)
            self._blocks.append((self.size, len(stored), len(raw), name))
            self._parts.append(stored)
            self.size += len(stored)
            self._pending = []
            self._pending_bytes = 0

    def locations(self, name: str) -> dict[str, Location]:
        """Where each chunk of a closed block lies, in a file that others know as ``name``."""
        blocks, make = self._blocks, Location._make
        return {
            sha256: make((name, *blocks[block], offset, length))
            for sha256, (block, offset, length) in self._chunks.items()
            if block < len(blocks)
        }

    def seal(self, fields: Mapping[str, Any]) -> Sealed:
        """Ends the file; ``fields`` join the index. They name the writer, so that no two writers' packs are one.

        Raises HybridError where the index is larger than a reader takes.
        """
        self.flush()
        chunks = [(sha256, *at) for sha256, at in self._chunks.items()]
        raw = _json({**fields, "blocks": self._blocks, "chunks": chunks}).encode()
        if len(raw) > LARGEST_INDEX:
            raise HybridError(
                f"A tree of this size makes an index of {len(raw):,} bytes, and {LARGEST_INDEX:,} is the most.",
                "Split it into several projects or runs.",
            )
        name, stored = codec.compress(raw)
        footer = FOOTER.pack(self.size, len(stored), len(raw), name.encode()[:4], self._magic)
        data = b"".join([*self._parts, stored, footer])
        return Sealed(data, hashlib.sha256(data).hexdigest())


def read_index(data: bytes, name: str) -> dict[str, Any]:
    """The index of a whole pack or snapshot file; ``name`` is for messages.

    Raises CorruptMailbox, or NewerMailbox where the file has another version.
    """
    if len(data) < len(PACK_MAGIC) + FOOTER.size:
        raise CorruptMailbox(f"{name} is cut short.")
    magic = data[-len(PACK_MAGIC) :]
    for known in (PACK_MAGIC, SNAPSHOT_MAGIC):
        if data[:7] == known[:7] and data[:8] != known:
            raise NewerMailbox(
                f"{name} has version {data[7]} of the pack format, and this program knows version {known[7]}.",
                "Update hybrid on this machine.",
            )
    if magic != data[:8]:
        raise CorruptMailbox(f"{name} is no pack and no snapshot.")
    at = read_footer(data[-FOOTER.size :], len(data), name)
    return decode_index(at, data[at.offset : at.offset + at.stored], name)


def read_footer(data: bytes, size: int, name: str) -> Footer:
    """What the last bytes of a file of ``size`` bytes say. Raises CorruptMailbox where they cannot be true."""
    if len(data) != FOOTER.size:
        raise CorruptMailbox(f"{name} is cut short.")
    offset, stored, raw, codec_bytes, magic = FOOTER.unpack(data)
    if magic not in (PACK_MAGIC, SNAPSHOT_MAGIC):
        raise CorruptMailbox(f"{name} is no pack and no snapshot.")
    if offset + stored + FOOTER.size != size or max(stored, raw) > LARGEST_INDEX:
        raise CorruptMailbox(f"The footer of {name} does not fit the file.")
    names = {known.encode()[:4]: known for known in codec.NAMES}
    return Footer(offset, stored, raw, names.get(codec_bytes, "unknown"), magic)


def decode_index(at: Footer, block: bytes, name: str) -> dict[str, Any]:
    """The index that ``at`` tells of, whose stored bytes are ``block``. Raises CorruptMailbox."""
    try:
        index = bounded_json.loads(codec.decompress(at.codec, block, at.raw))
    except (ValueError, RecursionError) as error:
        raise CorruptMailbox(f"The index of {name} is not JSON.") from error
    if not isinstance(index, dict):
        raise CorruptMailbox(f"The index of {name} is not an object.")
    return index


def check(at: Location) -> Location:
    """``at``, where its numbers can be true; raises CorruptMailbox otherwise."""
    sane = (
        0 <= at.block_offset <= LARGEST_OFFSET
        and 0 < at.block_stored <= LARGEST_BLOCK
        and 0 < at.block_raw <= LARGEST_BLOCK
        and at.offset >= 0
        and at.length > 0
        and at.offset + at.length <= at.block_raw
        and at.codec in codec.NAMES
    )
    if not sane:
        raise CorruptMailbox(f"A location in {at.object or 'a snapshot'} cannot be true.")
    return at
