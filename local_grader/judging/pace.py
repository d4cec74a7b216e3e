"""How many requests are sent at once: as many as the server works on, and a few that wait there. Pure.

A server does not say how many slots it has. But with n requests under way all the time, of which s are worked on, one
takes n / s times as long as the work on it (Little's law); so the time that the server says it worked, over the time that
we waited, tells s. Requests in excess of the slots only wait, and waiting ones time out; too few leave slots idle.
"""

import math
from collections import deque

MOST = 64
_WINDOW = 8
_IDLE = 0.7
"""Above this share of working in waiting, there may be more slots than requests."""


class Pace:
    """``limit`` is how many may be under way now. ``slots`` fixes the number of slots where somebody knows it."""

    def __init__(self, slots: int | None = None) -> None:
        self._is_fixed = slots is not None
        self.limit = _with_waiting(slots) if slots is not None else 1
        self._most = self.limit if self._is_fixed else MOST
        self._echoes = 0
        self._careful = 0
        self._window: deque[tuple[float, float]] = deque()
        self._alone_s: float | None = None

    def seen(self, wall_s: float, served_s: float | None) -> None:
        """A request took ``wall_s`` seconds, of which the server worked ``served_s``; None where it did not say."""
        if self._is_fixed:
            self._careful -= 1
            if not self._careful:
                self.limit = self._most
            return
        if served_s is None:
            # What one took that was alone stands for the work on each.
            if self.limit == 1:
                self._alone_s = wall_s if self._alone_s is None else min(self._alone_s, wall_s)
            served_s = self._alone_s if self._alone_s is not None else wall_s
        self._window.append((wall_s, served_s))
        needed = 1 if self.limit == 1 else max(_WINDOW, 2 * self.limit)
        if len(self._window) >= needed:
            self._adjust()

    def busy(self) -> None:
        """The server has refused one for having too many. Those sent beside it tell the same, and are not counted again."""
        if self._echoes:
            self._echoes -= 1
            return
        self._echoes = self.limit - 1
        self.limit = max(1, self.limit // 2)
        self._most = max(1, min(self._most, self.limit))
        self._window.clear()

    def alone(self) -> None:
        """The server has died: what was under way goes one by one, so that a prompt that kills it is found."""
        self.limit, self._careful = 1, 2 * self._most
        self._window.clear()

    def _adjust(self) -> None:
        # The oldest were sent under the limit before.
        recent = list(self._window)[len(self._window) // 2 :]
        wall, served = (sum(each) for each in zip(*recent, strict=True))
        self._window.clear()
        share = min(1.0, served / wall) if wall > 0 else 1.0
        if share > _IDLE:
            wanted = self.limit + max(1, self.limit // 2)
        else:
            wanted = _with_waiting(max(1, round(self.limit * share)))
        self.limit = min(wanted, self._most)


def _with_waiting(slots: int) -> int:
    return min(MOST, slots + max(1, math.ceil(slots / 2)))
