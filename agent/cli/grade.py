"""``hybrid grade``: scores what a run brought home, by a rule, and keeps every grade in the ledger."""

import os
import sys
from pathlib import Path

import click

from local_grader import report as reports
from local_grader import scorers
from local_grader.kept import grading_in
from local_grader.reading.fields import Fields
from local_grader.report import Report
from local_grader.reports import summary, words
from local_grader.reports.contents import contents
from local_grader.scorer import Option
from local_grader.scorers.rouge import VARIANTS
from local_grader.scores import ANSWERED_TWICE

from ..config_grade import POOLS
from ..console import Console
from ..daemon.tell import tidings
from ..daemon.tell.journal import note_done
from ..exits import Exit
from ..grading import Said, request_for
from ..hours import Hours
from ..sittings import Sitting
from ..when import FORM, When
from .complete import judges as judges_known
from .complete import rubrics, runs_or_files
from .grade_sittings import sit
from .options import Call, common_options


def _when(_context: click.Context, _parameter: click.Parameter, text: str | None) -> When | None:
    if text is None or text.strip().lower() == "any":
        return None if text is None else When()
    try:
        return When.parse(text)
    except ValueError as error:
        raise click.BadParameter(f"{text!r} is not {FORM}, or any") from error


_MOST_READ_BACK = 50_000


@click.command()
@click.argument("target", metavar="RUN|FILE", shell_complete=runs_or_files)
@click.option(
    "--scorer", type=click.Choice(scorers.NAMES), help="The rule that compares answers with references."
)
@click.option(
    "--references", metavar="FILE", type=click.Path(path_type=Path), help="The right answers, by id."
)
@click.option(
    "--files", metavar="GLOB", multiple=True, help="Grade only these files of the run; may be repeated."
)
@click.option("--id-field", metavar="NAME", help="The field that identifies a sample.")
@click.option("--answer-field", metavar="NAME", help="The field with the answer.")
@click.option("--reference-field", metavar="NAME", help="The field with the right answer.")
@click.option(
    "--group-field",
    "--cluster",
    metavar="NAME",
    help="What samples have in common (an article, a task): reported by it, and intervals allow for it.",
)
@click.option("--context-field", metavar="NAME", help="The field with the text that the answer must keep to.")
@click.option("--case-sensitive", is_flag=True, default=None, help="Tell capital from small letters.")
@click.option("--pattern", metavar="REGEX", help="pattern: what to find; its group, if any, is the answer.")
@click.option("--tolerance", metavar="X", type=float, help="numeric: how far a number may be off.")
@click.option(
    "--relative-tolerance", metavar="X", type=float, help="numeric: the same, as a share of the reference."
)
@click.option("--single-number", is_flag=True, default=None, help="numeric: more than one number is wrong.")
@click.option("--attempts", metavar="K", type=int, help="arc: how many attempts count. [default: 2]")
@click.option("--choices", metavar="ABC|X,Y", help="choice: letters, or words with commas. [default: ABCD]")
@click.option("--variant", type=click.Choice(VARIANTS), help="rouge: which one. [default: rougeL]")
@click.option("--schema", metavar="FILE", help="json-schema: what the answer must keep to.")
@click.option("--function", metavar="FILE.py:NAME", help="python: your function, which gives the grade.")
@click.option("--seconds", metavar="X", type=float, help="python, code: time for one answer. [default: 10]")
@click.option("--memory", metavar="GB", type=float, help="python, code: memory. [default: 8 and 2]")
@click.option(
    "--allow-code", is_flag=True, default=None, help="code: run the answers as programs on this machine."
)
@click.option(
    "--judge",
    "judges",
    metavar="MODEL",
    multiple=True,
    shell_complete=judges_known,
    help="A model that decides what the scorer leaves open, as MODEL or MODEL@URL; may be repeated.",
)
@click.option(
    "--rubric",
    metavar="NAME|FILE",
    shell_complete=rubrics,
    help="What the judges are asked. [default: correct]",
)
@click.option(
    "--pool", type=click.Choice(POOLS), help="How several judges become one verdict. [default: veto]"
)
@click.option(
    "--against",
    metavar="RUN|FILE",
    shell_complete=runs_or_files,
    help="The answers to compare with, for --rubric pairwise.",
)
@click.option(
    "--endpoint", metavar="URL", help="The judges' server; one that ends in /v1 speaks as OpenAI's does."
)
@click.option(
    "--slots",
    metavar="N",
    type=click.IntRange(1),
    help="Requests the server works on at once. [default: found out]",
)
@click.option(
    "--context", metavar="TOKENS", type=click.IntRange(1), help="Tokens for prompt and reply. [default: 4096]"
)
@click.option("--fresh", is_flag=True, help="Ask the judges again what they have answered before.")
@click.option(
    "--pull-model", is_flag=True, help="Fetch a model that the server does not have, without asking."
)
@click.option("--follow", is_flag=True, help="Pull and grade what comes, until the run is over.")
@click.option(
    "--when", metavar="WHEN", callback=_when, help="When judges may be asked, as in [grade], or any."
)
@click.option(
    "--keep-awake", is_flag=True, default=None, help="Keep this machine awake until the judges are through."
)
@common_options
def grade(
    call: Call,
    /,
    target: str,
    scorer: str | None,
    references: Path | None,
    files: tuple[str, ...],
    id_field: str | None,
    answer_field: str | None,
    reference_field: str | None,
    group_field: str | None,
    context_field: str | None,
    judges: tuple[str, ...],
    rubric: str | None,
    pool: str | None,
    against: str | None,
    endpoint: str | None,
    slots: int | None,
    context: int | None,
    fresh: bool,
    pull_model: bool,
    follow: bool,
    when: When | None,
    keep_awake: bool | None,
    **options: Option,
) -> int:
    """Grade the answers of a pulled run, or in a file, by a rule and, where it leaves something open, by local models.

    Answers are read from JSON lines, JSON, Parquet, CSV and TSV. What cannot be graded, and what was never answered, is counted
    by itself and never as wrong. What a judge has said is kept, and never asked again. Every grade is kept in .hybrid/ledger/grades; grading the same again adds nothing.
    What is not said here is taken from [grade] in hybrid.toml.

    \b
    Examples:
      hybrid grade r7 --scorer includes
      hybrid grade r7 --scorer numeric --references gold.jsonl --tolerance 0.01
      hybrid grade answers.jsonl --scorer pattern --pattern "Answer: (\\w+)"
      hybrid grade submission.json --scorer arc --references arc_training.jsonl
      hybrid grade r7 --scorer python --function rules.py:grade
      hybrid grade r7 --judge qwen3:4b --references gold.jsonl
      hybrid grade r7 --judge qwen3:4b --judge phi4-mini --rubric faithful
      hybrid grade r7 --judge qwen3:4b --rubric pairwise --against r6
      hybrid grade r7 --follow --judge qwen3:4b --when "ac, 22:00-07:00"
    """
    project = call.project()
    said = Said(
        scorer=scorer,
        references=references,
        files=files,
        fields=Fields(
            id=id_field,
            answer=answer_field,
            reference=reference_field,
            group=group_field,
            context=context_field,
        ),
        options={name: value for name, value in options.items() if value is not None},
        judges=judges,
        rubric=rubric,
        pool=pool,
        endpoint=endpoint,
        slots=slots,
        context=context,
        rivals=against,
        fresh=fresh,
        may_pull=lambda model: pull_model or _confirmed(call, model),
    )
    settings = project.config.grade
    hours = Hours(when or settings.when or When(), call.clock)
    request = request_for(project, target, said, hours)
    last = sit(call, project, request, hours, follow=follow, keep_awake=keep_awake or settings.keep_awake)
    note_done(project, call.clock, tidings.graded(last.report, by_hand=True), call.console.warn)
    if not last.standing.is_whole:
        call.console.warn(f"Run {last.report.entry.run} {last.standing.ending}, and not all of it is here.")
    _show(last.report, call.console, is_streamed=follow and call.json)
    return _code(last)


def _code(last: Sitting) -> Exit:
    report = last.report
    if not report.summary.scored:
        return Exit.FAILED
    is_whole = last.standing.is_whole and not report.problems and not report.troubles
    if report.decided is not None and report.decided.unjudged:
        is_whole = False
    return Exit.DONE if is_whole else Exit.PARTIAL


def _confirmed(call: Call, model: str) -> bool:
    if call.json or not sys.stdin.isatty():
        return False
    call.console.say(f"The server does not have {model}.")
    return click.confirm("Fetch it now?", default=False, err=True)


def _rows(report: Report) -> list[tuple[str, str]]:
    """As ``hybrid report`` tells it, with intervals that allow for groups and for what is known of the judges; of very many
    samples, and of a grading that is not kept, what was counted in passing."""
    kept = grading_in(report.ledger) if report.ledger and report.summary.samples <= _MOST_READ_BACK else None
    if kept is None:
        return reports.rows(report)
    return [*reports.here(report), *summary.rows(contents(kept)), *reports.asked(report)]


def _show(report: Report, console: Console, *, is_streamed: bool) -> None:
    for problem in report.problems:
        console.warn(f"{os.fsdecode(problem.path)} {problem.what}.")
    for skipped in report.skipped:
        console.say(f"Skipped, because it holds no answers: {os.fsdecode(skipped.path)} {skipped.what}.")
    for warning in report.decided.warnings if report.decided else ():
        console.warn(warning)
    for trouble in report.troubles:
        console.warn(f"{trouble} {trouble.hint}".rstrip())
    console.table(f"Grades of {report.entry.run}", ("measure", "value"), _rows(report))
    for title, parts in (("shard", report.shards), ("group", report.groups)):
        rows = words.part_rows(parts)
        if rows:
            console.table(f"By {title}", (title, "right", "samples"), rows)
    if report.recorded:
        console.say(f"Every grade is in {report.ledger}.")
    else:
        console.say(f"This came to the same as before; every grade is in {report.ledger}.")
    if is_streamed:
        console.stream(reports.to_json(report))
    else:
        console.result(reports.to_json(report))
    if not report.summary.scored and any("reference" in reason for reason in report.summary.unscored):
        console.next_step("give the right answers with --references FILE")
    if ANSWERED_TWICE in report.summary.unscored:
        console.next_step("narrow the files with --files, or name what tells samples apart with --id-field")
