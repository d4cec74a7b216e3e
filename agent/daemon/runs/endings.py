"""Events of ends that are not told by a pull. Pure."""

from sync.mailbox.records import Ended
from sync.mailbox.state import Phase

from ... import runs
from ...mailbox import Run
from ...sizes import count
from ..tell.events import DONE, FAILED, Event


def ended_here(run: Run, laptop: str) -> Event:
    """A run is over that nobody has asked to be pulled."""
    spec = run.spec
    shards = count(spec.shards, "shard")
    data = {"name": spec.name[:80], "shards": spec.shards, "phase": run.phase.value}
    left = f"hybrid pull {spec.run}" if runs.not_here(run, laptop) else ""
    if run.phase is Phase.DONE:
        return Event(kind=DONE, text=f"Run {spec.run} is done: {shards}.", how=left, run=spec.run, data=data)
    complete = sum(state.complete for state in run.states)
    text = f"Run {spec.run} has ended, {run.phase.value}, with {complete} of {shards} complete."
    return Event(kind=FAILED, text=text, how=f"hybrid logs {spec.run}", run=spec.run, data=data)


def setup_failed(run: Run, ended: Ended | None) -> Event:
    spec = run.spec
    why = f": {' '.join(ended.reason.split())[:200].rstrip('.')}" if ended and ended.reason else ""
    return Event(
        kind=FAILED,
        text=f"Run {spec.run} could not be set up on {spec.target}{why}.",
        how=f"hybrid logs {spec.run}; set it right, then run it again",
        run=spec.run,
        data={"name": spec.name[:80], "shards": spec.shards, "phase": run.phase.value},
    )
