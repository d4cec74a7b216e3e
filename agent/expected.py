"""What a machine may do to any access to a local file is nobody's bug, wherever it happens."""

import contextlib
import errno
from collections.abc import Iterator

from sync.errors import HybridError, LocalDiskFull

_SQLITE_FULL = 13


def expected(error: BaseException) -> BaseException:
    """The HybridError that says what happened to this machine, where that is what ``error`` is; ``error`` itself otherwise."""
    full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
    if full or getattr(error, "sqlite_errorcode", None) == _SQLITE_FULL:
        where = f" at {error.filename}" if isinstance(error, OSError) and error.filename else ""
        return _with_cause(
            LocalDiskFull(
                f"There is no room left on this machine's disk{where}.", "Free some space and do it again."
            ),
            error,
        )
    if (
        isinstance(error, OSError)
        and error.errno in (errno.EACCES, errno.EPERM, errno.EROFS)
        and error.filename
    ):
        return _with_cause(
            HybridError(
                f"{error.filename}: {error.strerror}.",
                "Check who owns that path and what may be done with it.",
            ),
            error,
        )
    return error


@contextlib.contextmanager
def as_expected() -> Iterator[None]:
    """What is raised inside comes out as ``expected`` gives it."""
    try:
        yield
    except Exception as error:
        found = expected(error)
        if found is error:
            raise
        raise found from error


def _with_cause(error: HybridError, cause: BaseException) -> HybridError:
    error.__cause__ = cause
    return error
