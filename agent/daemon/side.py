"""A side of the agent: a loop that does what is due, waits, and notices when time has jumped meanwhile."""

import logging
from collections.abc import Callable
from typing import Protocol

from sync.clock import Clock

from .bell import Bell
from .ground import Ground
from .schedule import Moment, backoff_s, jumped

CALM_S = 900.0
"""Seconds without a bug after which one counts as the first again: one that stays is tried rarely, whatever goes well in
between."""
_LEAST_S = 0.001
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
    clock, bugs, calm_at = ground.clock, 0, 0.0
    try:
        while not stopping():
            must_wait = False
            try:
                wait_s = side.turn()
            except Exception as error:
                # A bug, told with its trace; the other side, and what else this one does, must not end with it.
                must_wait = True
                bugs = bugs + 1 if clock.monotonic() < calm_at else 1
                _log.exception("A bug in hybrid, while %s", side.name)
                _let_go(side)
                side.doubt("a bug was met")
                what = f"{type(error).__name__}: {error}"
                how = "This is a bug in hybrid; please report it with what hybrid agent logs shows."
                ground.trouble(side.name, what, how)
                wait_s = backoff_s(bugs, ground.dice)
                calm_at = clock.monotonic() + wait_s + CALM_S
            if stopping():
                return
            if longest_s is not None:
                wait_s = longest_s if wait_s is None else min(wait_s, longest_s)
            before = Moment.now(clock)
            bell.wait(wait_s)
            if must_wait:
                # The doubt itself rings, and so does each change: neither makes a bug go away.
                _wait_until(before.monotonic + (wait_s or 0.0), clock, bell, stopping)
            why = jumped(before, Moment.now(clock), wait_s)
            if why:
                _log.info("%s: all is looked at anew", why)
                side.doubt(why)
                on_jump(why)
    finally:
        side.close()


def _wait_until(then: float, clock: Clock, bell: Bell, stopping: Callable[[], bool]) -> None:
    """Whoever rings meanwhile, unless it is to end."""
    while not stopping() and (left_s := then - clock.monotonic()) >= _LEAST_S:
        bell.wait(left_s)


def _let_go(side: Side) -> None:
    """Its thread must not end by what cannot be closed."""
    try:
        side.close()
    except Exception:
        _log.exception("A bug in hybrid, while %s was closed", side.name)
