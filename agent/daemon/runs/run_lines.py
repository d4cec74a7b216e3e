"""A run as a line of the agent's status."""

from sync.errors import HybridError

from ... import runs
from ...mailbox import Run
from ...run_names import name_of
from ..tell.status import RunLine


def line_of(run: Run, laptop: str, left_s: float | None, note: str) -> RunLine:
    one = runs.summary(run, laptop)
    complete = sum(state.complete for state in run.states)
    return RunLine(
        run=one.run,
        name=one.name,
        phase=one.phase,
        target=one.target,
        shards=one.shards,
        complete=complete,
        failed=one.failed,
        here=complete - one.to_pull,
        left_s=left_s,
        note=note,
    )


def unreadable(run_id: str, error: HybridError) -> RunLine:
    return RunLine(
        run=run_id,
        name=name_of(run_id),
        phase="unknown",
        target="",
        shards=0,
        complete=0,
        failed=0,
        here=0,
        note=str(error).rstrip("."),
    )
