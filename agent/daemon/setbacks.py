"""What an error means to the agent: a state with a next step, and how soon it is worth trying again. Pure."""

import random
from dataclasses import dataclass

from sync.errors import (
    ConfirmationNeeded,
    CorruptMailbox,
    HybridError,
    LocalDiskFull,
    Locked,
    NewerMailbox,
    QuotaExceeded,
    RemoteError,
    Unauthorised,
    UsageError,
)

from .schedule import backoff_s
from .tell.status import AWAY, HELD, OFFLINE, Need

SOON_S = 1.0
LATER_S = 60.0


@dataclass(frozen=True, kw_only=True)
class Setback:
    """state    of the agent until it is overcome
    why      a clause for what waits
    need     what only a person can do about it; None where it may pass by itself
    least_s  seconds before which trying again makes no sense
    steady   trying again takes ``least_s`` each time; otherwise longer and longer
    """

    state: str
    why: str
    need: Need | None = None
    least_s: float = 0.0
    steady: bool = False


def setback(error: HybridError) -> Setback:
    if isinstance(error, Locked):
        return Setback(
            state=HELD, why="another hybrid command is at work on the project", least_s=SOON_S, steady=True
        )
    if isinstance(error, ConfirmationNeeded):
        return Setback(
            state=HELD, why=_clause(error), need=_need("deletions", error), least_s=LATER_S, steady=True
        )
    if isinstance(error, LocalDiskFull):
        return Setback(state=HELD, why="this machine's disk is full", need=_need("disk", error))
    if isinstance(error, Unauthorised):
        return Setback(
            state=OFFLINE, why="the login was refused", need=_need("login", error), least_s=LATER_S
        )
    if isinstance(error, QuotaExceeded):
        return Setback(
            state=OFFLINE, why="the mailbox takes no more", need=_need("quota", error), least_s=LATER_S
        )
    if isinstance(error, RemoteError):
        return Setback(state=OFFLINE, why=_clause(error))
    if isinstance(error, CorruptMailbox | NewerMailbox):
        return Setback(state=HELD, why=_clause(error), need=_need("mailbox", error), least_s=LATER_S)
    if isinstance(error, UsageError):
        return Setback(
            state=HELD, why=_clause(error), need=_need("settings", error), least_s=LATER_S, steady=True
        )
    return Setback(state=AWAY, why=_clause(error), least_s=SOON_S)


def _need(key: str, error: HybridError) -> Need:
    return Need(key=key, what=str(error), how=error.hint)


def _clause(error: HybridError) -> str:
    return str(error).rstrip(".")


def retry_s(told: Setback, error: HybridError, tries: int, dice: random.Random) -> float:
    """Seconds until it is tried again, after so many tries in a row."""
    if told.steady:
        return told.least_s
    return max(told.least_s, backoff_s(tries, dice, getattr(error, "retry_after", None)))
