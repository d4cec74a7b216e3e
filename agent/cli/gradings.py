"""``hybrid gradings``: the gradings that are kept here, and their removal."""

import sys
from collections.abc import Callable

import click

from sync.errors import ConfirmationNeeded, UsageError

from .. import grades, gradings_table, kept_gradings
from ..console import Console
from ..kept_gradings import Doomed, Shelf
from ..project import Project
from ..run_words import Words
from ..sizes import count, size
from .complete import gradings_or_graded
from .options import Call, common_options


@click.command()
@click.argument("words", metavar="[RUN|KEY]...", nargs=-1, shell_complete=gradings_or_graded)
@click.option(
    "--remove", is_flag=True, help="Remove the gradings with these keys; the beginning of one will do."
)
@click.option("--force", is_flag=True, help="With --remove: also the only grading of a run.")
@click.option("--dry-run", is_flag=True, help="With --remove: tell what would go, and remove nothing.")
@common_options
def gradings(call: Call, words: tuple[str, ...], remove: bool, force: bool, dry_run: bool) -> None:
    """Show the gradings that are kept here, newest first, all of them or those of some runs.

    With --remove, those that begin with the keys named are removed. Labels, calibrations and what judges have said stay:
    hybrid grade makes a removed grading again, and asks the judges nothing that they have answered.

    \b
    Examples:
      hybrid gradings
      hybrid gradings r7 --json
      hybrid gradings --remove 4f1c09aa 77be
      hybrid gradings --remove 4f1c --dry-run
    """
    project = call.project()
    if remove:
        _remove(call, project, words, force, dry_run)
    elif force or dry_run:
        raise UsageError(
            f"{'--force' if force else '--dry-run'} means nothing without --remove.", "hybrid gradings --help"
        )
    else:
        _show(call.console, kept_gradings.shelf(project, words))


def _show(console: Console, shelf: Shelf) -> None:
    found, unreadable = shelf.kept, shelf.unreadable
    called: Callable[[str], str] = str
    if sys.stdout.isatty():
        called = Words(shelf.runs).short
    document = {
        "gradings": [gradings_table.to_json(each) for each in found],
        "unreadable": [{"key": each.key, "file": str(each.path), "bytes": each.bytes} for each in unreadable],
    }
    total = size(sum(each.bytes for each in found))
    console.result(document, f"{count(len(found), 'grading')}, {total}." if found else "No gradings.")
    if found:
        console.table("", gradings_table.COLUMNS, [gradings_table.row(each, called) for each in found])
    if unreadable:
        keys = ", ".join(each.key[: grades.SHOWN] for each in unreadable)
        console.warn(
            f"{count(len(unreadable), 'grading')} cannot be read, damaged or of another version of hybrid: {keys}."
        )
        console.next_step("hybrid gradings --remove KEY")


def _remove(call: Call, project: Project, words: tuple[str, ...], force: bool, dry_run: bool) -> None:
    if not words:
        raise UsageError("No grading is named.", "Name keys behind --remove; hybrid gradings shows them.")
    doomed = kept_gradings.doomed(project.state_dir / "ledger", words)
    last = kept_gradings.left_without(project.state_dir / "ledger", doomed)
    if last and not force:
        # Nothing goes where not all may go.
        raise ConfirmationNeeded(
            f"No grading of {last[0]} would be left.",
            f"To remove it all the same: hybrid gradings --remove --force {' '.join(words)}",
        )
    if not dry_run:
        for each in doomed:
            kept_gradings.remove(project, each)
    removed = [
        {"key": each.key, "run": each.of, "file": str(each.path), "bytes": each.bytes} for each in doomed
    ]
    lines = [f"{'Would remove' if dry_run else 'Removed'} {_told(each)}." for each in doomed]
    call.console.result({"dry_run": dry_run, "gradings": removed}, "\n".join(lines))
    call.console.say("Labels, calibrations and what judges have said stay.")


def _told(each: Doomed) -> str:
    what = f"{each.of} by {each.way}" if each.of else "what cannot be read"
    return f"{each.key[: grades.SHOWN]}: {what}, {size(each.bytes)}"
