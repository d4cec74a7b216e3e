"""``hybrid report``: what a kept grading came to, on the screen and in files for people and programs."""

import sys
import webbrowser
from pathlib import Path

import click

from local_grader.reports import summary, words
from local_grader.reports.contents import Contents, contents
from local_grader.reports.forms import FORMS, form_of, write
from local_grader.reports.gate import Gate, gate
from sync.errors import UsageError

from .. import grades
from ..console import Console
from ..exits import Exit
from ..project import Project
from .complete import graded, gradings
from .options import Call, common_options

_PRINTED = tuple(form for form in FORMS if form != "parquet")


@click.command()
@click.argument("run", metavar="RUN|FILE", shell_complete=graded)
@click.option(
    "--grading",
    metavar="WORD",
    shell_complete=gradings,
    help="Which grading: a scorer, a rubric, a judge, or the beginning of a key.",
)
@click.option(
    "--out",
    metavar="FILE",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Write a file, in the form that its ending names; may be repeated.",
)
@click.option("--html", metavar="FILE", type=click.Path(path_type=Path), help="Write one page for a browser.")
@click.option(
    "--markdown", metavar="FILE", type=click.Path(path_type=Path), help="Write Markdown for a pull request."
)
@click.option("--csv", metavar="FILE", type=click.Path(path_type=Path), help="Write a table of samples.")
@click.option(
    "--parquet", metavar="FILE", type=click.Path(path_type=Path), help="The same, all texts as they are."
)
@click.option("--junit", metavar="FILE", type=click.Path(path_type=Path), help="Write XML for build servers.")
@click.option("--format", "printed", type=click.Choice(_PRINTED), help="Print that form, and nothing else.")
@click.option(
    "--min-pass",
    metavar="SHARE",
    type=click.FloatRange(0, 1),
    help="End with 1 unless that share of all samples is right, as in 0.8.",
)
@click.option("--open", "opened", is_flag=True, help="Open the page in a browser.")
@common_options
def report(
    call: Call,
    /,
    run: str,
    grading: str | None,
    out: tuple[Path, ...],
    printed: str | None,
    min_pass: float | None,
    opened: bool,
    **named: Path | None,
) -> int:
    """Report the grades of a run, or of a graded file, from what is kept in the ledger.

    Nothing is graded anew and no judge is asked. The newest grading is shown. The HTML page holds all that it needs, and
    opens without a network.

    \b
    Examples:
      hybrid report r7
      hybrid report r7 --html r7.html --open
      hybrid report r7 --out r7.md --out r7.parquet
      hybrid report r7 --junit grades.xml --min-pass 0.8
      hybrid report r7 --format markdown > comment.md
    """
    if printed is not None and call.json:
        raise UsageError(
            f"--format {printed} and --json both say what is to be printed.",
            f"Leave one of them away, or write the {printed} to a file with --{printed} FILE.",
        )
    project = call.project()
    files = [(form_of(path), path) for path in out]
    files += [(form, path) for form, path in named.items() if path is not None]
    kept, called = grades.find(project, run, grading, call.console.warn)
    found = contents(kept)
    if opened and not any(form == "html" for form, _ in files):
        files.append(("html", _own_page(project, found)))
    asked = (
        None
        if min_pass is None
        else gate(found.summary, min_pass, len(found.grading.facts.unread), found.sense)
    )
    for form, path in files:
        write(found, form, path)
    if printed is not None:
        sys.stdout.flush()
        FORMS[printed](found, sys.stdout.buffer)
    else:
        _show(found, called, asked, call.console, files)
    for form, path in files:
        call.console.say(f"Wrote {path} ({form}).")
    if opened:
        _open(next(path for form, path in files if form == "html"), call.console)
    if asked is not None:
        call.console.say(asked.told)
    failed = not found.summary.scored or (asked is not None and not asked.passed)
    return Exit.FAILED if failed else Exit.DONE


def _show(
    found: Contents, called: str, asked: Gate | None, console: Console, files: list[tuple[str, Path]]
) -> None:
    console.table(f"Grades of {called}", ("measure", "value"), summary.rows(found))
    for title, parts in (("shard", found.shards), ("group", found.groups)):
        rows = words.part_rows(parts)
        if rows:
            console.table(f"By {title}", (title, found.sense.high, "samples"), rows)
    document = {
        **summary.to_json(found),
        "gate": None
        if asked is None
        else {"asked": asked.asked, "share": asked.share, "unknown": asked.unknown, "passed": asked.passed},
        "files": [{"form": form, "path": str(path)} for form, path in files],
    }
    console.result(document)


def _own_page(project: Project, found: Contents) -> Path:
    folder = project.state_dir / "reports"
    folder.mkdir(exist_ok=True)
    return folder / f"{found.grading.path.stem}.html"


def _open(page: Path, console: Console) -> None:
    if not webbrowser.open(page.resolve().as_uri()):
        console.warn(f"No browser could be started; open {page} in one.")
