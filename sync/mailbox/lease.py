"""Who works on a run: pure decisions on what is visible, without locks and without comparing clocks.

A worker writes a claim with an epoch above all it sees, waits the remote's settle time, looks again, and starts only
if it is the holder. Two workers may still overlap for a while; invariant 4 (accepted once) makes that harmless.
"""

from .view import RunView

TICKS_MISSED = 3
LEAST_SILENCE_S = 30.0


def holder(seen: RunView) -> str | None:
    """The worker that may work: the lowest id among the claims of the highest epoch neither yielded nor released.

    Lower epochs never count again, also once the highest is given up: their workers were overtaken.
    """
    highest = next_epoch(seen) - 1
    standing = [
        worker
        for worker, epoch in seen.claims.items()
        if epoch == highest and worker not in seen.released and seen.yields.get(worker, 0) < epoch
    ]
    return min(standing, default=None)


def next_epoch(seen: RunView) -> int:
    return max(seen.claims.values(), default=0) + 1


def patience_s(tick_s: float, settle_s: float) -> float:
    """How long a holder may be silent before another takes over, in seconds of the observer's clock."""
    return max(LEAST_SILENCE_S, TICKS_MISSED * tick_s + settle_s)


class Silence:
    """How long each worker has shown no new tick, on the observer's own monotonic clock."""

    def __init__(self) -> None:
        self._last: dict[str, tuple[tuple[int, int], float]] = {}

    def observe(self, seen: RunView, now: float) -> None:
        """``now`` is monotonic seconds."""
        for worker, epoch in seen.claims.items():
            # A new claim is a sign of life too.
            beat = (epoch, seen.ticks.get(worker, [0])[-1])
            known = self._last.get(worker)
            if known is None or beat > known[0]:
                self._last[worker] = (beat, now)

    def of(self, worker: str, now: float) -> float:
        """Seconds since ``worker`` was first seen, or last seen with a new tick."""
        known = self._last.get(worker)
        return now - known[1] if known else 0.0
