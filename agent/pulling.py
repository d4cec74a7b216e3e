"""Pulling a run into the project's outputs, as ``hybrid pull`` and ``hybrid run --wait`` do."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from sync.filters import Filters
from sync.mailbox.records import Spec
from sync.pull import Puller
from sync.pulled import Pulled

from .choices import LocalChoices
from .console import path_text
from .mailbox import Mailbox
from .project import Project
from .state import opened as opened_state

if TYPE_CHECKING:
    from .cli.options import Call


@contextlib.contextmanager
def puller(call: "Call", project: Project, mailbox: Mailbox, into: Path | None = None) -> Iterator[Puller]:
    """Pulls into ``into`` (default: the project's outputs) while it holds the project's pull lock."""
    settings = project.config.pull
    with project.lock("pull"), opened_state(project, call.console.warn) as state:
        yield Puller(
            mailbox.remote,
            mailbox.base,
            laptop=mailbox.laptop,
            outputs=into or project.root / project.config.project.outputs,
            choices=LocalChoices(state),
            filters=Filters(include=settings.include, exclude=settings.exclude, max_size=settings.max_size),
            progress=call.console.progress(),
        )


def pull_run(call: "Call", project: Project, mailbox: Mailbox, spec: Spec) -> Pulled:
    """Pulls one run, and warns of what could not be had. Raises what ``Puller.pull`` raises, and Locked."""
    with puller(call, project, mailbox) as pulling:
        pulled = pulling.pull(spec)
    warn(call, pulled)
    return pulled


def warn(call: "Call", pulled: Pulled) -> None:
    for problem in pulled.problems:
        call.console.warn(f"Skipped in {pulled.run}: {path_text(problem.path)} {problem.what}.")
    for shard, why in pulled.incomplete.items():
        call.console.warn(f"Run {pulled.run}, shard {shard} is not whole here: {why}")
