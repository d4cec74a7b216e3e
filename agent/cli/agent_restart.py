"""``hybrid agent restart``: another agent in the place of the one that is at work."""

import click

from sync.clock import Clock
from sync.errors import HybridError

from .. import service
from ..daemon import process
from ..project import Project
from ..service.base import Call as Word
from ..service.base import take
from .options import Call, common_options

_LOOK_S = 0.05


@click.command()
@common_options
def restart(call: Call) -> None:
    """End the agent, and start another one on this folder; where none is at work, only that.

    Say after hybrid was updated. With a mistake in hybrid.toml the one that is at work stays. Where the system starts the
    agent (`hybrid agent install`), it is asked to. Runs and their runners go on.

    \b
    Examples:
      hybrid agent restart
      hybrid -C ~/plates agent restart --json
    """
    from ..daemon.tell.log import FILE_NAME

    project = call.project()
    ended = process.stop(project, call.clock)
    system, mine = service.here(), service.of(project)
    if system.file(mine).exists() and system.answers():
        take([step for step in system.install(mine) if isinstance(step, Word)], answers=True)
        found = _come(project, call.clock)
    else:
        found, _ = process.start(project, call.clock)
    root = found.status.root if found.status is not None else str(project.root)
    document = {
        "stopped": ended.pid if ended is not None else None,
        "killed": ended is not None and ended.killed,
        "pid": found.pid or None,
        "root": root,
        "log": str(process.place_of(project) / FILE_NAME),
    }
    before = f" in the place of process {ended.pid}" if ended is not None else ""
    where = f" on {root}, another folder of this project" if root != str(project.root) else ""
    # One that somebody else has just started may not have told who it is.
    who = f" (process {found.pid})" if found.pid else ""
    call.console.result(document, f"The agent runs{where}{who}{before}.")
    call.console.next_step("hybrid agent status")


def _come(project: Project, clock: Clock) -> process.Living:
    """The agent that the system starts meanwhile."""
    until = clock.monotonic() + process.START_S
    while (found := process.living(project)) is None or not found.pid:
        if clock.monotonic() >= until:
            raise HybridError(
                f"The system was asked to start the agent, and none has told of itself for {process.START_S:.0f} s.",
                "hybrid agent logs",
            )
        clock.sleep(_LOOK_S)
    return found
