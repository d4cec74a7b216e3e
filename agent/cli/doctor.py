"""``hybrid doctor``: looks for what would go wrong, and says what to do about it."""

import click

from ..doctor import examine
from ..doctor_findings import Finding, Status, worst
from ..exits import Exit
from ..sizes import count
from .options import Call, common_options, current_folder

_WIDTH = 16


@click.command()
@click.option("--offline", is_flag=True, help="Leave out what contacts the mailbox or another machine.")
@click.option(
    "--limit",
    metavar="SECONDS",
    type=click.FloatRange(min=0, min_open=True),
    help="Give no check longer than this; each has a limit of its own.",
)
@common_options
def doctor(call: Call, offline: bool, limit: float | None) -> int:
    """Check this machine, the project and its mailbox.

    Shows each finding at once, and at the end what to do first. Writes one small file into the mailbox, to see whether
    it keeps its promises, and removes it again. Warnings are no failure.

    \b
    Examples:
      hybrid doctor
      hybrid doctor --offline --json
    """
    findings: list[Finding] = []
    meter = call.console.progress()
    for finding in examine(current_folder(), call.clock, offline=offline, limit_s=limit, meter=meter):
        findings.append(finding)
        if not call.json:
            call.console.stream({}, _lines(finding))
    first = worst(findings)
    bad = any(each.status is Status.FAIL for each in findings)
    checks = [
        {"name": each.name, "status": each.status.value, "what": each.what, "fix": each.fix}
        for each in findings
    ]
    document = {"ok": not bad, "first": first.name if first else None, "checks": checks}
    call.console.result(document, _ending(findings, first))
    return Exit.FAILED if bad else Exit.DONE


def _lines(finding: Finding) -> str:
    line = f"{finding.status.value:<4}  {finding.name:<{_WIDTH}}  {finding.what}"
    return line + (f"\n{'':4}  {'':{_WIDTH}}  Try: {finding.fix}" if finding.fix else "")


def _ending(findings: list[Finding], first: Finding | None) -> str:
    if first is None:
        return f"\nAll {len(findings)} checks are well."
    of = {status: sum(each.status is status for each in findings) for status in Status}
    told = [f"{of[Status.FAIL]} failed"] * bool(of[Status.FAIL])
    told += [count(of[Status.WARN], "warning")] * bool(of[Status.WARN])
    return f"\n{count(len(findings), 'check')}: {', '.join(told)}. First, {first.name}: {first.fix}"
