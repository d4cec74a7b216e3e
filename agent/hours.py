"""Whether judges may be asked just now, by ``[grade] when``: the time of day and the mains are asked anew each time, so that
a clock that is set, a change to summer time and a night slept through do no harm."""

import time
from collections.abc import Callable

from sync.clock import Clock

from .power import on_mains
from .when import When

MAINS_S = 5.0
"""What was said of the mains holds for so long: asking starts a process on some systems."""
LOOK_S = 60.0
"""Who waits asks again so often: the clock may be set meanwhile, and a machine that sleeps counts no seconds."""


class Hours:
    """For one thread."""

    def __init__(self, when: When, clock: Clock, mains: Callable[[], bool | None] = on_mains) -> None:
        self._when = when
        self._clock = clock
        self._ask_mains = mains
        self._mains: bool | None = None
        self._mains_until = float("-inf")

    @property
    def always(self) -> bool:
        return not self._when.on_mains and not self._when.spans

    def wait_s(self, most: float = LOOK_S) -> float:
        """Seconds until it is worth asking again, at most ``most``; 0 where judges may be asked now."""
        return 0.0 if self.always else min(most, self._when.wait_s(*self._now()))

    def why_not(self) -> str:
        """A clause for people; empty where judges may be asked now."""
        return "" if self.always else self._when.why_not(*self._now())

    def _now(self) -> tuple[float, bool | None]:
        local = time.localtime(self._clock.wall())
        return 60 * local.tm_hour + local.tm_min + local.tm_sec / 60, self._on_mains()

    def _on_mains(self) -> bool | None:
        now = self._clock.monotonic()
        if self._when.on_mains and now >= self._mains_until:
            self._mains, self._mains_until = self._ask_mains(), now + MAINS_S
        return self._mains
