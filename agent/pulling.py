"""Pulling a run into the project's outputs, as ``hybrid pull`` and ``hybrid run --wait`` do."""

import contextlib
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sync.mailbox import layout
from sync.mailbox.records import LARGEST_RECORD, Spec
from sync.mailbox.state import OVER
from sync.progress import Progress
from sync.pull.early import Early
from sync.pull.filters import Filters
from sync.pull.pulled import Pulled
from sync.pull.puller import Puller
from sync.store.lanes import Lanes

from . import run_facts
from .choices import LocalChoices
from .console import path_text
from .mailbox import Mailbox
from .project import Project
from .state import State
from .state import opened as opened_state

if TYPE_CHECKING:
    from .cli.options import Call


@contextlib.contextmanager
def asked_early(mailbox: Mailbox, names: Sequence[str]) -> Iterator[Early]:
    """What a pull of ``names`` (none: of all runs) begins with is asked of the mailbox in one go, while the context
    lasts. A name may turn out not to be a run's id; then it was asked in vain, and nothing else."""
    before, base = mailbox.remote, mailbox.base
    with Lanes(before.capabilities.connections) as lanes:
        early = Early(before, lanes)
        early.read_soon(f"{base}/{layout.FORMAT}", 0, LARGEST_RECORD)
        early.list_folders_soon(f"{base}/{layout.RUNS}")
        for name in names:
            if re.fullmatch(layout.RUN_ID, name):
                early.read_soon(f"{base}/{layout.spec(name)}", 0, LARGEST_RECORD)
                early.list_files_soon(f"{base}/{layout.run(name)}")
        mailbox.remote = early
        try:
            yield early
        finally:
            mailbox.remote = before


@contextlib.contextmanager
def puller(
    mailbox: Mailbox, state: State, progress: Progress, *, into: Path | None = None
) -> Iterator[Puller]:
    """Pulls into ``into`` (default: the project's outputs) while it holds the project's pull lock. What lies in the
    project's outputs is not fetched again."""
    project = mailbox.project
    settings = project.config.pull
    outputs = project.root / project.config.project.outputs
    with project.lock("pull"):
        yield Puller(
            mailbox.remote,
            mailbox.base,
            laptop=mailbox.laptop,
            outputs=into or outputs,
            older=[outputs],
            choices=LocalChoices(state),
            filters=Filters(include=settings.include, exclude=settings.exclude, max_size=settings.max_size),
            progress=progress,
        )


def pull_run(call: "Call", project: Project, mailbox: Mailbox, spec: Spec) -> Pulled:
    """Pulls one run, and warns of what could not be had. Raises what ``Puller.pull`` raises, and Locked."""
    with (
        opened_state(project, call.console.warn) as state,
        puller(mailbox, state, call.console.progress()) as pulling,
    ):
        pulled = pulling.pull(spec)
        if pulled.phase in OVER:
            run_facts.remember(mailbox, state, spec, pulled.seen)
    warn(call, pulled)
    return pulled


def warn(call: "Call", pulled: Pulled) -> None:
    for problem in pulled.problems:
        call.console.warn(f"Skipped in {pulled.run}: {path_text(problem.path)} {problem.what}.")
    for shard, why in pulled.incomplete.items():
        call.console.warn(f"Run {pulled.run}, shard {shard} is not whole here: {why}")
