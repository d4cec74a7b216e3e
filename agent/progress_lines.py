"""Progress where nobody looks at a terminal (nohup, CI, a pipe, ``--json``): a line a minute, so that a log tells that work goes on.

What is over within a minute says nothing. Lines are printed from ``advance``, without a thread: while nothing at all
is done, there is nothing to tell. How fast it goes is told by the last minutes in which something was done: an outage
in between says nothing of what is to come.
"""

from collections import deque
from collections.abc import Callable

from sync.clock import Clock

from .sizes import duration, size

EVERY_S = 60.0
_LATELY_S = 300.0
_APART_S = 1.0
_PAUSE = 10
"""How many times longer than lately it must take until something is done again to count as a pause."""


class Lines:
    """A ``sync.progress.Progress`` that gives its lines to ``write``."""

    def __init__(self, write: Callable[[str], None], clock: Clock) -> None:
        self._write = write
        self._clock = clock
        self.start("")

    def start(self, label: str, total: int | None = None, unit: str = "B") -> None:
        self._label, self._total, self._unit = label, total, unit
        self._began = self._told = self._clock.monotonic()
        self._done = 0
        self._lately: deque[tuple[float, int]] = deque()
        """When how much was done. What came first is where it begins: what was done in an earlier run comes at once."""

    def advance(self, amount: int) -> None:
        self._done += amount
        now = self._clock.monotonic()
        self._remember(now)
        if now - self._told >= EVERY_S:
            self._told = now
            self._write(line(self._label, self._done, self._total, self._unit, self._per_s(now)))

    def finish(self) -> None:
        if self._told > self._began:
            took = duration(self._clock.monotonic() - self._began)
            self._write(f"{self._label}: {_amount(self._done, self._unit)} in {took}")
            self._told = self._began

    def _remember(self, now: float) -> None:
        found = self._lately
        if found and now - found[-1][0] < _APART_S:
            return
        if len(found) > 1:
            usual_s = (found[-1][0] - found[0][0]) / (len(found) - 1)
            if now - found[-1][0] > max(EVERY_S, _PAUSE * usual_s):
                found.clear()
        found.append((now, self._done))
        while len(found) > 2 and found[1][0] <= now - _LATELY_S:
            found.popleft()

    def _per_s(self, now: float) -> float:
        began, before = self._lately[0]
        return (self._done - before) / (now - began) if now > began else 0.0


def line(label: str, done: int, total: int | None, unit: str, per_s: float) -> str:
    """``judge m: 120 of 4,000 prompts, 2.0 prompts/s, 32 min left``; what is not known is left out. Pure."""
    if total is None:
        parts = [f"{label}: {_amount(done, unit)}"]
    elif unit == "B":
        parts = [f"{label}: {size(done)} of {size(total)}"]
    else:
        parts = [f"{label}: {done:,} of {_amount(total, unit)}"]
    if per_s > 0:
        parts.append(_rate(per_s, unit))
        if total is not None and total >= done:
            parts.append(f"{duration((total - done) / per_s)} left")
    return ", ".join(parts)


def _amount(count: int, unit: str) -> str:
    return size(count) if unit == "B" else f"{count:,} {unit}".rstrip()


def _rate(per_s: float, unit: str) -> str:
    if unit == "B":
        return f"{size(per_s)}/s"
    return f"{per_s:,.1f} {unit}/s" if per_s >= 1 else f"{60 * per_s:,.1f} {unit}/min"
