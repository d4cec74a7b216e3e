"""A side of the agent: a loop that does what is due, waits, and notices when time has jumped meanwhile."""

import logging
from collections.abc import Callable
from typing import Protocol

from sync.clock import Clock

from .bell import Bell
from .ground import Ground
from .schedule import Moment, backoff_s, jumped

_log = logging.getLogger(__name__)


class Side(Protocol):
    name: str

    def turn(self) -> float | None:
        """Does what is due. Returns the seconds after which it is to be called again; None: when the bell rings."""

    def doubt(self, why: str) -> None:
        """What was known may be out of date: all of it is looked at anew at the next turn."""

    def close(self) -> None:
        """Lets go of everything; the next turn opens it anew. Idempotent."""


def keep_going(
    side: Side,
    ground: Ground,
    bell: Bell,
    stopping: Callable[[], bool],
    *,
    longest_s: float | None = None,
    on_jump: Callable[[str], None] = lambda why: None,
) -> None:
    """Returns once ``stopping`` has become true.

    ``longest_s``: no wait is longer, so that a machine that slept is noticed soon after. ``on_jump`` is told why.
    """
    bugs = 0
    try:
        while not stopping():
            try:
                wait_s = side.turn()
                bugs = 0
            except Exception as error:
                # A bug, told with its trace; the other side, and what else this one does, must not end with it.
                bugs += 1
                _log.exception("A bug in hybrid, while %s", side.name)
                side.close()
                side.doubt("a bug was met")
                what = f"{type(error).__name__}: {error}"
                how = "This is a bug in hybrid; please report it with what hybrid agent logs shows."
                ground.trouble(side.name, what, how)
                wait_s = backoff_s(bugs, ground.dice)
            if stopping():
                return
            if longest_s is not None:
                wait_s = longest_s if wait_s is None else min(wait_s, longest_s)
            why = _wait(ground.clock, bell, wait_s)
            if why:
                _log.info("%s: all is looked at anew", why)
                side.doubt(why)
                on_jump(why)
    finally:
        side.close()


def _wait(clock: Clock, bell: Bell, wait_s: float | None) -> str:
    """Returns why time has jumped meanwhile, as a clause; empty where it has not."""
    before = Moment.now(clock)
    bell.wait(wait_s)
    return jumped(before, Moment.now(clock), wait_s)
