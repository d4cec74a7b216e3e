"""A lock among the processes of one machine. The system lets go of it when its holder dies."""

import contextlib
import errno
import sys
from collections.abc import Iterator
from pathlib import Path

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

_NO_LOCKS = (errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOLCK)
"""What some network disks answer."""


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Holds the lock on the file ``path``, which it makes; waits for it. Without one where the disk knows no locks."""
    with open(path, "ab") as file:
        try:
            if sys.platform == "win32":
                msvcrt.locking(file.fileno(), msvcrt.LK_LOCK, 1)
            else:
                fcntl.flock(file, fcntl.LOCK_EX)
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise
        yield
