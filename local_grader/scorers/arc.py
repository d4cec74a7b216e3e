"""ARC: an output is right when one of its first attempts equals the reference in every cell.

The prize's rule allows two attempts, so two count unless told otherwise; further ones appear only in pass@k. An
attempt that is no grid is a wrong attempt. Cell accuracy and shape are diagnostics: no part of the score.
"""

from dataclasses import dataclass
from typing import ClassVar

from sync.errors import UsageError

from .. import grids
from ..notation import percent
from ..samples import Sample
from ..scorer import Shape
from ..scores import NO_ANSWER, NO_REFERENCE, Score
from .rule import Rule

ATTEMPTS, FIRST_RIGHT, CELLS, SHAPE = "attempts", "first_right", "cell_accuracy", "shape_match"


@dataclass(frozen=True, kw_only=True)
class Arc(Rule):
    """``attempts`` says how many of the given ones count. ``details`` of a score holds:

    ``attempts`` how many were given, ``first_right`` the number of the first right one (0: none), and of the best
    attempt that counts ``cell_accuracy`` and ``shape_match``.
    """

    name: ClassVar[str] = "arc"
    shape: ClassVar[Shape] = Shape.ARC

    attempts: int = 2

    def __post_init__(self) -> None:
        if self.attempts < 1:
            raise UsageError(f"{self.attempts} attempts cannot count.", "Give 1 or more.")

    def score(self, sample: Sample) -> Score:
        if sample.reference is None:
            return Score.unscored(NO_REFERENCE)
        try:
            reference = grids.parse(sample.reference)
        except grids.NotAGrid as error:
            return Score.unscored("reference is not a grid", str(error))
        attempts = sample.answer if isinstance(sample.answer, list) else [sample.answer]
        if all(attempt is None for attempt in attempts):
            return Score.unscored(NO_ANSWER)
        parsed = [_parsed(attempt) for attempt in attempts]
        first_right = next((number for number, grid in enumerate(parsed, 1) if grid == reference), 0)
        counted = [grid for grid in parsed[: self.attempts] if isinstance(grid, tuple)]
        best = max(counted, key=lambda grid: _closeness(grid, reference), default=None)
        same_shape, cells = (False, 0.0) if best is None else _closeness(best, reference)
        details = {ATTEMPTS: len(attempts), FIRST_RIGHT: first_right, CELLS: cells, SHAPE: float(same_shape)}
        right = 1 <= first_right <= self.attempts
        return Score(
            value=float(right),
            answer="" if best is None else grids.text(best),
            explanation="" if right else _explained(parsed[0], best, same_shape, cells),
            details=details,
        )


def _parsed(attempt: object) -> grids.Grid | str:
    try:
        return grids.parse(attempt)
    except grids.NotAGrid as error:
        return str(error)


def _closeness(grid: grids.Grid, reference: grids.Grid) -> tuple[bool, float]:
    return grids.same_shape(grid, reference), grids.cell_accuracy(grid, reference)


def _explained(first: grids.Grid | str, best: grids.Grid | None, same_shape: bool, cells: float) -> str:
    if best is None:
        return f"not a grid: {first}" if isinstance(first, str) else "not a grid"
    return f"{percent(cells, 0)} of cells right" if same_shape else "another shape than the reference"
