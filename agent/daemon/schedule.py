"""When something is tried or looked at again, and whether time itself has jumped. Pure."""

import random
from dataclasses import dataclass

from sync.clock import Clock

FIRST_S = 5.0
LONGEST_S = 300.0
"""Seconds before the second try, and at most before any other."""
MOST_ASKED_S = 86_400.0
"""What a remote asks for is believed up to a day: a daily limit is over by then."""
LEAST_ASKED_S = 1.0
RESCAN_S = 600.0
POLL_S = 5.0
POLL_SHARE = 50
"""Where nothing tells of changes, looking for them takes a fiftieth of the time."""
JUMP_S = 5.0
LATE_S = 30.0
SLEW = 0.001
"""The part of its time by which a clock that is being set right may run apart from the other one."""


def backoff_s(tries: int, dice: random.Random, asked_s: float | None = None) -> float:
    """Seconds to wait after ``tries`` failures in a row: 5 s, doubled each time, 5 min at most, less up to a quarter.

    Where the remote has asked for ``asked_s``, that counts instead, and up to a tenth more.
    """
    if asked_s is not None:
        return min(max(asked_s, LEAST_ASKED_S), MOST_ASKED_S) * dice.uniform(1.0, 1.1)
    doubled = FIRST_S * 2.0 ** min(max(tries - 1, 0), 10)
    return min(doubled, LONGEST_S) * dice.uniform(0.75, 1.0)


def rescan_s(*, polls: bool, took_s: float, dice: random.Random) -> float:
    """Seconds until the whole tree is looked at again; the last look took ``took_s``. ``polls``: nothing tells of changes."""
    return max(POLL_S, POLL_SHARE * took_s) if polls else RESCAN_S * dice.uniform(0.75, 1.25)


@dataclass(frozen=True, kw_only=True)
class Moment:
    """What both clocks of this machine said at once, in seconds."""

    wall: float
    monotonic: float

    @classmethod
    def now(cls, clock: Clock) -> "Moment":
        return cls(wall=clock.wall(), monotonic=clock.monotonic())


def jumped(before: Moment, after: Moment, asked_s: float | None) -> str:
    """Why all that was known may be out of date, as a clause; nothing where a wait of ``asked_s`` was just a wait.

    The two clocks are both this machine's. On most systems one of them stands still while the machine sleeps; where
    both go on, the wait ends late. ``asked_s`` is None for a wait without end. Setting a clock right by small steps, or
    by running it a little faster, is no jump.
    """
    passed = after.monotonic - before.monotonic
    apart = (after.wall - before.wall) - passed
    allowed = max(JUMP_S, SLEW * passed)
    if apart > allowed:
        return "this machine has slept, or its clock was set forward"
    if apart < -allowed:
        return "this machine's clock was set back"
    if asked_s is not None and passed - asked_s > LATE_S:
        return "this machine has slept, or was too busy to go on"
    return ""
