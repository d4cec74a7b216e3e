"""When a published file is certain to be as it was, from ``stat`` alone."""

from typing import Final, NamedTuple

from .entry import Signature

# FAT keeps times in steps of two seconds; nothing in use is coarser.
GRANULARITY_NS: Final = 2_000_000_000


class Noted(NamedTuple):
    """What tells whether a file changed. ``scanned_ns`` is the wall clock before the scan that gave the signature."""

    signature: Signature
    scanned_ns: int


Row = tuple[bytes, int, int, int, int, int, int]
"""A published file's path, its signature, and ``Noted.scanned_ns``, as they come from the database."""


def noted_in(row: Row) -> Noted:
    _, size, mtime_ns, ctime_ns, inode, executable, scanned_ns = row
    return Noted(Signature(size, mtime_ns, ctime_ns, inode, bool(executable)), scanned_ns)


def is_as_published(row: Row, signature: Signature) -> bool:
    """Whether the file is certain to have the content that was published. Makes no objects: nearly every row is asked."""
    return row[1:6] == signature and settled(row[2], row[3], row[6])


def settled(mtime_ns: int, ctime_ns: int, scanned_ns: int) -> bool:
    """Whether any change after the scan would show in the signature.

    The ctime cannot be set, so one from the future is a server's clock running ahead: wait for ours to pass it.
    An mtime can be, and one far from now says nothing.
    """
    return ctime_ns < scanned_ns - GRANULARITY_NS and abs(mtime_ns - scanned_ns) > GRANULARITY_NS
