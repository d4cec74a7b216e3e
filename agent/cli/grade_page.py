"""What ``hybrid grade`` tells of a grading when it is over, and which code that is."""

import shlex

from local_grader import report as reports
from local_grader.kept import grading_in
from local_grader.report import Report
from local_grader.reports import summary, words
from local_grader.reports.contents import contents
from local_grader.rubrics.prompts import NO_CONTEXT
from local_grader.scores import ANSWERED_TWICE

from ..console import Console
from ..exits import Exit
from ..sittings import Sitting
from ..sizes import count
from .typed import FRESH, typed

_MOST_READ_BACK = 50_000
HOW_CONTEXT = "name the field with the text that answers must keep to with --context-field"


def exit_of(last: Sitting) -> Exit:
    report = last.report
    if not report.summary.scored:
        return Exit.FAILED
    is_whole = last.standing.is_whole and not report.problems and not report.troubles
    if report.decided is not None and report.decided.unjudged:
        is_whole = False
    return Exit.DONE if is_whole else Exit.PARTIAL


def show(
    report: Report, console: Console, called: str, *, is_streamed: bool, limit: int | None = None
) -> None:
    """``called`` is what other commands know the outputs by; ``limit`` of them were graded, None for all."""
    for problem in report.problems:
        console.warn(f"{problem}.")
    for skipped in report.skipped:
        console.say(f"Skipped: {skipped}.")
    for warning in report.decided.warnings if report.decided else ():
        console.warn(warning)
    for trouble in report.troubles:
        console.warn(f"{trouble} {trouble.hint}".rstrip())
    console.table(f"Grades of {called}", ("measure", "value"), [*_trial(limit), *_rows(report)])
    parts_of = () if limit is not None else (("shard", report.shards), ("group", report.groups))
    for title, parts in parts_of:  # of a trial there is too little to tell parts apart
        rows = words.part_rows(parts)
        if rows:
            console.table(f"By {title}", (title, report.sense.high, "samples"), rows)
    if report.recorded:
        console.say(f"Every grade is in {report.ledger}.")
    elif report.ledger is not None:
        console.say(f"This came to the same as before; every grade is in {report.ledger}.")
    document = {**reports.to_json(report), "limit": limit}
    if is_streamed:
        console.stream(document)
    else:
        console.result(document)
    _tell_next(report, console, called, limit)


def _tell_next(report: Report, console: Console, called: str, limit: int | None) -> None:
    if report.troubles and report.decided is not None:
        said = sum(one.health.known + one.health.answered for one in report.decided.heard)
        kept = f", with {count(said, 'verdict')} kept" if said else ""
        console.next_step(f"once the judge can be asked, run the same again{kept}: {typed(without=FRESH)}")
    if NO_CONTEXT in report.summary.unscored:
        console.next_step(HOW_CONTEXT)
    if not report.summary.scored and any("reference" in reason for reason in report.summary.unscored):
        fields = report.entry.fields
        may_be_beside = report.entry.references_sha256 is None and fields.reference is None
        has_other = may_be_beside and fields.answer not in (None, "answer")
        beside = ", or if they are in the field answer: --reference-field answer" if has_other else ""
        console.next_step(f"give the right answers with --references FILE{beside}")
    if ANSWERED_TWICE in report.summary.unscored:
        console.next_step("narrow the files with --files, or name what tells samples apart with --id-field")
    if report.summary.scored and limit is not None:
        again = ", and asks nothing of this again" if report.decided else ""
        console.next_step(f"the same without --limit grades all{again}")
    elif report.summary.scored and report.ledger is not None:
        console.next_step(f"hybrid report {shlex.quote(called)}")


def _trial(limit: int | None) -> list[tuple[str, str]]:
    return [] if limit is None else [("trial", f"the first {limit:,} of the outputs; not kept")]


def _rows(report: Report) -> list[tuple[str, str]]:
    """As ``hybrid report`` tells it, with intervals that allow for groups and for what is known of the judges; of very many
    samples, and of a grading that is not kept, what was counted in passing."""
    kept = grading_in(report.ledger) if report.ledger and report.summary.samples <= _MOST_READ_BACK else None
    if kept is None:
        return reports.rows(report)
    return [*reports.here(report), *summary.rows(contents(kept)), *reports.asked(report)]
