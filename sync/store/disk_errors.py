"""What an error of this machine's disk means: it is full, it can never hold such a thing, or it may take it later."""

import errno
import os

from sync.errors import HybridError, LocalDiskFull

from .nouns import LINK

FULL = (errno.ENOSPC, errno.EDQUOT)
_NEVER = (errno.ENAMETOOLONG, errno.EILSEQ, errno.EINVAL, errno.EFBIG, errno.EEXIST)
"""A name that is too long, of characters that it does not know, or another's; a file that is too large."""
_NO_LINKS = (errno.EPERM, errno.ENOSYS, errno.EOPNOTSUPP)


def may_pass(error: OSError, kind: str) -> bool:
    """Whether making an entry of that kind may succeed another time."""
    if kind == LINK and error.errno in _NO_LINKS:
        return False
    # Windows says "not found" of a path that is too long; its parents were made just before.
    return error.errno not in _NEVER and not (os.name == "nt" and error.errno == errno.ENOENT)


def in_words(error: OSError, where: bytes) -> HybridError:
    """The error as people are told it. ``where`` is the folder in which it happened."""
    if error.errno in FULL:
        return LocalDiskFull(
            f"The disk that holds {os.fsdecode(where)} is full.",
            "Free some space and do it again: what is there is kept.",
        )
    path = error.filename if isinstance(error.filename, str | bytes) else where
    return HybridError(
        f"{os.fsdecode(path)}: {error.strerror}.",
        "Check that disk, and what may be done with that path, and do it again: what is there is kept.",
    )
