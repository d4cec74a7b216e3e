"""``hybrid doctor``: looks for what would go wrong, and says what to do about it."""

import click

from ..doctor import Status, examine
from ..exits import Exit
from .options import Call, common_options, current_folder


@click.command()
@click.option("--offline", is_flag=True, help="Leave out what contacts the mailbox or another machine.")
@common_options
def doctor(call: Call, offline: bool) -> int:
    """Check this machine, the project and its mailbox.

    Writes one small file into the mailbox, to see whether it keeps its promises, and removes it again. Warnings
    are no failure.

    \b
    Examples:
      hybrid doctor
      hybrid doctor --offline --json
    """
    meter = call.console.progress()
    meter.start("check", unit="checks")
    findings = []
    for finding in examine(current_folder(), call.clock, offline=offline):
        findings.append(finding)
        meter.advance(1)
    meter.finish()
    width = max(len(each.name) for each in findings)
    lines = []
    for each in findings:
        lines.append(f"{each.status.value:<4}  {each.name:<{width}}  {each.what}")
        if each.fix:
            lines.append(f"{'':4}  {'':{width}}  Try: {each.fix}")
    bad = any(each.status is Status.FAIL for each in findings)
    checks = [
        {"name": each.name, "status": each.status.value, "what": each.what, "fix": each.fix}
        for each in findings
    ]
    call.console.result({"ok": not bad, "checks": checks}, "\n".join(lines))
    return Exit.FAILED if bad else Exit.DONE
