"""What the exit code of a command says, and which error leads to which.

The numbers are a contract with scripts: they are listed in ``docs/cli.md``, and a number that a script does not
know means failure.
"""

from enum import IntEnum

from sync.errors import (
    ConfirmationNeeded,
    CorruptMailbox,
    HybridError,
    LocalDiskFull,
    Locked,
    NewerMailbox,
    NotFound,
    RemoteError,
    Unauthorised,
    UsageError,
)


class Exit(IntEnum):
    DONE = 0
    FAILED = 1
    USAGE = 2
    PARTIAL = 3
    UNREACHABLE = 10
    LOCKED = 11
    CREDENTIALS = 12
    WAITING = 13
    BUDGET = 14
    CONFIRMATION = 15
    MAILBOX = 16
    DISK_FULL = 17
    BUG = 70
    INTERRUPTED = 130


MEANINGS = {
    Exit.DONE: "done",
    Exit.FAILED: "failed",
    Exit.USAGE: "the command line or `hybrid.toml` asks for something that cannot be",
    Exit.PARTIAL: "done in part: some paths could not be handled, and are listed",
    Exit.UNREACHABLE: "the mailbox cannot be reached, or takes no more files",
    Exit.LOCKED: "another hybrid process is at work on this project",
    Exit.CREDENTIALS: "credentials or a host key were refused",
    Exit.WAITING: "waiting for a runner that nothing will start",
    Exit.BUDGET: "over budget",
    Exit.CONFIRMATION: "confirmation needed",
    Exit.MAILBOX: "the mailbox is corrupt, or was written by a newer version",
    Exit.DISK_FULL: "no room on this machine's disk",
    Exit.BUG: "a bug in hybrid",
    Exit.INTERRUPTED: "interrupted",
}

# The nearest class among an error's ancestors decides.
BY_ERROR: dict[type[BaseException], Exit] = {
    UsageError: Exit.USAGE,
    RemoteError: Exit.UNREACHABLE,
    NotFound: Exit.FAILED,
    Unauthorised: Exit.CREDENTIALS,
    Locked: Exit.LOCKED,
    ConfirmationNeeded: Exit.CONFIRMATION,
    CorruptMailbox: Exit.MAILBOX,
    NewerMailbox: Exit.MAILBOX,
    LocalDiskFull: Exit.DISK_FULL,
    HybridError: Exit.FAILED,
    KeyboardInterrupt: Exit.INTERRUPTED,
}


def exit_for(error: BaseException) -> Exit:
    """The exit code that ``error`` ends a command with; ``BUG`` for whatever nobody expected."""
    return next((BY_ERROR[kind] for kind in type(error).__mro__ if kind in BY_ERROR), Exit.BUG)
