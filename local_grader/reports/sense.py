"""What the values of a grading say: that answers are right, or only what they are like. Pure but for the program's own files."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ..rubrics import NAMES, NO_MERIT, load


@dataclass(frozen=True, kw_only=True, slots=True)
class Sense:
    """``high`` is the word for a value of 1, ``low`` for one of 0."""

    high: str = "right"
    low: str = "wrong"


MERIT = Sense()


@cache
def sense(rubric: str | None) -> Sense:
    """Of a grading by the rubric of that name; None for one by rule alone."""
    if rubric not in NO_MERIT:
        return MERIT
    verdicts = load(rubric, Path()).verdicts
    return Sense(high=max(verdicts, key=verdicts.__getitem__), low=min(verdicts, key=verdicts.__getitem__))


@cache
def warning(rubric: str, sha256: str) -> str:
    """What is to be known beside results by that rubric, if it is the one that comes with the program; or nothing."""
    shipped = load(rubric, Path()) if rubric in NAMES else None
    return shipped.warning if shipped is not None and shipped.sha256 == sha256 else ""
