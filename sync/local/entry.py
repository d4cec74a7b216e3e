"""What a scan notes about one path, and when that proves a file unchanged.

Named tuples rather than dataclasses: a scan makes one or two per file, and they cost a third.
"""

import os
import stat
from typing import Final, Literal, NamedTuple

FILE: Final = "file"
FOLDER: Final = "dir"
LINK: Final = "link"
Kind = Literal["file", "dir", "link"]

# SQLite's integers are signed; an inode or the time stamp of a far year may not fit. Only equality matters.
_MASK = (1 << 63) - 1
_WINDOWS = os.name == "nt"


class Signature(NamedTuple):
    """Times are in nanoseconds. ``executable`` is always false on Windows, which has no such bit."""

    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int
    executable: bool


NO_SIGNATURE: Final = Signature(0, 0, 0, 0, False)


class Entry(NamedTuple):
    """``path`` is relative to the root, with ``/``, never empty. ``kind`` is ``file``, ``dir`` (only where the
    directory is empty) or ``link``, whose ``target`` is as it stands on disk, with ``/`` also on Windows."""

    path: bytes
    kind: Kind
    signature: Signature
    target: bytes = b""


def signature(status: os.stat_result) -> Signature:
    """The same for ``DirEntry.stat`` and ``fstat``: on Windows only the latter knows the inode, so none has it."""
    mtime_ns, ctime_ns = status.st_mtime_ns & _MASK, status.st_ctime_ns & _MASK
    return Signature(
        status.st_size,
        mtime_ns,
        mtime_ns
        if mtime_ns == ctime_ns
        else ctime_ns,  # one number, not two, for most of a hundred thousand files
        0 if _WINDOWS else status.st_ino & _MASK,
        not _WINDOWS and bool(status.st_mode & stat.S_IXUSR),
    )
