"""Riding out a mailbox that cannot be reached: a child goes on computing while the network is away."""

from collections.abc import Callable, Generator
from typing import TypeVar

from sync.clock import Clock
from sync.errors import QuotaExceeded, RemoteError, Transient, Unreachable

T = TypeVar("T")

OUTAGES = (Transient, Unreachable, QuotaExceeded)
"""What may pass by itself, or by somebody's making room."""
LONGEST_S = 3600.0
LONGEST_LEAVING_S = 150.0
"""How long a worker that has to go stays for what it still has to tell: its attempts' ends, then its own."""


class Outage:
    """One thing that keeps failing. ``endure`` raises the error once that has gone on for too long.

    Each thing has its own: ticks that get through must not hide that a large pack never does.
    """

    def __init__(self, clock: Clock, say: Callable[[str], None], longest_s: float = LONGEST_S) -> None:
        self._clock = clock
        self._say = say
        self._longest_s = longest_s
        self._since: float | None = None

    def endure(self, error: RemoteError) -> None:
        now = self._clock.monotonic()
        if self._since is None:
            self._since = now
            self._say(f"the mailbox cannot be used: {error}")
        elif now - self._since >= self._longest_s:
            raise error

    def over(self) -> None:
        self._since = None


def through(
    make: Callable[[], Generator[float, None, T]], outage: Outage, pause_s: float
) -> Generator[float, None, T]:
    """Runs the steps that ``make`` gives; begins them anew after an outage. They must bear being repeated."""
    while True:
        try:
            result = yield from make()
        except OUTAGES as error:
            outage.endure(error)
        else:
            outage.over()
            return result
        yield pause_s
