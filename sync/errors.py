"""Everything that can go wrong and is nobody's bug: one sentence what and where, one what to do.

``agent.exits`` maps these classes to exit codes; any other exception is a bug and keeps its trace.
"""

import os
from dataclasses import dataclass


class HybridError(Exception):
    """``str(error)`` is one sentence saying what failed and where; ``hint`` is one saying what to do."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class UsageError(HybridError):
    """The command line or ``hybrid.toml`` asks for something that cannot be."""


class ConfirmationNeeded(HybridError):
    """Going on would lose something; the hint names the flag that says it is meant."""


class Locked(HybridError):
    """Another process of ours holds the lock."""


class LocalDiskFull(HybridError):
    """No room on this machine's disk."""


class CorruptMailbox(HybridError):
    """Something in the mailbox does not match its own hash or breaks its format. Nothing was written."""


class NewerMailbox(HybridError):
    """The mailbox, or a file in it, was written by a newer version."""


class RemoteError(HybridError):
    """A remote call failed. Raised only as one of the kinds below; remotes classify and never retry."""


class Transient(RemoteError):
    """The same call may succeed if made again: the connection broke, the server was busy."""

    def __init__(self, message: str, hint: str = "", retry_after: float | None = None) -> None:
        super().__init__(message, hint)
        self.retry_after = retry_after


class Unreachable(RemoteError):
    """There is no such host, or nothing answers there. Not retried within a command."""


class Unauthorised(RemoteError):
    """Credentials or a host key were refused."""


class NotFound(RemoteError):
    """No such file in the mailbox, or not visible yet."""


class QuotaExceeded(RemoteError):
    """The remote's storage is full, or it denies writing."""


@dataclass(frozen=True)
class Problem:
    """A path that could not be handled: part of a result, not an exception.

    ``path`` is raw bytes as in a snapshot entry; ``what`` is a short clause such as ``cannot be read``.
    """

    path: bytes
    what: str

    def __str__(self) -> str:
        """A clause that begins with the path."""
        return f"{os.fsdecode(self.path)} {self.what}"
