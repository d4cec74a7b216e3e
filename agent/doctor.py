"""What ``hybrid doctor`` finds: named checks, each a small function that can be made to fail.

A check that cannot be made because an earlier one failed is left out. Nothing is changed, but for a folder
``doctor-<random>`` in the mailbox that is gone again at the end.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from sync.clock import Clock
from sync.errors import HybridError

from .project import Project, enclosing


class Status(Enum):
    """WARN: hybrid works, but not as well as it could, or not yet."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """``what`` was found, in a clause; ``fix`` is what to do about it, empty where all is well."""

    name: str
    status: Status
    what: str
    fix: str = ""


def ok(name: str, what: str) -> Finding:
    return Finding(name=name, status=Status.OK, what=what)


def warn(name: str, what: str, fix: str) -> Finding:
    return Finding(name=name, status=Status.WARN, what=what, fix=fix)


def fail(name: str, what: str, fix: str) -> Finding:
    return Finding(name=name, status=Status.FAIL, what=what, fix=fix)


def failed(name: str, error: HybridError) -> Finding:
    return fail(name, str(error), error.hint)


def examine(start: Path, clock: Clock, *, offline: bool) -> Iterator[Finding]:
    """All checks for the project that ``start`` lies in, one by one; ``offline`` leaves out what needs a network."""
    from . import doctor_machine, doctor_mailbox, doctor_project

    yield from doctor_machine.examine()
    if enclosing(start) is None:
        yield warn("project", f"{start} is in no project, so only this machine was checked", "hybrid init")
        return
    try:
        project = Project.find(start)
    except HybridError as error:
        yield failed("project", error)
        return
    yield ok("project", f"{project.config.project.id} in {project.root}")
    yield from doctor_project.examine(project, clock)
    if not offline and project.config.remote.url is not None:
        yield from doctor_mailbox.examine(project, clock)
