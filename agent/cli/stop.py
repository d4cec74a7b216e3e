"""``hybrid stop``: ends a run for good."""

import click

from sync.errors import ConfirmationNeeded
from sync.mailbox.state import OVER

from .. import runs, stopping
from ..daemon.tell import tidings
from ..daemon.tell.journal import note_done
from ..exits import Exit
from ..mailbox import opened
from ..sizes import duration
from .complete import run_ids
from .options import Call, common_options

_GRACE_S = 15.0
"""What a runner gives its commands to end, in seconds."""


@click.command()
@click.argument("name", metavar="RUN", shell_complete=run_ids)
@click.option("--wait", is_flag=True, help="Wait until its worker has ended what it runs.")
@click.option("--yes", is_flag=True, help="Also a run that another laptop queued.")
@common_options
def stop(call: Call, name: str, wait: bool, yes: bool) -> int:
    """Stop a run for good.

    Its worker ends the commands, publishes what they have written, and gives the run up; nothing takes it again.
    For a pause, end the machine instead, with hybrid down: hybrid up goes on where it was.

    \b
    Examples:
      hybrid stop train
      hybrid stop train --wait && hybrid pull train
    """
    project = call.project()
    with opened(project, call.clock) as mailbox:
        run = runs.load(mailbox, mailbox.find(name))
        run_id, before = run.spec.run, run.phase
        worker = stopping.at_work(mailbox, run)
        over = before in OVER
        if not over:
            if run.spec.laptop != mailbox.laptop and not yes:
                raise ConfirmationNeeded(
                    f"Run {run_id} was queued by another laptop ({run.spec.laptop[:16]}), and stopping is final.",
                    f"hybrid stop --yes {run_id}",
                )
            stopping.stop(mailbox, run_id)
        free = worker is None
        if wait and not free:
            call.console.say(f"Waiting for worker {worker}.")
            free = stopping.wait_until_free(mailbox, run_id)
        phase = mailbox.run(run_id).phase.value
        soon = duration(mailbox.remote.capabilities.tick_s + mailbox.remote.capabilities.settle_s + _GRACE_S)
    if not over:
        note_done(project, call.clock, tidings.stopped(run_id, run.spec.name), call.console.warn)
    said = f"Run {run_id} was {before.value} already" if over else f"Run {run_id} is stopped"
    if free:
        text = f"{said}; nothing works on it."
    elif wait:
        text = (
            f"{said}, but worker {worker} gives no sign of life; if it lives, it will end when it sees this."
        )
    else:
        text = f"{said}; worker {worker} ends what it runs within about {soon}."
    document = {"run": run_id, "phase": phase, "stopped": not over, "worker": None if free else worker}
    call.console.result(document, text)
    if not over:
        call.console.next_step(f"hybrid pull {run_id}")
    return Exit.FAILED if wait and not free else Exit.DONE
