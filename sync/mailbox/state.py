"""How far a run is: pure conclusions from a view. Both sides use the same ones.

A shard is over when an attempt of it was done, or when it has failed too often. An attempt that was started and
never ended, by a worker that no longer holds the lease, is *lost*: its worker died under it.
"""

from dataclasses import dataclass
from enum import Enum

from .layout import Attempt
from .lease import holder
from .view import RunView

MOST_LOST = 5
"""A shard under which this many workers died is not offered again: it kills its runner."""


class Phase(Enum):
    """QUEUED: nobody holds it. RUNNING: a worker does. The others are final, but for SETUP_FAILED, which a new
    worker tries again."""

    QUEUED = "queued"
    RUNNING = "running"
    SETUP_FAILED = "setup failed"
    STOPPED = "stopped"
    FAILED = "failed"
    DONE = "done"


OVER = (Phase.DONE, Phase.STOPPED, Phase.FAILED)
"""In these, nobody takes the run any more."""


@dataclass(frozen=True, kw_only=True)
class ShardState:
    """``done`` are attempts that say so (not yet verified); ``running`` belong to the lease's holder."""

    number: int
    accepted: bool
    done: tuple[Attempt, ...]
    failed: tuple[Attempt, ...]
    lost: tuple[Attempt, ...]
    running: tuple[Attempt, ...]
    exhausted: bool

    @property
    def complete(self) -> bool:
        return self.accepted or bool(self.done)

    @property
    def over(self) -> bool:
        return self.complete or self.exhausted


def shards(
    seen: RunView, count: int, retries: int, void: frozenset[Attempt] = frozenset()
) -> list[ShardState]:
    """The state of each of the run's ``count`` shards.

    retries  how many failures of a shard are forgiven
    void     attempts that say that they are done, but whose outputs are not whole in the mailbox; they are lost
    """
    holding = holder(seen)
    ended = (seen.done - void) | seen.failed | seen.left
    by_shard: dict[int, list[Attempt]] = {}
    for attempt in sorted(seen.starts | ended | void):
        by_shard.setdefault(attempt.shard, []).append(attempt)
    states = []
    for number in range(count):
        attempts = by_shard.get(number, [])
        failed = tuple(a for a in attempts if a in seen.failed)
        opened = [a for a in attempts if a not in ended]
        lost = tuple(a for a in opened if a.worker != holding or a in void)
        states.append(
            ShardState(
                number=number,
                accepted=number in seen.accepted,
                done=tuple(a for a in attempts if a in seen.done and a not in void),
                failed=failed,
                lost=lost,
                running=tuple(a for a in opened if a not in lost),
                exhausted=len(failed) > retries or len(lost) >= MOST_LOST,
            )
        )
    return states


def phase(seen: RunView, states: list[ShardState]) -> Phase:
    if all(state.complete for state in states):
        return Phase.DONE
    if seen.stopped:
        return Phase.STOPPED
    if all(state.over for state in states):
        return Phase.FAILED
    if holder(seen) is not None:
        return Phase.RUNNING
    highest = max(seen.claims.values(), default=0)
    if highest and highest in seen.broken.values():
        return Phase.SETUP_FAILED
    return Phase.QUEUED
