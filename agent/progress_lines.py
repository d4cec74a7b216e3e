"""Progress where nobody looks at a terminal (nohup, CI, a pipe, ``--json``): a line a minute, so that a log tells that work goes on.

What is over within a minute says nothing. Lines are printed from ``advance``, without a thread: while nothing at all
is done, there is nothing to tell.
"""

from collections.abc import Callable

from sync.clock import Clock

from .sizes import duration, size

EVERY_S = 60.0


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
        self._first: tuple[float, int] | None = None
        """What came first, and when: what was done in an earlier run comes at once, and is no measure of how fast it goes."""

    def advance(self, amount: int) -> None:
        self._done += amount
        now = self._clock.monotonic()
        if self._first is None:
            self._first = now, self._done
        if now - self._told >= EVERY_S:
            self._told = now
            self._write(line(self._label, self._done, self._total, self._unit, self._per_s(now)))

    def finish(self) -> None:
        if self._told > self._began:
            took = duration(self._clock.monotonic() - self._began)
            self._write(f"{self._label}: {_amount(self._done, self._unit)} in {took}")
            self._told = self._began

    def _per_s(self, now: float) -> float:
        began, before = self._first or (now, 0)
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
