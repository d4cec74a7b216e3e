"""``hybrid agent install`` and ``uninstall``: whether the system starts the agent."""

import os
import shlex
import shutil
from collections.abc import Sequence

import click

from sync.errors import HybridError

from .. import service
from ..daemon import process
from ..service.base import Call as Word
from ..service.base import Remove, Step, Write, take
from .options import Call, common_options


@click.command()
@click.option("--dry-run", is_flag=True, help="Show what would be written and run; change nothing.")
@common_options
def install(call: Call, dry_run: bool) -> None:
    """Have the system start the agent of this project whenever you log in, and now.

    That is a user unit of systemd on Linux, an agent of launchd on macOS, a scheduled task on Windows. Doing it again
    brings it up to date, say after hybrid was installed anew.

    \b
    Examples:
      hybrid agent install --dry-run
      hybrid agent install
    """
    project = call.project()
    system, mine = service.here(), service.of(project)
    steps = system.install(mine)
    path = system.file(mine)
    left: list[Word] = []
    if not dry_run:
        if shutil.which(system.program) is None:
            raise HybridError(
                f"There is no {system.program} on this machine, so the agent cannot be {system.name}.",
                "Have your session start it in its own way: hybrid agent start.",
            )
        answers = system.answers()
        if answers:
            process.stop(project, call.clock)  # there can be but one, and the system looks after its own
        left = take(steps, answers=answers)
    document = {"dry_run": dry_run, "system": system.name, "file": str(path), **_commands(steps, left)}
    if dry_run:
        content = next(step.content for step in steps if isinstance(step, Write))
        text = content.decode("utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8")
        call.console.result({**document, "content": text}, f"{path}:\n\n{text}\n{_shown(steps)}")
    elif left:
        call.console.result(document, f"Wrote {path}, {system.name}, which does not answer from here.")
        call.console.next_step(_shown(left))
    else:
        call.console.result(document, f"The agent is {system.name} now: {path}.")
        call.console.next_step("hybrid agent status")


@click.command()
@click.option("--dry-run", is_flag=True, help="Show what would be run and removed; change nothing.")
@common_options
def uninstall(call: Call, dry_run: bool) -> None:
    """Undo `hybrid agent install`, and end the agent that it started. Where nothing is installed, that is success.

    What the agent keeps of the project, such as its log, stays.

    \b
    Examples:
      hybrid agent uninstall
    """
    project = call.project()
    system, mine = service.here(), service.of(project)
    steps = system.uninstall(mine)
    path = system.file(mine)
    was_there = any(os.path.lexists(step.path) for step in steps if isinstance(step, Remove))
    left: list[Word] = []
    if was_there and not dry_run:
        left = take(steps, answers=system.answers())
    document = {
        "dry_run": dry_run,
        "removed": was_there and not dry_run,
        "system": system.name,
        "file": str(path),
        **_commands(steps if was_there else [], left),
    }
    if not was_there:
        call.console.result(document, "Nothing is installed.")
    elif dry_run:
        call.console.result(document, f"Remove {path}\n{_shown(steps)}")
    else:
        call.console.result(document, f"Removed {path}.")


def _commands(steps: Sequence[Step], left: Sequence[Word]) -> dict[str, object]:
    commands = [list(step.words) for step in steps if isinstance(step, Word)]
    return {"commands": commands, "left": [list(each.words) for each in left]}


def _shown(steps: Sequence[Step]) -> str:
    return " && ".join(shlex.join(step.words) for step in steps if isinstance(step, Word))
