"""What a shell offers in place of a run, a ``[run.NAME]``, a target, a grading, a judge or a rubric.

Only what this machine knows is asked: a mailbox or a model's server elsewhere would let a key press wait for a network.
"""

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem

from sync.clock import SystemClock
from sync.errors import HybridError

from ..project import Project
from ..run_names import name_of

if TYPE_CHECKING:
    from local_grader.kept import KeptGrading


def run_ids(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Names and ids, newest first: from the mailbox where that is a folder here, else from what was pulled."""
    return _starting(_runs(_project()), incomplete)


def runs_or_files(
    context: click.Context, parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Runs; files where no run begins like that."""
    return run_ids(context, parameter, incomplete) or [CompletionItem(incomplete, type="file")]


def graded(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """What was graded, newest first, as a run's name or a file's; then what ``run_ids`` offers."""
    project = _project()
    found = [one.run for one in _gradings(project)]
    return _starting([*(name_of(run) or run for run in found), *_runs(project), *found], incomplete)


def gradings(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Keys, newest first: of the run that the line names, where it names one that was graded."""
    from ..grades import SHOWN
    from ..grades import graded as graded_as
    from ..grades_text import way

    project = _project()
    known = _gradings(project)
    # Of a line that ends in the middle of an option, click has not yet said what is what.
    words = [context.params.get("run"), *context.args]
    wanted: set[str] = set()
    for word in words:
        with suppress(HybridError, OSError):  # no run, or a value of an option
            wanted |= graded_as(project, word).keys if project and word else set()
    return [
        CompletionItem(one.key[:SHOWN], help=f"{one.title}, by {way(one)}")
        for one in known
        if (not wanted or one.key in wanted) and one.key.startswith(incomplete)
    ]


def gradings_or_graded(
    context: click.Context, parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Keys where some are to be removed, else what was graded."""
    if context.params.get("remove"):
        return gradings(context, parameter, incomplete)
    found = [one.run for one in _gradings(_project())]
    return _starting([*(name_of(run) or run for run in found), *found], incomplete)


def graded_by(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Scorers and judges of kept gradings: what two gradings of two runs have in common."""
    known = _gradings(_project())
    return _starting([word for one in known for word in (one.scorer, *one.judges)], incomplete)


def judges(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Models that ``[grade]`` names or a kept grading was made with."""
    project = _project()
    said = project.config.grade.judge if project else ()
    return _starting([*said, *(model for one in _gradings(project) for model in one.judges)], incomplete)


def rubrics(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Those that come with the program, those in the project's ``rubrics``; files where none begins like that."""
    from local_grader.rubrics import NAMES

    project = _project()
    files = sorted((project.root / "rubrics").glob("*.toml")) if project else []
    # What is typed is meant from where one is.
    found = _starting([*NAMES, *map(os.path.relpath, files)], incomplete)
    return found or [CompletionItem(incomplete, type="file")]


def named_runs(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    project = _project()
    return _starting(project.config.runs if project else (), incomplete)


def targets(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    project = _project()
    machines = [f"ssh:{name}" for name in (project.config.machines if project else ())]
    return _starting(("local", *machines), incomplete)


def _starting(words: Iterable[str], incomplete: str) -> list[CompletionItem]:
    return [CompletionItem(each) for each in dict.fromkeys(words) if each.startswith(incomplete)]


def _project() -> Project | None:
    try:
        return Project.find(Path.cwd())
    except (HybridError, OSError):
        return None


def _runs(project: Project | None) -> list[str]:
    """Names, then ids."""
    if project is None:
        return []
    try:
        found = sorted(_known(project), reverse=True)
    except (HybridError, OSError):
        return []  # a shell shows no errors here
    return [*filter(None, map(name_of, found)), *found]


def _gradings(project: Project | None) -> "list[KeptGrading]":
    """Newest first."""
    if project is None:
        return []
    from local_grader import kept

    try:
        return kept.gradings(project.state_dir / "ledger")
    except OSError:
        return []


def _known(project: Project) -> list[str]:
    if (project.config.remote.url or "").startswith("folder:"):
        from ..mailbox import opened

        with opened(project, SystemClock()) as mailbox:
            return mailbox.run_ids()
    outputs = project.root / project.config.project.outputs
    return [each.name for each in outputs.iterdir() if name_of(each.name)]
