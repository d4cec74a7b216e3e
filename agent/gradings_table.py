"""Kept gradings as rows of a table, and as JSON. Pure, but for the time zone."""

import time
from collections.abc import Callable

from local_grader.kept import KeptGrading
from local_grader.notation import between, percent
from local_grader.reports.lines import method

from .grades import SHOWN
from .grades_text import IMPLIED
from .kept_gradings import Kept

COLUMNS = ("key", "run or file", "graded by", "references", "groups", "samples", "rate", "lacking", "when")


def row(each: Kept, called: Callable[[str], str] = str) -> tuple[str, ...]:
    """As people read it; ``called`` is what to write for the run."""
    figures, grading = each.figures, each.grading
    right = "none"
    if figures.rate is not None and figures.interval is not None:
        right = f"{percent(figures.rate)} ({between(figures.interval.low, figures.interval.high)})"
    return (
        grading.key[:SHOWN],
        called(grading.title),
        _by(grading),
        "file" if grading.entry["references_sha256"] else "own",
        grading.entry["fields"]["group"] or "none",
        f"{figures.samples:,}",
        right,
        _lacking(each),
        time.strftime("%Y-%m-%d %H:%M", time.localtime(each.at)),
    )


def to_json(each: Kept) -> dict[str, object]:
    figures, grading, entry = each.figures, each.grading, each.grading.entry
    judging = entry.get("judging") or {}
    ends = figures.interval
    return {
        "key": grading.key,
        "run": grading.run,
        "source": grading.facts.source,
        "scorer": {"name": grading.scorer, "version": entry["scorer_version"], "options": entry["options"]},
        "judges": list(grading.judges),
        "asked": list(grading.facts.asked),
        "rubric": grading.rubric,
        "pool": judging.get("pool"),
        "outputs_sha256": entry["outputs_sha256"],
        "references_sha256": entry["references_sha256"],
        "group_field": entry["fields"]["group"],
        "samples": figures.samples,
        "scored": figures.scored,
        "right": figures.right,
        "rate": figures.rate,
        "low": ends.low if ends else None,
        "high": ends.high if ends else None,
        "missing": figures.missing,
        "unheard": grading.facts.unheard,
        "unread": len(grading.facts.unread),
        "whole": each.is_whole,
        "at": each.at,
        "bytes": each.bytes,
        "file": str(grading.path),
    }


def _by(grading: KeptGrading) -> str:
    entry = grading.entry
    pool = (entry.get("judging") or {}).get("pool", "")
    options = {name: value for name, value in entry["options"].items() if name not in IMPLIED}
    told = grading.told_models
    return method(grading.scorer, entry["scorer_version"], options, grading.rubric, told, pool)


def _lacking(each: Kept) -> str:
    counts = (
        (each.figures.samples - each.figures.scored, "not graded"),
        (each.figures.missing, "never answered"),
        (each.grading.facts.unheard, "not heard by a judge"),
        (len(each.grading.facts.unread), "not read"),
    )
    return ", ".join(f"{number:,} {words}" for number, words in counts if number)
