"""``hybrid rm``: removes runs from the mailbox."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import click

from sync.errors import ConfirmationNeeded, CorruptMailbox, NewerMailbox, NotFound
from sync.mailbox import layout
from sync.pull.outputs import Outputs

from .. import runs, stopping
from ..choices import LocalChoices
from ..mailbox import Mailbox, Run, opened
from ..memory import Memory
from ..sizes import count, size
from ..state import State
from ..state import opened as opened_state
from .complete import run_ids
from .options import Call, common_options


@dataclass(frozen=True, kw_only=True)
class _Doomed:
    """A run that is to go. ``refusal``: why it may not without ``--force``, and what to do; None where it may."""

    run_id: str
    worker: str | None
    files: int
    bytes: int
    refusal: tuple[str, str] | None


@click.command()
@click.argument("names", metavar="RUN...", nargs=-1, required=True, shell_complete=run_ids)
@click.option("--outputs", is_flag=True, help="Also remove what was pulled, from the outputs folder.")
@click.option("--force", is_flag=True, help="Also a run that is held, not all here, or another laptop's.")
@click.option("--dry-run", is_flag=True, help="Tell what would go, and remove nothing.")
@common_options
def rm(call: Call, names: tuple[str, ...], outputs: bool, force: bool, dry_run: bool) -> None:
    """Remove runs from the mailbox, with all that they made there.

    What was pulled stays, unless --outputs is given. A run that a worker holds, or of which something complete is not
    in the outputs folder here, is not removed; with --force it is, and its worker is told to stop first.

    \b
    Examples:
      hybrid rm train
      hybrid rm 20261120-2231 --outputs
      hybrid rm train --dry-run
    """
    project = call.project()
    pulled = project.root / project.config.project.outputs
    with (
        opened(project, call.clock) as mailbox,
        opened_state(project, call.console.warn) as state,
        project.lock("pull"),
    ):
        ids = list(dict.fromkeys(map(mailbox.find, names)))
        doomed = [_look(mailbox, run_id, None if outputs else pulled) for run_id in ids]
        refusal = next((each.refusal for each in doomed if each.refusal), None)
        if refusal and not force:
            # Nothing goes where not all may go.
            raise ConfirmationNeeded(*refusal)
        if not dry_run:
            for each in doomed:
                _remove(call, mailbox, state, each)
                if outputs:
                    _remove_outputs(pulled, each.run_id)
    _show(call, doomed, outputs, dry_run)


def _look(mailbox: Mailbox, run_id: str, pulled: Path | None) -> _Doomed:
    listed = mailbox.remote.list_files(f"{mailbox.base}/{layout.run(run_id)}")
    worker, refusal = None, None
    try:
        run = runs.load(mailbox, run_id)
        worker = stopping.at_work(mailbox, run)
        refusal = _refusal(run, worker, mailbox.laptop, pulled)
    except NotFound:
        if not listed:
            refusal = (
                f"Run {run_id} is empty: it may just be being queued.",
                f"Look again in a while; hybrid rm --force {run_id} removes it.",
            )
    except (CorruptMailbox, NewerMailbox) as error:
        refusal = (f"Run {run_id} cannot be read: {error}", f"hybrid rm --force {run_id} removes it unread.")
    total = sum(file.size for file in listed)
    return _Doomed(run_id=run_id, worker=worker, files=len(listed), bytes=total, refusal=refusal)


def _refusal(run: Run, worker: str | None, laptop: str, pulled: Path | None) -> tuple[str, str] | None:
    """``pulled`` is where outputs are kept here, None where those are to go as well."""
    run_id = run.spec.run
    force = f"To remove it all the same: hybrid rm --force {run_id}"
    missing = runs.not_here(run, laptop)
    if run.spec.laptop != laptop:
        return f"Run {run_id} was queued by another laptop ({run.spec.laptop[:16]}).", force
    if worker is not None:
        return f"Worker {worker} holds run {run_id}.", f"hybrid stop --wait {run_id}; {force}"
    if missing:
        what = f"{count(len(missing), 'complete shard')} of run {run_id}"
        return f"This laptop has not pulled {what}.", f"hybrid pull {run_id}; {force}"
    gone = _gone(Outputs(pulled, run.spec), run) if pulled else 0
    if gone:
        return (
            f"{count(gone, 'complete shard')} of run {run_id} {'is' if gone == 1 else 'are'} not in {pulled} any more.",
            f"hybrid pull {run_id}; {force}",
        )
    return None


def _gone(here: Outputs, run: Run) -> int:
    """How many complete shards are not in the outputs folder, although all were pulled once."""
    return sum(state.complete and not here.is_finished(state.number, accepted=True) for state in run.states)


def _remove(call: Call, mailbox: Mailbox, state: State, each: _Doomed) -> None:
    if each.worker is not None:
        call.console.say(f"Waiting until worker {each.worker} has ended what it runs.")
        stopping.stop(mailbox, each.run_id)
        stopping.wait_until_free(mailbox, each.run_id)
    Memory(state).forget(each.run_id)
    # The spec goes first: what is left of a removal that is cut short must not look like a run to be done.
    mailbox.remote.delete(f"{mailbox.base}/{layout.spec(each.run_id)}")
    mailbox.remote.delete_folder(f"{mailbox.base}/{layout.run(each.run_id)}")
    LocalChoices(state).forget(each.run_id)


def _remove_outputs(outputs: Path, run_id: str) -> None:
    """What was pulled, and what a pull that was cut short has left."""
    for path in (outputs / run_id, *outputs.glob(f".{run_id}.*")):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def _show(call: Call, doomed: list[_Doomed], outputs: bool, dry_run: bool) -> None:
    removed = [{"run": each.run_id, "files": each.files, "bytes": each.bytes} for each in doomed]
    verb = "Would remove" if dry_run else "Removed"
    also = ", and its outputs here" if outputs else ""
    lines = [
        f"{verb} {each.run_id}: {count(each.files, 'file')}, {size(each.bytes)}{also}." for each in doomed
    ]
    call.console.result({"dry_run": dry_run, "outputs": outputs, "runs": removed}, "\n".join(lines))
    if not dry_run:
        call.console.next_step("hybrid gc removes the states of the project that no run needs any more")
