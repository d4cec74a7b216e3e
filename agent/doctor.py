"""What ``hybrid doctor`` finds: named checks in the order in which one leans on another.

A check that cannot be made because an earlier one failed is left out. Nothing is changed, but for this
laptop's id where it has none yet, and a folder ``doctor-<laptop>-<random>`` in the mailbox that is gone again at the end.
"""

from collections.abc import Iterator
from pathlib import Path

from sync.clock import Clock
from sync.progress import Progress, Silent

from .doctor_findings import Examiner, Finding, ok, warn
from .project import Project, enclosing


def examine(
    start: Path, clock: Clock, *, offline: bool, limit_s: float | None = None, meter: Progress | None = None
) -> Iterator[Finding]:
    """All checks for the project that ``start`` lies in, one by one; ``offline`` leaves out what needs a network.

    No check takes longer than ``limit_s`` seconds, or than its own limit where none is given.
    """
    from . import doctor_machine, doctor_project

    examiner = Examiner(meter or Silent(), limit_s)
    if not (yield from doctor_machine.examine(examiner)):
        return
    projects: list[Project] = []

    def settings() -> Iterator[Finding]:
        if enclosing(start) is None:
            yield warn(
                "project", f"{start} is in no project, so only this machine was checked", "hybrid init"
            )
            return
        project = Project.find(start)
        projects.append(project)
        yield ok("config", f"project {project.config.project.id} in {project.root}")

    yield from examiner.make("config", settings)
    if not projects:
        return
    project = projects[0]
    yield from doctor_project.examine(project, clock, examiner)
    if project.config.grade.judge:
        from . import doctor_judge

        yield from doctor_judge.examine(project.config.grade, clock, examiner, offline=offline)
    if offline or project.config.remote.url is None:
        return
    from . import doctor_host, doctor_mailbox

    reached = True
    for host in doctor_host.hosts(project):
        answers = yield from doctor_host.examine(host, clock, examiner)
        reached = reached and (answers or not host.is_mailbox)
    if reached:
        yield from doctor_mailbox.examine(project, clock, examiner)
