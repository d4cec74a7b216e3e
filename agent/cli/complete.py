"""What a shell offers in place of a run, a ``[run.NAME]`` or a target.

Only what this machine knows is asked: a mailbox elsewhere would let a key press wait for a network.
"""

from pathlib import Path

import click
from click.shell_completion import CompletionItem

from sync.clock import SystemClock
from sync.errors import HybridError

from ..project import Project
from ..run_names import name_of


def run_ids(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Names and ids, newest first: from the mailbox where that is a folder here, else from what was pulled."""
    project = _project()
    if project is None:
        return []
    try:
        found = sorted(_known(project), reverse=True)
    except (HybridError, OSError):
        return []  # a shell shows no errors here
    names = dict.fromkeys(filter(None, map(name_of, found)))
    return [CompletionItem(each) for each in (*names, *found) if each.startswith(incomplete)]


def named_runs(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    project = _project()
    return [
        CompletionItem(each)
        for each in (project.config.runs if project else ())
        if each.startswith(incomplete)
    ]


def targets(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    project = _project()
    machines = [f"ssh:{name}" for name in (project.config.machines if project else ())]
    return [CompletionItem(each) for each in ("local", *machines) if each.startswith(incomplete)]


def _project() -> Project | None:
    try:
        return Project.find(Path.cwd())
    except (HybridError, OSError):
        return None


def _known(project: Project) -> list[str]:
    if project.remote_url.startswith("folder:"):
        from ..mailbox import opened

        with opened(project, SystemClock()) as mailbox:
            return mailbox.run_ids()
    outputs = project.root / project.config.project.outputs
    return [each.name for each in outputs.iterdir() if name_of(each.name)]
