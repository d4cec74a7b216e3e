"""Time, passed in: the only file that reads a clock or sleeps.

Durations are measured on ``monotonic``; ``wall`` is for names and for people, never compared with another
machine's. ``ManualClock`` lets a test live through hours in microseconds.
"""

import time
from typing import Protocol


class Clock(Protocol):
    def wall(self) -> float:
        """Seconds since the epoch, as this machine believes. May jump either way."""

    def monotonic(self) -> float:
        """Seconds since some fixed moment. Never goes back."""

    def sleep(self, seconds: float) -> None:
        """Returns once ``monotonic`` has advanced by at least ``seconds``."""


class SystemClock:
    def wall(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


class ManualClock:
    """A clock that moves only when it is told to, or slept on."""

    def __init__(self, wall: float = 1_700_000_000.0) -> None:
        self._wall = wall
        self._monotonic = 0.0

    def wall(self) -> float:
        return self._wall

    def monotonic(self) -> float:
        return self._monotonic

    def sleep(self, seconds: float) -> None:
        self.advance(max(0.0, seconds))

    def advance(self, seconds: float) -> None:
        self._monotonic += seconds
        self._wall += seconds

    def jump_wall(self, seconds: float) -> None:
        """The wall clock is set, as by NTP or a wake from sleep; monotonic time does not notice."""
        self._wall += seconds
