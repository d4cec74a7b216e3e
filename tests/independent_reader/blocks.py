"""Section 5 of ``docs/protocol.md`` up to "References": blocks, and the index at the end of a pack or snapshot."""

import hashlib
import json
import struct
import zlib
from typing import Any

try:
    from compression import zstd  # type: ignore[import-not-found, unused-ignore]
except ImportError:
    from backports import zstd  # type: ignore[no-redef, unused-ignore]

MIB = 1024 * 1024
FOOTER = struct.Struct("<QII4s8s")
CODECS = ("zstd", "zlib", "stored")


class Refused(Exception):
    """The mailbox holds something that the page forbids."""


def need(truth: object, what: str) -> None:
    if not truth:
        raise Refused(what)


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def whole_number(value: object, least: int, most: int) -> bool:
    return type(value) is int and least <= value <= most


def unpack(codec: str, stored: bytes, size: int) -> bytes:
    """The ``size`` bytes of a block, and never more of a block that would yield more."""
    if codec == "stored":
        raw = stored
    else:
        need(codec in CODECS, f"unknown codec {codec!r}")
        stream = zlib.decompressobj() if codec == "zlib" else zstd.ZstdDecompressor()
        try:
            raw = stream.decompress(stored, size + 1)
        except (zlib.error, zstd.ZstdError) as error:
            raise Refused(f"a block is damaged: {error}") from error
        need(stream.eof and not stream.unused_data, "a block is cut short, too long, or more follows")
    need(len(raw) == size, "a block has another size than is said")
    return raw


def index(data: bytes) -> dict[str, Any]:
    """The index of a whole snapshot file."""
    need(len(data) >= 8 + FOOTER.size, "cut short")
    need(data[:7] == b"HYBSNAP", "no snapshot")
    need(data[7] == 1, "of another version")
    start, stored, raw, name, magic = FOOTER.unpack(data[-FOOTER.size :])
    end = len(data) - FOOTER.size
    need(magic == data[:8] and start >= 8 and start + stored == end, "the footer does not fit the file")
    need(raw <= 64 * MIB, "the index is too large")
    codec = next((each for each in CODECS if each.encode()[:4] == name), "")
    try:
        found = json.loads(unpack(codec, data[start:end], raw).decode())
    except (ValueError, RecursionError) as error:
        raise Refused(f"the index is no JSON: {error}") from error
    need(isinstance(found, dict), "the index is no object")
    return found
