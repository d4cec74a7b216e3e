"""The agent's status, put together from what its sides say, and written down whenever it changes."""

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from sync.clock import Clock

from .status import AWAY, HELD, OFFLINE, STARTING, STOPPED, WATCHING, Need, Status

_WORST_FIRST = (STOPPED, AWAY, OFFLINE, HELD, STARTING, WATCHING)


class Board:
    """Threads may share it. ``write`` keeps a status where others can read it."""

    def __init__(
        self,
        first: Status,
        clock: Clock,
        write: Callable[[Status], None],
        on_needs: Callable[[], None] = lambda: None,
    ) -> None:
        """``on_needs`` is called when there is something new that only a person can do."""
        self._status = first
        self._clock = clock
        self._write = write
        self._on_needs = on_needs
        self._lock = threading.Lock()
        self._states: dict[str, str] = {}
        self._needs: dict[str, tuple[Need, ...]] = {}
        self._troubled = ""
        """The side that told of the last trouble."""
        self._put(first)

    @property
    def status(self) -> Status:
        with self._lock:
            return self._status

    def tell(
        self,
        side: str,
        *,
        state: str | None = None,
        needs: tuple[Need, ...] | None = None,
        **parts: Any,
    ) -> None:
        """``side`` says its state, what it needs, and parts of the status; what is not said stays. The worst state of all
        sides is the agent's."""
        with self._lock:
            if state is not None:
                self._states[side] = state
            if needs is not None:
                self._needs[side] = needs
            if parts.get("trouble") is not None:
                self._troubled = side
            worst = min(self._states.values(), key=_WORST_FIRST.index, default=self._status.state)
            all_needs = {need.key: need for each in self._needs.values() for need in each}
            told = replace(self._status, state=worst, needs=list(all_needs.values()), **parts)
            is_new = not {need.key for need in told.needs} <= {need.key for need in self._status.needs}
            if told != self._status:
                self._put(replace(told, written=self._clock.wall()))
        if is_new:
            self._on_needs()

    def is_over(self, side: str) -> None:
        """What was the trouble of that side, it has overcome."""
        if self._troubled == side and self.status.trouble is not None:
            self.tell(side, trouble=None)

    def _put(self, status: Status) -> None:
        self._status = status
        self._write(status)
