"""``hybrid grade``: scores what a run brought home, by a rule, and keeps every grade in the ledger."""

import sys
from pathlib import Path

import click

from local_grader import report as reports
from local_grader import scorers
from local_grader.ahead.preview import preview
from local_grader.ahead.trial import trial
from local_grader.judge import ModelMissing
from local_grader.reading.fields import Fields
from local_grader.scorer import Option
from local_grader.scorers.rouge import VARIANTS
from sync.errors import HybridError

from ..config_grade import POOLS
from ..console import visible
from ..daemon.tell import tidings
from ..daemon.tell.journal import note_done
from ..grading import Said, called_by, request_for
from ..hours import Hours
from ..when import FORM, When
from . import grade_page, grade_preview
from .complete import judges as judges_known
from .complete import rubrics, runs_or_files
from .grade_sittings import sit
from .named import Named
from .options import Call, common_options


def _when(_context: click.Context, _parameter: click.Parameter, text: str | None) -> When | None:
    if text is None or text.strip().lower() == "any":
        return None if text is None else When()
    try:
        return When.parse(text)
    except ValueError as error:
        raise click.BadParameter(f"{text!r} is not {FORM}, or any") from error


@click.command()
@click.argument("target", metavar="RUN|FILE", shell_complete=runs_or_files)
@click.option("--scorer", type=Named(scorers.NAMES), help="The rule that compares answers with references.")
@click.option(
    "--references", metavar="FILE", type=click.Path(path_type=Path), help="The right answers, by id."
)
@click.option(
    "--files", metavar="GLOB", multiple=True, help="Grade only these files of the run; may be repeated."
)
@click.option("--id-field", metavar="NAME", help="The field that identifies a sample; '#': the row's number.")
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
@click.option("--variant", type=Named(VARIANTS), help="rouge: which one. [default: rougeL]")
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
@click.option("--pool", type=Named(POOLS), help="How several judges become one verdict. [default: veto]")
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
@click.option(
    "--follow",
    is_flag=True,
    help="Pull and grade what comes, until the run is over or no runner has worked on it for an hour.",
)
@click.option("--dry-run", is_flag=True, help="Tell what would be graded and asked, and do nothing.")
@click.option(
    "--limit",
    metavar="N",
    type=click.IntRange(1),
    help="Try it on the first N of the outputs; such grades are not kept.",
)
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
    dry_run: bool,
    limit: int | None,
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
      hybrid grade r7 --judge qwen3:4b --dry-run
      hybrid grade r7 --judge qwen3:4b --limit 20
      hybrid grade r7 --judge qwen3:4b --judge phi4-mini --rubric faithful
      hybrid grade r7 --judge qwen3:4b --rubric pairwise --against r6
      hybrid grade r7 --follow --judge qwen3:4b --when "ac, 22:00-07:00"
    """
    if follow and (dry_run or limit is not None):
        raise click.UsageError(f"--follow does not go with {'--dry-run' if dry_run else '--limit'}.")
    project = call.project()
    is_judged = bool(judges) or scorer == "judge"
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
        may_pull=lambda model: pull_model or _may_pull(call, model, is_asked_for=is_judged),
        tell=call.console.say,
    )
    settings = project.config.grade
    hours = Hours(when or settings.when or When(), call.clock)
    request = request_for(project, target, said, hours)
    if limit is not None:
        request = trial(request, limit)
    if dry_run:
        found = preview(request, call.clock, call.console.progress())
        called = called_by(request, found.run)
        return grade_preview.show(found, call.console, called, limit, hours.why_not())
    last = sit(call, project, request, hours, follow=follow, keep_awake=keep_awake or settings.keep_awake)
    if limit is None:
        event = tidings.graded(reports.to_json(last.report), by_hand=True)
        note_done(project, call.clock, event, call.console.warn)
    if not last.standing.is_whole:
        call.console.warn(f"Run {last.report.entry.run} {last.standing.ending}, and not all of it is here.")
    called = called_by(request, last.report.entry.run)
    grade_page.show(last.report, call.console, called, is_streamed=follow and call.json, limit=limit)
    return grade_page.exit_of(last)


def _may_pull(call: Call, model: str, *, is_asked_for: bool) -> bool:
    """Whether to fetch a model, as somebody at the terminal decides. Who says no to the judge that they asked for wants no
    grading without it."""
    if call.json or not (sys.stdin.isatty() and sys.stderr.isatty()):
        return False
    missing = sys.exception()  # this is asked where the server has just said so
    told = str(missing) if isinstance(missing, ModelMissing) else f"The server does not have {model}."
    call.console.say(told)
    if click.confirm(f"Fetch {visible(model)} now?", default=False, err=True):
        return True
    if is_asked_for:
        raise HybridError(
            f"Nothing was graded, since {model} was not fetched.",
            "Name a model that the server has with --judge, or fetch this one with --pull-model.",
        )
    return False
