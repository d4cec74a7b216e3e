"""``hybrid label``: labels samples of a graded run by hand, to measure what graded it."""

import getpass
import re
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path

import click

from local_grader import kept, rubrics
from local_grader import labels as label_files
from local_grader.kept import KeptGrading
from local_grader.rubrics.rubric import Kind, Rubric
from sync.errors import UsageError

from .. import labelling
from ..grades import find
from ..labelling import Choice, State
from ..project import Project
from ..sizes import count
from .complete import graded, gradings
from .options import Call, common_options

_QUESTION = "Is the answer right?"
_COMPARED = "Is the answer a better reply to the question than the other answer?"


@click.command()
@click.argument("run", metavar="RUN|FILE", shell_complete=graded)
@click.option(
    "--n", "n", type=click.IntRange(min=1), default=100, show_default=True, help="How many samples."
)
@click.option("--seed", type=int, default=0, show_default=True, help="Another seed draws other samples.")
@click.option("--hard", is_flag=True, help="Draw more of what no rule could decide.")
@click.option("--labeller", metavar="NAME", help="Who labels. [default: the user's name]")
@click.option(
    "--out",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Where labels go. [default: labels.jsonl]",
)
@click.option(
    "--grading",
    metavar="WORD",
    shell_complete=gradings,
    help="Which grading: a scorer, a rubric, a judge, or the beginning of a key.",
)
@common_options
def label(
    call: Call,
    /,
    run: str,
    n: int,
    seed: int,
    hard: bool,
    labeller: str | None,
    out: Path | None,
    grading: str | None,
) -> None:
    """Label samples of a graded run by hand.

    Shows question, reference and answer of samples that are drawn at random, one after the other, and never what the judge said.
    A key labels each: y or n, or the number of one of the rubric's verdicts; s skips, u undoes, ? explains, q quits. Every label
    is on disk at once, and the next call goes on where this one stopped.

    50 to 100 labels measure a judge well enough to correct its rates. With --hard they tell more of what is hard to
    decide, and correct no rate.

    \b
    Examples:
      hybrid label r7
      hybrid label r7 --n 50 --labeller second
      hybrid calibrate r7 labels.jsonl
    """
    project = call.project()
    kept_grading, called = find(project, run, grading, call.console.warn)
    question, choices = _choices(project, kept_grading)
    path = out or _near(project.root / _name(labeller))
    if path.suffix.lower() != ".jsonl":
        raise UsageError(
            f"Labels are written as JSON lines, and {path} is called otherwise.",
            "Let FILE of --out end in .jsonl.",
        )
    done = _labels(path, kept_grading)
    queue, before = labelling.queue(kept.read(kept_grading), done, n=n, seed=seed, hard=hard)
    state = State(queue=queue, before=before)
    who = labeller or _user()
    if queue:
        if not (sys.stdin.isatty() and sys.stderr.isatty()):
            raise UsageError(
                "Labelling needs a terminal, and there is none.",
                'Call it in one; or write lines such as {"id": "a", "label": true} into a file for hybrid calibrate.',
            )
        from ..labelling_view import View

        def write(sample: str, choice: Choice | None) -> None:
            row: dict[str, object] = {
                "id": sample,
                "label": choice.word if choice else None,
                "value": choice.value if choice else None,
                "labeller": who,
                "run": kept_grading.run,
                "rubric": kept_grading.rubric or label_files.CORRECT,
                "at": round(call.clock.wall(), 3),
            }
            label_files.append(path, row | {"hard": True} if hard else row)

        view = View(sys.stderr, title=called, question=question, choices=choices, write=write)
        try:
            state = view.run(state)
        except KeyboardInterrupt:
            call.console.say(f"What was labelled is in {path}.")
            raise
    _tell(call, run, path, state, _labels(path, kept_grading))


def _tell(call: Call, run: str, path: Path, state: State, labels: Mapping[str, float]) -> None:
    left = len(state.queue) - state.labelled
    document = {
        "file": str(path),
        "labels": len(labels),
        "new": state.labelled,
        "skipped": state.skipped,
        "left": left,
    }
    rest = f" {count(left, 'sample')} left." if left else ""
    call.console.result(
        document, f"{count(len(labels), 'label')} in {path}, {state.labelled:,} of them new.{rest}"
    )
    if labels:
        call.console.next_step(f"hybrid calibrate {shlex.quote(run)} {shlex.quote(str(path))}")


def _choices(project: Project, grading: KeptGrading) -> tuple[str, list[Choice]]:
    """What is to be decided, and in which words: the rubric's, where a judge was asked and it has some."""
    judging = grading.entry.get("judging")
    if not judging:
        return _QUESTION, labelling.choices({})
    rubric = _rubric(project, judging["rubric"], judging["rubric_sha256"])
    if rubric is None:
        said = {
            one.verdict: one.value for grade in kept.read(grading) for one in grade.judgements if one.verdict
        }
        words = {word: value for word, value in said.items() if value is not None}
        return _QUESTION, labelling.choices(words if len(words) > 1 else {})
    if rubric.kind is Kind.PAIRWISE:
        return _COMPARED, labelling.choices(rubric.verdicts)
    words = {} if rubric.kind is Kind.CRITERIA else dict(rubric.verdicts)
    return rubric.question if words else _QUESTION, labelling.choices(words)


def _rubric(project: Project, name: str, sha256: str) -> Rubric | None:
    """The rubric of that name, where it is still the same one."""
    for place in (name, f"rubrics/{name}.toml", f"{name}.toml"):
        try:
            found = rubrics.load(place, project.root)
        except UsageError:
            continue
        if found.sha256 == sha256:
            return found
    return None


def _labels(path: Path, grading: KeptGrading) -> Mapping[str, float]:
    """Those of the run by its rubric; none where there is no file yet, or nothing in it counts any more."""
    try:
        return label_files.load(path, run=grading.run, rubric=grading.rubric).by_sample
    except UsageError:
        return {}


def _name(labeller: str | None) -> str:
    """Each named person's labels lie in a file of their own, or the next one would not be asked about them."""
    return f"labels-{re.sub(r'[^A-Za-z0-9._-]', '_', labeller)[:80]}.jsonl" if labeller else "labels.jsonl"


def _near(path: Path) -> Path:
    """As one would type it from here, where that is short."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return "unknown"
