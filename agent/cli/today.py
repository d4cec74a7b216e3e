"""``hybrid today``: what happened since yesterday, on one screen, from what this laptop knows."""

import contextlib
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import click

from sync.errors import UsageError

from .. import today as days
from .. import today_page
from ..daemon import process
from ..daemon.tell import record
from ..daemon.tell.journal import Journal
from ..daemon.tell.status import STOPPED, Status
from ..memory import Memory
from ..project import Project
from ..run_table import Table
from ..run_words import Words
from ..state import opened
from ..today import DayGrade, Today
from ..today_since import moment
from .options import Call, common_options

_MOST_RUNS = 30


@click.command()
@click.option(
    "--since", metavar="TIME", help="From when: 24h, 3d, today, or a date. [default: yesterday's midnight]"
)
@common_options
def today(call: Call, since: str | None) -> None:
    """Show what happened since yesterday: pushes, runs, grades, money, and what needs you.

    Tells what this laptop knows and contacts nothing, so it answers at once, also offline. How long a run took is from
    when it was queued here to when it was home.

    \b
    Examples:
      hybrid today
      hybrid today --since 3d
      hybrid today --since 2026-11-20 --json
    """
    project = call.project()
    day = _look(call, project, since)
    drawn = not call.json and sys.stdout.isatty()
    pictures = drawn and _can_draw()
    called = (
        Words({each.run for each in day.runs} | {each.run for each in day.grades}).short if drawn else str
    )
    shown = replace(day, runs=day.runs[-_MOST_RUNS:])
    text = [today_page.head(day, pictures=pictures), *today_page.tail(day)]
    call.console.result(day.to_json(), "\n".join(text))
    if day.runs:
        _table(call, "Runs", lambda with_bars: today_page.runs(shown, called, pictures=with_bars), pictures)
    if len(shown.runs) < len(day.runs):
        call.console.say(f"... and {len(day.runs) - len(shown.runs)} more before them (--json has all)")
    if day.grades:
        _table(call, "Grades", lambda with_bars: today_page.grades(day, called, pictures=with_bars), pictures)
    step = today_page.next_step(day)
    if step:
        call.console.next_step(step)


def _look(call: Call, project: Project, since: str | None) -> Today:
    now = call.clock.wall()
    then = moment(since, now)
    status = _status(project)
    with opened(project, call.console.warn) as state:
        journal = Journal(state)
        entries = journal.since(then)
        runs = {each.event.run for each in entries} | {each.run for each in (status.runs if status else [])}
        queued = journal.queued(sorted(runs))
        closed = {run: str(told.get("phase")) for run, told in Memory(state).closed().items() if run in runs}
    folder = project.state_dir / "ledger" / "grades"
    grades = _grades(folder, then, days.graded_files(entries))
    return days.tell(entries, grades, status, queued=queued, closed=closed, since=then, until=now)


def _status(project: Project) -> Status | None:
    """The agent's, without what may have changed since it ended."""
    found = record.read(process.place_of(project))
    if found is not None and process.living(project) is None:
        return replace(found, state=STOPPED, runs=[], waiting=None)
    return found


def _grades(folder: Path, since: float, known: set[str]) -> list[DayGrade]:
    """Of the files that were written since then, those that are not ``known``. One that cannot be read is left out:
    `hybrid grade` says what is wrong with it, and writes it anew."""
    found = []
    with contextlib.suppress(FileNotFoundError):
        for path in sorted(folder.iterdir()):
            if path.suffix != ".parquet" or path.name.startswith(".") or path.name in known:
                continue
            with contextlib.suppress(OSError, UsageError):
                at = path.stat().st_mtime
                if at >= since:
                    found.append(_grade(path, at))
    return [each for each in found if each is not None]


def _grade(path: Path, at: float) -> DayGrade | None:
    from local_grader import kept, kept_figures

    grading = kept.grading_in(path)
    if grading is None:
        return None
    figures = kept_figures.figures(grading, with_interval=False)
    return DayGrade(
        run=grading.run,
        scorer=grading.scorer,
        right=figures.right,
        scored=figures.scored,
        samples=figures.samples,
        missing=figures.missing,
        at=at,
        ledger=path.name,
        judges=grading.judges,
    )


def _table(call: Call, title: str, made: Callable[[bool], Table], pictures: bool) -> None:
    """With its pictures where they can be drawn and fit."""
    table = made(pictures)
    if pictures:
        from ..tables import fits

        table = table if fits(sys.stdout, *table) else made(False)
    call.console.table(title, *table)


def _can_draw() -> bool:
    try:
        "━·▁█░".encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
