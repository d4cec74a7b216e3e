"""Rows of the index with a sum beside them: a disk that turns one bit must not have it published.

Only what a snapshot is made of has one. What comes from the database raises Damage where its sum does not match.
"""

import zlib
from typing import Any

from ..store.lines import Content
from ..store.nouns import Location
from .database import Damage


def sum_of_content(path: bytes, content: Content) -> int:
    size, chunks, placed, objects = content
    return zlib.crc32(f"{size}{chunks}{placed}{objects}".encode(), zlib.crc32(path))


def sum_of_location(sha256: bytes, at: Location) -> int:
    name, start, stored, raw, codec, offset, length = at
    return zlib.crc32(f"{name} {start} {stored} {raw} {codec} {offset} {length}".encode(), zlib.crc32(sha256))


def sum_of_other(path: bytes, target: bytes) -> int:
    return zlib.crc32(target, zlib.crc32(path))


def content(row: tuple[Any, ...]) -> tuple[bytes, Content]:
    """Path and content of a row (path, the content's fields, sum)."""
    path, *values, expected = row
    found = Content._make(values)
    if sum_of_content(path, found) != expected:
        raise Damage
    return path, found


def stored(row: tuple[Any, ...]) -> tuple[bytes, bool, Content]:
    """Path, whether it can be executed, and content of a row (path, executable, the content's fields, sum)."""
    path, executable, *rest = row
    return path, bool(executable), content((path, *rest))[1]


def location(row: tuple[Any, ...]) -> tuple[bytes, Location]:
    """SHA-256 and location of a row (SHA-256, the location's fields, sum)."""
    sha256, *values, expected = row
    at = Location._make(values)
    if sum_of_location(sha256, at) != expected:
        raise Damage
    return sha256, at


def other(row: tuple[Any, ...]) -> tuple[bytes, bytes]:
    """Path and target of a row (path, target, sum)."""
    path, target, expected = row
    if sum_of_other(path, target) != expected:
        raise Damage
    return path, target
