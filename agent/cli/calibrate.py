"""``hybrid calibrate``: measures what graded a run against labels, and remembers it for later reports."""

import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

import click

from local_grader import calibration, calibrations, kept, rubrics
from local_grader import labels as label_files
from local_grader.calibration import BASELINE, FEW, JUDGE, STAGE, Calibration, Measured
from local_grader.kept import KeptGrade, KeptGrading
from local_grader.labels import Labels
from local_grader.notation import between, coefficient, percent
from local_grader.rubrics import NAMES
from local_grader.statistics.intervals import Interval
from local_grader.statistics.libraries import generator
from local_grader.statistics.rates import Rate
from sync.errors import UsageError

from ..console import Console
from ..exits import Exit
from ..grades import SHOWN, Graded, fitting, graded, newest
from ..grades_choice import measurable
from ..grades_text import way
from ..sizes import count
from .complete import graded as graded_words
from .complete import gradings
from .options import Call, common_options

_SHOWN = 3
_HEADINGS = {JUDGE: "judge", STAGE: "stage", BASELINE: "free"}


@click.command()
@click.argument("run", metavar="RUN|FILE", shell_complete=graded_words)
@click.argument("labels", metavar="LABELS", type=click.Path(path_type=Path))
@click.option("--label-field", metavar="NAME", help="The field with the label.")
@click.option(
    "--grading",
    metavar="WORD",
    shell_complete=gradings,
    help="Which grading: a scorer, a rubric, a judge, or the beginning of a key.",
)
@common_options
def calibrate(call: Call, /, run: str, labels: Path, label_field: str | None, grading: str | None) -> int:
    """Measure what graded a run against labels.

    LABELS holds a label for each of some samples, by id, as hybrid label writes them, or from a stronger model: yes or
    no, true or false, 0 or 1, or a list of several verdicts, of which the majority counts. Says how often the judge, each stage
    of a cascade, and rules that cost nothing agree with the labels, and whether the judge is worth its time.

    What is found is kept in .hybrid/ledger/calibrations. Later reports of what was graded in the same way tell the rate
    that is corrected by it.

    \b
    Examples:
      hybrid calibrate r7 labels.jsonl
      hybrid calibrate r7 gpt-verdicts.jsonl --label-field verdicts
      hybrid calibrate answers.jsonl labels-second.jsonl --grading llama3.1:8b
    """
    project = call.project()
    meant = graded(project, run)
    kept_grading = _held_against(call.console, meant, grading, labels)
    said = _said(kept.read(kept_grading))
    words = {word: value for word, value in said.items() if word}
    try:
        given = label_files.load(labels, label_field, words, kept_grading.run, kept_grading.rubric)
    except UsageError as error:
        if (other := _in_words_of(meant, labels, label_field)) is None:
            raise
        raise UsageError(
            str(error),
            f"--grading {other.key[:SHOWN]}: the labels look like words of its rubric, {other.rubric}.",
        ) from error
    _require_verdicts(kept_grading, said, run)
    # Read again, so that of a million grades only the labelled ones need room.
    found = calibration.calibrate(
        kept.read(kept_grading),
        given.by_sample,
        name=way(kept_grading),
        scorer="" if kept_grading.judges else kept_grading.scorer,
        rng=generator(0),
        drawn=given.hard,
    )
    path = calibrations.record(project.state_dir / "ledger", kept_grading, given, found)
    _warn(call.console, given, found)
    call.console.result(document(kept_grading, given, found, path), f"{found.verdict}\n")
    _show(call.console, meant.called, given, found)
    call.console.say(found.advice)
    call.console.say(f"The calibration is in {path}.")
    if found.labels < FEW:
        call.console.next_step(f"hybrid label {run}")
    return Exit.PARTIAL if given.problems else Exit.DONE


def _held_against(console: Console, graded: Graded, grading: str | None, labels: Path) -> KeptGrading:
    """The newest grading that is about what was labelled."""
    found = fitting(graded, grading)
    named_there = label_files.rubrics(labels, found[0].run)
    fit = measurable(found, named_there, is_chosen=grading is not None)
    if not fit:
        named = " and ".join(sorted(named_there))
        raise UsageError(
            f"{labels} is about the rubric {named}, by which {graded.called} was not graded{' there' if grading else ''}.",
            "hybrid gradings shows what was graded by what.",
        )
    kept = newest(graded, fit, console.warn)
    if not named_there:
        console.say(f"The labels name no rubric: held against {kept.key[:SHOWN]}, by {way(kept)}.")
    return kept


def _in_words_of(graded: Graded, labels: Path, field: str | None) -> KeptGrading | None:
    """A grading by a rubric in whose words the labels can be read."""
    for one in graded.found:
        if one.rubric in NAMES:
            with suppress(UsageError):
                words = rubrics.load(one.rubric, Path()).verdicts
                if not label_files.load(labels, field, words, one.run, one.rubric).problems:
                    return one
    return None


def _require_verdicts(grading: KeptGrading, said: Mapping[str, float], run: str) -> None:
    if grading.facts.unheard and not said:
        raise UsageError(
            f"No judge has said anything about {run} in this grading.",
            f"hybrid grade {run} once the judge can be asked; or --grading SCORER for one by rule alone.",
        )


def document(grading: KeptGrading, labels: Labels, found: Calibration, path: Path) -> dict[str, object]:
    """The result for ``--json``."""
    return {
        "run": grading.run,
        "grading": str(grading.path),
        "verdict": found.verdict,
        "advice": found.advice,
        "labels": found.labels,
        "passes": found.passes,
        "labels_without_sample": list(found.without_sample),
        "samples_without_label": found.without_label,
        "unscored": list(found.unscored),
        "ties": list(labels.undecided),
        "labellers": list(labels.labellers),
        "hard": labels.hard,
        "of_other_runs": labels.others,
        "whole": _measured(found.whole),
        "judges": [_measured(one) for one in found.of(JUDGE)],
        "stages": [_measured(one) for one in found.of(STAGE)],
        "baselines": [_measured(one) for one in found.of(BASELINE)],
        "best_baseline": found.best.name,
        "test": asdict(found.test),
        "problems": [{"path": os.fsdecode(each.path), "what": each.what} for each in labels.problems],
        "ledger": str(path),
    }


def _said(grades: Iterable[KeptGrade]) -> dict[str, float]:
    """What the judges' own words were worth: a person may have used the same. A verdict may come without a word."""
    said = (one for grade in grades for one in grade.judgements)
    return {one.verdict: one.value for one in said if one.value is not None}


def _measured(one: Measured) -> dict[str, object]:
    found = one.confusion
    return {
        "name": one.name,
        "labels": found.n,
        "groups": None if one.groups is None else len(one.groups),
        "true_pass": found.true_pass,
        "false_pass": found.false_pass,
        "false_fail": found.false_fail,
        "true_fail": found.true_fail,
        "agreement": one.kappa.agreement,
        "kappa": one.kappa.kappa,
        "kappa_interval": _ends(one.kappa.interval),
        "sensitivity": found.sensitivity.mean if found.sensitivity else None,
        "sensitivity_interval": _ends(found.sensitivity.trusted if found.sensitivity else None),
        "specificity": found.specificity.mean if found.specificity else None,
        "specificity_interval": _ends(found.specificity.trusted if found.specificity else None),
    }


def _ends(interval: Interval | None) -> list[float] | None:
    return None if interval is None else [interval.low, interval.high]


def _warn(console: Console, labels: Labels, found: Calibration) -> None:
    for problem in labels.problems:
        console.warn(f"{problem}.")
    if found.without_sample:
        named = ", ".join(found.without_sample[:_SHOWN])
        more = ", …" if len(found.without_sample) > _SHOWN else ""
        console.warn(
            f"{count(len(found.without_sample), 'label')} without a sample in this grading: {named}{more}."
        )
    if labels.others:
        console.say(f"{count(labels.others, 'row')} of other runs left out.")
    if undecided := labels.undecided:
        console.warn(f"{count(len(undecided), 'sample')} left out: labelled neither yes nor no.")
    if found.drawn:
        console.warn(
            f"{count(found.drawn, 'label')} from hybrid label --hard: they tell of hard samples, and correct no rate."
        )


def _show(console: Console, called: str, labels: Labels, found: Calibration) -> None:
    cells = found.whole.confusion
    by = f" by {', '.join(labels.labellers)}" if labels.labellers else ""
    rows = [
        ("labels", f"{found.labels:,}{by}: {found.passes:,} pass, {found.labels - found.passes:,} fail"),
        *([("groups of these", f"{len(groups):,}")] if (groups := found.whole.groups) else []),
        ("samples without label", f"{found.without_label:,}"),
        ("labelled, not gradable", f"{len(found.unscored):,}"),
        ("rightly passed", f"{cells.true_pass:,}"),
        ("wrongly passed", f"{cells.false_pass:,}"),
        ("wrongly failed", f"{cells.false_fail:,}"),
        ("rightly failed", f"{cells.true_fail:,}"),
    ]
    console.table(f"{found.name} against labels of {called}", ("measure", "value"), rows)
    lines = [_line("all", found.whole)]
    for kind in (JUDGE, STAGE, BASELINE):
        lines += [_line(_HEADINGS[kind], one) for one in found.of(kind)]
    columns = ("", "by", "labels", "agrees", "kappa", "passes the right", "fails the wrong")
    console.table("Agreement", columns, lines)


def _line(kind: str, one: Measured) -> tuple[str, ...]:
    kappa = one.kappa
    return (
        kind,
        one.name,
        f"{kappa.n:,}",
        percent(kappa.agreement),
        "-" if kappa.kappa is None else coefficient(kappa.kappa, *(_ends(kappa.interval) or ())),
        _share(one.confusion.sensitivity),
        _share(one.confusion.specificity),
    )


def _share(rate: Rate | None) -> str:
    if rate is None:
        return "-"
    ends = f" ({between(rate.trusted.low, rate.trusted.high)})" if rate.trusted else ""
    return f"{percent(rate.mean)} of {rate.n:,}{ends}"
