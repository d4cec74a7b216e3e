"""``hybrid agent``: the process that keeps project and mailbox in step while nobody looks."""

import logging
import os
import sys

import click

from sync.errors import UsageError

from ..exits import Exit
from ..project import Project
from .lazy import LazyGroup
from .options import Call, common_options, current_folder

COMMANDS = {
    "start": ("agent.cli.agent:start", "Start the agent in the background."),
    "stop": ("agent.cli.agent:stop", "End the agent."),
    "restart": ("agent.cli.agent_restart:restart", "End it, and start another one."),
    "status": ("agent.cli.agent:status", "Show what the agent does and what it waits for."),
    "logs": ("agent.cli.agent:logs", "Show what the agent did."),
    "install": ("agent.cli.agent_service:install", "Have the agent started whenever you log in."),
    "uninstall": ("agent.cli.agent_service:uninstall", "Have it started no more."),
    "run": ("agent.cli.agent:run", "Be the agent, in the foreground."),
}
_FOLLOW_S = 0.5


@click.group(cls=LazyGroup, table=COMMANDS)
@common_options
def agent(call: Call) -> None:
    """Save a file and forget: publish what changes, start what is queued, bring home what is done.

    There is one agent a project, for all clones of it on this machine.

    \b
    Examples:
      hybrid agent start
      hybrid agent status
      hybrid agent install
    """


@click.command()
@common_options
def start(call: Call) -> None:
    """Start the agent in the background. Where one is at work already, that is success.

    \b
    Examples:
      hybrid agent start
      hybrid -C ~/plates agent start --json
    """
    from ..daemon import process
    from ..daemon.tell.log import FILE_NAME

    project = call.project()
    found, is_new = process.start(project, call.clock)
    root = found.status.root if found.status is not None else str(project.root)
    log = str(process.place_of(project) / FILE_NAME)
    text = "The agent runs" if is_new else "An agent is at work already"
    where = "" if root == str(project.root) else f" on {root}, another folder of this project"
    who = f" (process {found.pid})" if found.pid else ""
    document = {"started": is_new, "pid": found.pid or None, "root": root, "log": log}
    call.console.result(document, f"{text}{where}{who}.")
    call.console.next_step("hybrid agent status")


@click.command()
@common_options
def stop(call: Call) -> None:
    """End the agent, and wait until it has. Where none is at work, that is success.

    It ends in order: what it was about to do is done by the next one, or by hand. One that does not end in 20 seconds is
    killed. Runs and their runners go on.

    \b
    Examples:
      hybrid agent stop
    """
    from .. import service
    from ..daemon import process

    project = _project(call)
    ended = process.stop(project, call.clock)
    if ended is None:
        text = "No agent runs."
    elif ended.killed and os.name != "nt":
        text = f"The agent (process {ended.pid}) did not end in order, and was killed; the next one goes on where it was."
    else:
        text = f"The agent (process {ended.pid}) has ended."
    document = {
        "stopped": ended is not None,
        "pid": ended.pid if ended is not None else None,
        "killed": ended is not None and ended.killed,
    }
    call.console.result(document, text)
    if service.here().file(service.of(project)).exists():
        call.console.say("The system starts it again when you log in: hybrid agent uninstall ends that.")


@click.command()
@common_options
def status(call: Call) -> int | None:
    """Show what the agent published, what waits and why, the runs in flight, and what needs you.

    Contacts nobody and answers at once. The exit code is 1 where no agent runs; what the last one told is shown then.

    \b
    Examples:
      hybrid agent status
      hybrid agent status --json
    """
    from ..daemon.tell import page

    found = page.look(_project(call))
    call.console.result(page.document(found), page.text(found, call.clock.wall()))
    step = page.next_step(found)
    if step:
        call.console.next_step(step)
    return None if found.living is not None else Exit.FAILED


@click.command()
@click.option(
    "-n", "lines", type=click.IntRange(0), default=50, show_default=True, help="Begin with the last N lines."
)
@click.option("-f", "--follow", is_flag=True, help="Go on with what is added, until interrupted.")
@common_options
def logs(call: Call, lines: int, follow: bool) -> None:
    """Show what the agent did, in local time. The log keeps the last three megabytes.

    \b
    Examples:
      hybrid agent logs
      hybrid agent logs -n 200 -f
    """
    from ..daemon.process import place_of
    from ..daemon.tell.log import Follower, last_lines

    place = place_of(_project(call))
    follower = Follower(place)
    found = last_lines(place, lines)
    for line in found:
        call.console.stream({"line": line}, line)
    if lines and not found:
        call.console.say("No agent of this project has logged anything on this machine yet.")
    while follow:
        for line in follower.lines():
            call.console.stream({"line": line}, line)
        call.clock.sleep(_FOLLOW_S)


@click.command()
@common_options
def run(call: Call) -> None:
    """Be the agent, in the foreground, until interrupted. What it does is told on standard error, too, but with -q.

    The exit code is 11 where one is at work already.

    \b
    Examples:
      hybrid agent run
      hybrid agent run -vv
    """
    from ..daemon import loop, process
    from ..daemon.tell.log import formatter, is_of_interest, logging_to

    _give_streams()
    project = call.project()
    place = process.place_of(project)
    place.mkdir(parents=True, exist_ok=True)
    os.environ |= process.own_variables()
    os.chdir(place)  # so that it keeps no folder of the user's from being moved or unmounted
    level = logging.DEBUG if call.verbose > 1 else logging.INFO
    told: list[logging.Handler] = []
    if not call.quiet and not call.verbose:
        told.append(logging.StreamHandler())
        told[0].setFormatter(formatter())
        told[0].addFilter(is_of_interest)
    with logging_to(*told, level=level):
        process.run(project, call.clock, loop.run, level=level)


def _project(call: Call) -> Project:
    """Also where there is a mistake in its settings: an agent that says so must not be out of reach for it."""
    try:
        return call.project()
    except UsageError as error:
        found = Project.by_id(current_folder())
        if found is None:
            raise
        call.console.warn(str(error))
        return found


def _give_streams() -> None:
    """Python without a window has none on Windows, and everything else counts on them."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 (for the life of the process)
