"""Whether and when the agent starts a runner. Pure."""

from sync.mailbox.layout import CHECKPOINT
from sync.mailbox.state import Phase

from ...mailbox import Run

FIRST_S = 30.0
LONGEST_S = 3600.0
ASK_S = 15.0
LONGEST_ASK_S = 300.0
SEVERAL = 3
"""After so many failures in a row a person is asked."""


def wants_runner(run: Run, *, lost: bool) -> bool:
    """Whether nobody works on the run, and somebody may. A set-up that failed waits for a person."""
    return run.phase is Phase.QUEUED or (run.phase is Phase.RUNNING and lost)


def refusal(*, costs_money: bool, auto_start: bool, budget_left: float | None) -> str:
    """Why a machine is not to be started without a person, as a clause; empty where it may be.

    ``auto_start``: its table in ``hybrid.toml`` allows it; ``budget_left`` is None where there is no budget.
    """
    if not costs_money:
        return ""
    if not auto_start:
        return "it costs money, and auto_start is not set for it"
    if budget_left is None:
        return "it costs money, and there is no budget"
    return "" if budget_left > 0 else "it costs money, and the budget is spent"


def backoff_s(failures: int, chance: float) -> float:
    """Seconds to wait after so many failures in a row: 30 s, doubled each time up to an hour, less up to a quarter by
    ``chance`` in [0, 1)."""
    return float(min(LONGEST_S, FIRST_S * 2.0 ** min(failures - 1, 20)) * (1.0 - 0.25 * chance))


def ask_again_s(times: int) -> float:
    """Seconds until a machine is asked again whether its runner lives, after it has said so many times that it does."""
    return float(min(LONGEST_ASK_S, ASK_S * 2.0 ** min(times - 1, 10)))


def progress(run: Run) -> int:
    """Grows with what workers have got done: attempts that came to an end, and checkpoints of others."""
    seen = run.seen
    checkpoints = sum(each.what == CHECKPOINT for each in seen.snapshots)
    return len(seen.done) + len(seen.failed) + len(seen.left) + checkpoints


def standing(run: Run) -> str:
    """How far a run is on which nobody works, as a sentence."""
    name = run.spec.name[:80] or run.spec.run
    complete = sum(state.complete for state in run.states)
    if run.seen.claims:
        return f"Run {name} ended at {complete:,} of {run.spec.shards:,} on {run.spec.target}."
    return f"Run {name} waits for a runner on {run.spec.target}."
