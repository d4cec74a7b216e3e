"""Reads one file for publishing so that what comes out was the file's content at one moment, or nothing does.

``fstat`` before and after: a write in between changes size, mtime or ctime. The name may by now be something
else than what was scanned, so opening it must neither follow a link nor wait for a pipe's writer.
"""

import errno
import io
import os
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from ..errors import HybridError
from .entry import Signature, signature

BUFFER: Final = 4 * 1024 * 1024

OPEN_FLAGS = (
    os.O_RDONLY
    | getattr(os, "O_BINARY", 0)
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_NOCTTY", 0)
)
# What ``open`` says of a link under O_NOFOLLOW (ELOOP; EMLINK and EFTYPE on BSDs) and of a socket (ENXIO, EOPNOTSUPP).
_OTHER_TYPE = {errno.ELOOP, errno.EMLINK, getattr(errno, "EFTYPE", -1), errno.ENXIO, errno.EOPNOTSUPP}


class FileChanged(HybridError):
    """The file changed, went away, or became something else: read it again, or leave it for the next push."""


class FileUnreadable(HybridError):
    """The file is there but cannot be read: a problem of that one path. ``what`` is the clause for it."""

    def __init__(self, path: bytes, what: str) -> None:
        super().__init__(f"{path.decode('utf-8', 'replace')} {what}.", "Check its permissions.")
        self.what = what


class StableFile:
    """An open file. ``signature`` is that of the content which was read, if that was all and ``check`` passes.

    ``read`` and ``read_into`` may be called from several threads. They raise FileChanged where the file ends before
    what was asked for, and FileUnreadable; what was read until then must not be used.
    """

    def __init__(self, path: bytes, descriptor: int) -> None:
        self._path = path
        self._descriptor = descriptor
        self.signature = self._look()
        self._file = io.FileIO(descriptor, closefd=False)
        # Not every system can read at a place without moving the one position that all threads share.
        self._position = threading.Lock()

    def blocks(self, size: int = BUFFER, *, start: int = 0) -> Iterator[bytes]:
        """The content from ``start`` on in pieces of ``size`` bytes, the last one shorter; none for an empty file.

        Raises FileChanged, in place of ending, where the content may be torn; what was given until then must
        not be used. Never reads on beyond the size that the file had, so one that grows without end is noticed.
        """
        for at in range(start, self.signature.size, size):
            yield self.read(at, min(size, self.signature.size - at))
        self.check()

    def read(self, at: int, size: int) -> bytes:
        """``size`` bytes from ``at`` on."""
        pieces = []
        try:
            with self._position:
                self._file.seek(at)
                while size and (piece := self._file.read(size)):
                    pieces.append(piece)
                    size -= len(piece)
        except OSError as error:
            raise self._unreadable(error) from error
        if size:
            raise _changed(self._path)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def read_into(self, at: int, buffer: memoryview) -> None:
        """Fills the buffer with what is there from ``at`` on."""
        done = 0
        try:
            with self._position:
                self._file.seek(at)
                while done < len(buffer) and (more := self._file.readinto(buffer[done:])):
                    done += more
        except OSError as error:
            raise self._unreadable(error) from error
        if done < len(buffer):
            raise _changed(self._path)

    def check(self) -> None:
        """Raises FileChanged where the file is no more as it was when it was opened."""
        if self._look() != self.signature:
            raise _changed(self._path)

    def _unreadable(self, error: OSError) -> FileUnreadable:
        return FileUnreadable(self._path, f"cannot be read: {error.strerror}")

    def _look(self) -> Signature:
        status = os.fstat(self._descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise _changed(self._path)
        return signature(status)


@contextmanager
def open_stable(root: Path, path: bytes) -> Iterator[StableFile]:
    """Opens a file that a scan of ``root`` found. Raises FileChanged or FileUnreadable.

    It may have changed since the scan; what counts, also for the index, is its ``signature`` now.
    """
    full = os.fsencode(root) + b"/" + path
    try:
        if not OPEN_FLAGS & getattr(os, "O_NOFOLLOW", 0) and os.path.islink(full):
            raise _changed(path)
        descriptor = os.open(full, OPEN_FLAGS)
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
        raise _changed(path) from error
    except OSError as error:
        if error.errno in _OTHER_TYPE:
            raise _changed(path) from error
        raise FileUnreadable(path, f"cannot be read: {error.strerror}") from error
    try:
        yield StableFile(path, descriptor)
    finally:
        os.close(descriptor)


def _changed(path: bytes) -> FileChanged:
    name = path.decode("utf-8", "replace")
    return FileChanged(f"{name} changed while it was read.", "It goes with the next push.")
