"""What ARC reports beside the rate per output. Pure.

Both published rules are given, by name: per output (the 2024 prize) and per task (solved only when every test output
is right, as in ARC-AGI-2).
"""

from collections.abc import Mapping
from dataclasses import dataclass

from .metrics import wilson
from .scorers.arc import ATTEMPTS, CELLS, FIRST_RIGHT, SHAPE
from .scores import Grade, Missing


@dataclass(frozen=True, kw_only=True, slots=True)
class ArcSummary:
    """``tasks`` are those with a graded output. A task with a wrong, missing or ungraded output is not solved.

    ``unanswered_tasks`` have references and no graded output. ``pass_at`` maps k to the share of graded outputs
    with a right answer among their first k attempts. ``cell_accuracy`` and ``shape_match`` are means over graded outputs.
    """

    tasks: int
    solved: int
    rate: float | None
    low: float | None
    high: float | None
    unanswered_tasks: int
    pass_at: Mapping[int, float]
    cell_accuracy: float | None
    shape_match: float | None


class ArcTally:
    """Counts grades of ARC outputs as they come."""

    def __init__(self) -> None:
        self._solvable: dict[str | None, bool] = {}
        self._broken: set[str | None] = set()
        self._details: list[Mapping[str, float]] = []

    def add(self, grade: Grade) -> None:
        task, score = grade.sample.group, grade.score
        if score.value is None:
            self._broken.add(task)
            return
        self._details.append(score.details)
        self._solvable.setdefault(task, True)
        if score.value != 1:
            self._solvable[task] = False

    def add_missing(self, missing: Missing) -> None:
        self._broken.add(missing.group)

    def summary(self) -> ArcSummary:
        details = self._details
        tasks = len(self._solvable)
        solved = sum(right and task not in self._broken for task, right in self._solvable.items())
        low, high = wilson(solved, tasks) if tasks else (None, None)
        return ArcSummary(
            tasks=tasks,
            solved=solved,
            rate=solved / tasks if tasks else None,
            low=low,
            high=high,
            unanswered_tasks=len(self._broken - self._solvable.keys()),
            pass_at=_pass_at(details),
            cell_accuracy=sum(one[CELLS] for one in details) / len(details) if details else None,
            shape_match=sum(one[SHAPE] for one in details) / len(details) if details else None,
        )


def _pass_at(details: list[Mapping[str, float]]) -> dict[int, float]:
    """For k = 1, 2, 4, 8, … and the most attempts that any output has."""
    most = int(max((one[ATTEMPTS] for one in details), default=0))
    ks = {1 << power for power in range(most.bit_length()) if 1 << power <= most} | (
        {most} if most else set()
    )
    return {k: sum(1 <= one[FIRST_RIGHT] <= k for one in details) / len(details) for k in sorted(ks)}
