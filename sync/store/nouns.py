"""What the store is made of: locations, entries, and the root of a snapshot.

Locations and chunks are named tuples: a tree has as many of them as files, and they cost a third of a dataclass.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

FILE = "f"
DIRECTORY = "d"
LINK = "l"

MOST_LEANED_ON = 32
"""Other snapshots that a snapshot may lean on; what lies in more of them counts as not there, and is stored anew."""

SELF = ""
"""The object reference of content that lies in the same file as the entry that names it."""


class Location(NamedTuple):
    """Where a chunk lies: ``length`` bytes at ``offset`` of a block, once that block is decompressed.

    object        mailbox path of the pack or snapshot, or ``SELF``
    block_offset  first byte of the stored block in the object
    block_stored  stored bytes of the block
    block_raw     bytes of the block once decompressed
    codec         name of the block's codec
    """

    object: str
    block_offset: int
    block_stored: int
    block_raw: int
    codec: str
    offset: int
    length: int


class Chunk(NamedTuple):
    """A piece of content: its SHA-256 (hex) and where it lies."""

    sha256: str
    at: Location


@dataclass(frozen=True)
class Entry:
    """One path of a tree. ``path`` is bytes, relative, ``/``-separated. No owner, no times.

    kind        FILE, DIRECTORY (listed only where empty) or LINK
    executable  the one permission that travels (files)
    size        bytes (files); equals the sum of the chunks' lengths
    target      link text (links)
    """

    path: bytes
    kind: str
    executable: bool = False
    size: int = 0
    chunks: tuple[Chunk, ...] = ()
    target: bytes = b""


@dataclass(frozen=True, kw_only=True)
class Root:
    """The verified root of a snapshot: everything that is needed to read its entries.

    name     mailbox path of the snapshot
    kind     ``tree`` (a project), ``outputs`` or ``checkpoint``
    writer   laptop or worker that made it
    seq      counts this writer's snapshots of this kind
    tree     SHA-256 over the content of the tree alone: equal trees, equal value
    files, bytes    what the tree holds
    entries  chunks of the entry stream, in order
    objects  mailbox paths of the other packs and snapshots that hold content of this one
    meta     free fields for people, such as the commit
    """

    name: str
    kind: str
    writer: str
    seq: int
    tree: str
    files: int
    bytes: int
    entries: tuple[Chunk, ...]
    objects: tuple[str, ...]
    meta: dict[str, Any]
