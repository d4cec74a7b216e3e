"""How a run stands and what to do next: pure conclusions, as ``hybrid status`` tells them."""

import shlex
from dataclasses import asdict, dataclass, fields
from typing import Any

from sync.errors import CorruptMailbox, NotFound
from sync.mailbox import lease
from sync.mailbox.layout import RunFolder
from sync.mailbox.records import Spec
from sync.mailbox.state import OVER, Phase, ShardState

from .mailbox import Mailbox, Run


@dataclass(frozen=True, kw_only=True)
class Summary:
    """A run in a line. Each shard is counted once, from ``accepted`` to ``waiting``.

    mine      whether this laptop queued it
    created   when, in seconds on the clock of the laptop that did
    accepted  shards that a laptop has
    done      complete, and no laptop has them
    failed    given up
    to_pull   complete, and this laptop has not got them; 0 for a run of another laptop
    holder    the worker that holds it, null where none does
    """

    run: str
    name: str
    phase: str
    target: str
    sample: bool
    mine: bool
    created: float
    shards: int
    accepted: int
    done: int
    failed: int
    running: int
    waiting: int
    to_pull: int
    holder: str | None

    def to_json(self) -> dict[str, object]:
        return asdict(self)

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> "Summary | None":
        """What ``to_json`` gave; None where that was another version of this program."""
        if document.keys() != {each.name for each in fields(cls)}:
            return None
        return cls(**document)


def spec_of(mailbox: Mailbox, run_id: str) -> Spec:
    """The run's spec. Raises NotFound, CorruptMailbox, NewerMailbox."""
    try:
        spec = mailbox.spec(run_id)
    except NotFound as error:
        raise NotFound(
            f"Run {run_id} has no spec: it is just being queued, or was removed only in part.",
            f"Look again in a while; to remove what is left of it: hybrid rm {run_id}",
        ) from error
    except CorruptMailbox as error:
        raise CorruptMailbox(
            str(error), error.hint or f"hybrid rm --force {run_id}, if it stays so"
        ) from error
    if spec.run != run_id:
        raise CorruptMailbox(
            f"The spec of run {run_id} is that of another run.", f"hybrid rm --force {run_id}"
        )
    return spec


def load(mailbox: Mailbox, run_id: str) -> Run:
    """The run as it is now. Raises NotFound, CorruptMailbox, NewerMailbox."""
    spec_of(mailbox, run_id)
    return mailbox.run(run_id)


def summary(run: Run, laptop: str) -> Summary:
    groups = [_group(state) for state in run.states]
    mine = run.spec.laptop == laptop
    return Summary(
        run=run.spec.run,
        name=run.spec.name[:80],
        phase=run.phase.value,
        target=run.spec.target[:80],
        sample=run.spec.sample,
        mine=mine,
        created=run.spec.created,
        shards=run.spec.shards,
        accepted=groups.count("accepted"),
        done=groups.count("done"),
        failed=groups.count("failed"),
        running=groups.count("running"),
        waiting=groups.count("waiting"),
        to_pull=len(not_here(run, laptop)) if mine else 0,
        holder=lease.holder(run.seen),
    )


def not_here(run: Run, laptop: str) -> list[int]:
    """The complete shards that this laptop has not accepted."""
    return [
        state.number
        for state in run.states
        if state.complete and RunFolder.accepted(state.number, laptop) not in run.seen.names
    ]


def is_closed(run: Run, laptop: str) -> bool:
    """Whether nothing about the run will change any more, and nothing of it is left to be pulled."""
    one = summary(run, laptop)
    still = run.phase is Phase.DONE or one.holder is None
    return run.phase in OVER and still and not one.to_pull and not one.done


def next_step(one: Summary, *, silent: bool = False, called: str = "") -> str:
    """A command, or nothing. ``silent``: its holder shows no sign of life. ``called``: a word for the run, else its id."""
    phase = Phase(one.phase)
    run = shlex.quote(called or one.run)
    if phase is Phase.QUEUED or (phase is Phase.RUNNING and silent):
        return f"hybrid up --on {one.target}"  # what is to be pulled stays; without a worker the run does not go on
    if one.to_pull:
        return f"hybrid pull {run}"
    if phase in (Phase.FAILED, Phase.SETUP_FAILED):
        return f"hybrid logs {run}"
    if phase is Phase.RUNNING:
        return f"hybrid logs -f {run}"
    return ""


def shards_cell(told: Summary) -> str:
    """``3/40, 2 not pulled, 1 failed``: of all shards those that are here, and what stands out."""
    parts = [f"{told.accepted}/{told.shards}"]
    for number, what in ((told.done, "not pulled"), (told.failed, "failed"), (told.running, "running")):
        if number:
            parts.append(f"{number} {what}")
    return ", ".join(parts)


def _group(state: ShardState) -> str:
    if state.accepted:
        return "accepted"
    if state.complete:
        return "done"
    if state.exhausted:
        return "failed"
    return "running" if state.running else "waiting"
