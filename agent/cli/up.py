"""``hybrid up``: starts a runner for what is queued."""

import click

from .. import launchers, machines, running
from ..launchers import launcher
from ..mailbox import opened
from .complete import targets
from .options import Call, common_options


@click.command()
@click.option(
    "--on",
    "target",
    metavar="TARGET",
    shell_complete=targets,
    help="Where: local or ssh:HOST. [default: where the mailbox is]",
)
@click.option(
    "--idle-exit",
    type=click.FloatRange(0),
    default=running.IDLE_EXIT_S,
    show_default=True,
    metavar="SECONDS",
    help="End it after this long without work.",
)
@common_options
def up(call: Call, target: str | None, idle_exit: float) -> None:
    """Start a runner that works on all queued runs of its target, oldest first, and then ends.

    A run that was interrupted, because its machine was switched off say, goes on where it was. Where a runner of this
    target is at work already, none is started.

    \b
    Examples:
      hybrid up
      hybrid up --on ssh:box --idle-exit 3600
    """
    project = call.project()
    where = target or launchers.default_target(project)
    launchers.check(where)
    with opened(project, call.clock) as mailbox:
        mailbox.require()
        launch = launcher(where, project)
        try:
            with machines.remembered(project, call.console.warn) as known:
                handle = machines.start(mailbox, known, launch, where, idle_exit=idle_exit)
                at_work = [
                    each.handle for each in known.open() if each.handle.target == where and not each.leaving
                ]
        finally:
            launch.close()
    shown = handle or at_work[-1]
    text = f"Started a runner on {where}" if handle else f"A runner is at work on {where} already"
    document = {"started": handle is not None, "target": where, "runner": shown.to_json()}
    call.console.result(document, f"{text} (process {shown.pid} on {shown.host}, log {shown.log}).")
    again = (
        "" if handle else "; a run that this runner has refused goes on after: hybrid down, then hybrid up"
    )
    call.console.next_step(f"hybrid status{again}")
