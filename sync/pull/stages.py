"""Shards of a pull, side by side in one thread.

    begun ──► laid ──► told ──► over

What is done for a shard is a generator, which stops at each of these stages: in one it waits for its content, in one
for the disk, in one for the other side. Meanwhile the next shard goes on.
"""

from collections import deque
from collections.abc import Callable, Generator, Iterator
from enum import Enum
from typing import NamedTuple

_IN_MEMORY = 16 * 1024 * 1024
"""Bytes of content that may be on their way for shards whose turn has not come."""
_ENTRIES = 20_000
"""Entries of such shards."""
_UNSETTLED = 64 * 1024 * 1024
"""Bytes, and shards, of which what is written is made durable in one go."""
_UNSETTLED_SHARDS = 64


class Stage(Enum):
    """BEGUN: its content is on its way. LAID: it is written, and is to be made durable before the next step. TOLD:
    what the other side is told is on its way."""

    BEGUN = "begun"
    LAID = "laid"
    TOLD = "told"


class Pause(NamedTuple):
    """Where a shard waits. ``size`` is what is fetched (BEGUN) or was written (LAID), in bytes; ``entries`` of BEGUN."""

    stage: Stage
    size: int = 0
    entries: int = 0


Steps = Generator[Pause, None, None]


def drive(shards: Iterator[Steps], settle: Callable[[], None]) -> None:
    """Takes every shard to its end. ``settle`` makes durable what was written; it is called between LAID and what
    follows, for many shards at a time."""
    _Driver(settle).drive(shards)


class _Driver:
    def __init__(self, settle: Callable[[], None]) -> None:
        self._settle = settle
        self._begun: deque[tuple[Pause, Steps]] = deque()
        self._laid: list[tuple[Pause, Steps]] = []
        self._told: list[Steps] = []

    def drive(self, shards: Iterator[Steps]) -> None:
        for steps in shards:
            self._go_on(steps)
            while self._much_begun():
                self._go_on(self._begun.popleft()[1])
            if len(self._laid) >= _UNSETTLED_SHARDS or sum(at.size for at, _ in self._laid) >= _UNSETTLED:
                self._finish()
        while self._begun or self._laid or self._told:
            while self._begun:
                self._go_on(self._begun.popleft()[1])
            self._finish()

    def _much_begun(self) -> bool:
        size = sum(at.size for at, _ in self._begun)
        return size > _IN_MEMORY or sum(at.entries for at, _ in self._begun) > _ENTRIES

    def _go_on(self, steps: Steps) -> None:
        at = next(steps, None)
        if at is None:
            return
        match at.stage:
            case Stage.BEGUN:
                self._begun.append((at, steps))
            case Stage.LAID:
                self._laid.append((at, steps))
            case Stage.TOLD:
                self._told.append(steps)

    def _finish(self) -> None:
        laid, self._laid = self._laid, []
        if laid:
            self._settle()
        for _, steps in laid:
            self._go_on(steps)
        told, self._told = self._told, []
        for steps in told:
            self._go_on(steps)
