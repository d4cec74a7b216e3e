"""Queues a run, starts a runner for it where that can be done, and follows it."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass

from sync.errors import (
    CorruptMailbox,
    HybridError,
    NewerMailbox,
    NotFound,
    RemoteError,
    Transient,
    Unreachable,
)
from sync.local.index import Index
from sync.mailbox import lease, records
from sync.mailbox.layout import RunFolder
from sync.mailbox.opening import open_mailbox
from sync.mailbox.records import Spec, Tick
from sync.mailbox.state import OVER, Phase
from sync.mailbox.view import look
from sync.progress import Progress

from . import machines, planning
from .config import NamedRun
from .launchers.base import Handle, Launcher
from .mailbox import Mailbox, Run
from .own_runs import OwnRuns

IDLE_EXIT_S = 60.0
LEAST_POLL_S = 1.0
ASK_MACHINE_S = 15.0


@dataclass(frozen=True, kw_only=True)
class Queued:
    """A run that was written, and the runner that was started for it. ``refusal``: why none could be started."""

    spec: Spec
    handle: Handle | None
    refusal: HybridError | None


def queue(
    mailbox: Mailbox,
    index: Index,
    run: NamedRun,
    *,
    name: str,
    snapshot: str,
    target: str,
    own: OwnRuns | None,
) -> Spec:
    """Makes the run, and notes it in ``own``, so that the agent starts runners for it; None: a person is to start them.
    Raises what ``spec_for``, the mailbox and the state database raise."""
    spec = spec_for(
        mailbox, index, run, name=name, snapshot=snapshot, target=target, chance=secrets.token_hex(2)
    )
    if own is not None:
        own.note(spec)
    write(mailbox, spec)
    return spec


def spec_for(
    mailbox: Mailbox, index: Index, run: NamedRun, *, name: str, snapshot: str, target: str, chance: str
) -> Spec:
    """What is to be run; ``index`` holds the files of ``snapshot``, and ``chance`` ends the run's id.

    Raises what ``planning.spread`` raises.
    """
    created = mailbox.clock.wall()
    shards, inputs, sample = planning.spread(run, mailbox.project.root, index.files())
    return planning.spec(
        run,
        run_id=planning.run_id(planning.slug(name) or "run", created, chance),
        name=name,
        laptop=mailbox.laptop,
        created=created,
        snapshot=snapshot,
        target=target,
        shards=shards,
        given=inputs,
        sample=sample,
    )


def write(mailbox: Mailbox, spec: Spec) -> None:
    """Writes the run's spec, last: from then on it is ready. Doing it again changes nothing."""
    folder = RunFolder(spec.run)
    mailbox.remote.make_folders([f"{mailbox.base}/{folder.path}"])
    mailbox.write(folder, "spec.json", spec)


def start(
    mailbox: Mailbox,
    known: machines.Machines,
    spec: Spec,
    launch: Launcher | None,
    refusal: HybridError | None,
) -> Queued:
    """Starts a runner for the run, unless one is at work that will take it."""
    if launch is None:
        return Queued(spec=spec, handle=None, refusal=refusal)
    try:
        handle = machines.start(
            mailbox,
            known,
            launch,
            spec.target,
            idle_exit=IDLE_EXIT_S,
            is_taken=lambda: _is_claimed(mailbox, spec.run),
        )
    except HybridError as error:
        return Queued(spec=spec, handle=None, refusal=error)
    return Queued(spec=spec, handle=handle, refusal=None)


def follow(
    mailbox: Mailbox, run_id: str, progress: Progress, gone: Callable[[], bool], say: Callable[[str], None]
) -> tuple[Run, bool]:
    """Waits until the run is over, or nothing works on it any more.

    ``gone`` asks the machine whether no runner is left there; ``say`` is told what the worker does. Returns the run, and whether it was given up. Raises
    NotFound where the run is removed meanwhile.
    """
    shown = 0
    was_there = False
    doing = ""
    ask_at = mailbox.clock.monotonic() + ASK_MACHINE_S
    poll = max(LEAST_POLL_S, mailbox.remote.capabilities.tick_s / 2)
    total = mailbox.spec(run_id).shards
    progress.start("run", total, "shards")
    try:
        while True:
            left_alone = False
            try:
                run = mailbox.run(run_id)
                removed = was_there and not run.seen.ready and _answers(mailbox)
                if not removed and run.phase not in OVER and mailbox.clock.monotonic() >= ask_at:
                    ask_at = mailbox.clock.monotonic() + ASK_MACHINE_S
                    left_alone = gone()
                    if left_alone:
                        run = mailbox.run(run_id)  # it may have finished between the two looks
            except (Transient, Unreachable, NotFound):
                # The network may be away for hours: the run does not mind, and neither do we.
                mailbox.clock.sleep(poll)
                continue
            if removed:
                raise NotFound(f"Run {run_id} was removed from the mailbox.")
            was_there = was_there or run.seen.ready
            now = _doing(mailbox, run)
            if now and now != doing:
                doing = now
                say(f"Runner: {doing}.")
            over = sum(state.over for state in run.states)
            progress.advance(over - shown)
            shown = over
            if run.phase in OVER:
                return run, False
            if left_alone or run.phase is Phase.SETUP_FAILED:
                return run, True
            mailbox.clock.sleep(poll)
    finally:
        progress.finish()


def _doing(mailbox: Mailbox, run: Run) -> str:
    """What the run's worker said last that it does; empty where nobody works on it or it cannot be read now."""
    worker = lease.holder(run.seen)
    ticks = run.seen.ticks.get(worker or "", [])
    if worker is None or not ticks:
        return ""
    path = f"{mailbox.base}/{RunFolder(run.spec.run).in_folder(RunFolder.tick(worker, ticks[-1]))}"
    try:
        return records.read(Tick, mailbox.remote, path).doing[:80]
    except (RemoteError, CorruptMailbox, NewerMailbox):
        return ""


def _is_claimed(mailbox: Mailbox, run_id: str) -> bool:
    try:
        return bool(look(mailbox.remote, mailbox.base, RunFolder(run_id)).claims)
    except RemoteError:
        return False  # whoever needs the mailbox next says what is the matter


def _answers(mailbox: Mailbox) -> bool:
    """Whether the mailbox is there: in a folder that is not mounted no run is, and yet none was removed."""
    try:
        open_mailbox(mailbox.remote, mailbox.base)
    except NotFound:
        return False
    return True
