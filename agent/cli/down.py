"""``hybrid down``: ends the runners that this project has started."""

import click

from sync.errors import HybridError

from .. import launchers, machines
from ..exits import Exit
from ..launchers import launcher
from ..launchers.base import Liveness
from ..sizes import count
from .complete import targets
from .options import Call, common_options

WAIT_S = 60.0
_LOOK_S = 0.5


@click.command()
@click.option(
    "--on", "target", metavar="TARGET", shell_complete=targets, help="Only the runners of this target."
)
@click.option("--no-wait", is_flag=True, help="Ask them to end, and do not wait until they have.")
@common_options
def down(call: Call, target: str | None, no_wait: bool) -> int | None:
    """End the runners: a pause, after which `hybrid up` goes on.

    Each ends its commands, publishes checkpoints and what they have written so far, and gives its run back. Says
    that a runner has ended only when its machine says so.

    \b
    Examples:
      hybrid down
      hybrid down --on ssh:box --no-wait
    """
    project = call.project()
    if target is not None:
        launchers.check(target)
    ended: list[dict[str, object]] = []
    left: list[dict[str, object]] = []
    failed = False
    with machines.remembered(project, call.console.warn) as known:
        wanted = [each for each in known.open() if target in (None, each.handle.target)]
        for where in sorted({each.handle.target for each in wanted}):
            mine = [each for each in wanted if each.handle.target == where]
            try:
                launch = launcher(where, project)
            except HybridError as error:
                call.console.warn(f"{where} cannot be asked: {error}")
                left += [{**each.handle.to_json(), "why": str(error)} for each in mine]
                failed = True
                continue
            try:
                for machine in mine:
                    launch.stop(machine.handle)
                    known.asked_to_end(machine)
                until = call.clock.monotonic() + (0 if no_wait else WAIT_S)
                while mine:
                    for machine in list(mine):
                        if launch.liveness(machine.handle) is Liveness.GONE:
                            known.ended(machine, call.clock.wall())
                            ended.append(machine.handle.to_json())
                            mine.remove(machine)
                    if call.clock.monotonic() >= until:
                        break
                    call.clock.sleep(_LOOK_S if mine else 0)
                left += [{**each.handle.to_json(), "why": "it has been asked to end"} for each in mine]
                failed = failed or bool(mine and not no_wait)
            finally:
                launch.close()
    text = f"{count(len(ended), 'runner')} ended" + (f", {len(left)} not yet" if left else "")
    call.console.result(
        {"ended": ended, "left": left}, f"{text}." if ended or left else "No runner was at work."
    )
    if left:
        call.console.next_step("hybrid down, again in a while")
    return Exit.PARTIAL if failed else None
