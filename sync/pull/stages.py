"""Shards of a pull, side by side in one thread.

    begun ──► laid ──► told ──► over

What is done for a shard is a generator, which stops at each of these stages: in one it waits for its content, in one
for the disk, in one for the other side. Meanwhile the next shard goes on.
"""

from collections import deque
from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from enum import Enum
from pathlib import Path
from typing import NamedTuple

from ..errors import HybridError

HELD = 32 * 1024 * 1024
"""Bytes of memory that shards may hold that have begun and whose turn has not come."""
UNSETTLED = 64 * 1024 * 1024
"""Bytes that may be written and not durable, before shards that are laid are settled."""
UNSETTLED_SHARDS = 64
"""Shards that may be laid and not durable, before they are settled."""


class Stage(Enum):
    """BEGUN: its content is on its way. LAID: it is written, and is to be made durable before the next step. TOLD:
    what the other side is told is on its way."""

    BEGUN = "begun"
    LAID = "laid"
    TOLD = "told"


class Pause(NamedTuple):
    """Where a shard waits. ``size`` in bytes: of memory that it holds meanwhile (BEGUN), or of what it wrote into
    ``folder`` (LAID)."""

    stage: Stage
    size: int = 0
    folder: Path | None = None


Steps = Generator[Pause, None, None]


class Driver:
    """Takes shards to their ends. ``settle`` makes durable what was written into folders; it is called between LAID
    and what follows, for many shards at a time."""

    def __init__(self, settle: Callable[[list[Path]], None]) -> None:
        self._settle = settle
        self._begun: deque[tuple[int, Steps]] = deque()
        self._laid: list[tuple[Pause, Steps]] = []
        self._settled: deque[Steps] = deque()
        self._told: deque[Steps] = deque()

    def drive(self, shards: Iterator[Steps]) -> None:
        """Raises the first error of a shard, once those that began before it have come to their ends where they can."""
        try:
            for steps in shards:
                self._go_on(steps)
                while sum(held for held, _ in self._begun) > HELD:
                    self._go_on(self._begun.popleft()[1])
                if self._much_laid():
                    self._finish()
            while self._begun or self._laid or self._told:
                while self._begun:
                    self._go_on(self._begun.popleft()[1])
                self._finish()
        except Exception:
            self._save()
            raise
        finally:
            for steps in self._unfinished():
                steps.close()

    def _unfinished(self) -> list[Steps]:
        return [*(steps for _, steps in (*self._begun, *self._laid)), *self._settled, *self._told]

    def _much_laid(self) -> bool:
        return len(self._laid) >= UNSETTLED_SHARDS or sum(at.size for at, _ in self._laid) >= UNSETTLED

    def _go_on(self, steps: Steps) -> None:
        at = next(steps, None)
        if at is None:
            return
        match at.stage:
            case Stage.BEGUN:
                self._begun.append((at.size, steps))
            case Stage.LAID:
                self._laid.append((at, steps))
            case Stage.TOLD:
                self._told.append(steps)

    def _finish(self) -> None:
        self._settle_laid()
        while self._settled:
            self._go_on(self._settled.popleft())
        while self._told:
            self._go_on(self._told.popleft())

    def _settle_laid(self) -> None:
        if self._laid:
            self._settle([at.folder for at, _ in self._laid if at.folder is not None])
            self._settled.extend(steps for _, steps in self._laid)
            self._laid = []

    def _save(self) -> None:
        """After an error: no shard begins any more. What has begun goes on, and others are told, until that fails, too:
        on a dead line each would wait for long. What is written arrives. The first error stands for all."""
        with suppress(HybridError):
            while self._begun:
                self._go_on(self._begun.popleft()[1])
        self._begun.clear()
        with suppress(HybridError):
            self._settle_laid()
        while self._settled:
            with suppress(HybridError):
                self._go_on(self._settled.popleft())
        with suppress(HybridError):
            while self._told:
                self._go_on(self._told.popleft())
