"""Waiting for a moment or for somebody's word, whichever is first. With ``Clock``, the only way in which the agent waits."""

import threading
from typing import Protocol


class Bell(Protocol):
    def ring(self) -> None:
        """Ends the wait that is under way, or the next one. From any thread, but not from a signal handler: it takes a lock."""

    def wait(self, seconds: float | None) -> None:
        """Returns after so many seconds, None for never, or as soon as it was rung since the last wait ended."""


class SystemBell:
    def __init__(self) -> None:
        self._rung = threading.Event()

    def ring(self) -> None:
        self._rung.set()

    def wait(self, seconds: float | None) -> None:
        self._rung.wait(None if seconds is None else max(0.0, seconds))
        self._rung.clear()
