"""How far the grading of one run is, and when it goes on. Decides only; nothing of it has to survive."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from local_grader.notation import amount

from .grade_apart import Verdict

LEAST_PAUSE_S = 60.0
JUDGES_PAUSE_S = 300.0
"""With judges it is not sooner: their model is loaded for it."""
_SHARE = 20
"""What has come of a run is graded again after so many times what that took, and a minute at the least."""
FIRST_RETRY_S = 120.0
LONGEST_RETRY_S = 3600.0
PATIENCE_S = 12 * 3600.0
"""For so long a judge that cannot be asked is tried again; then what there is counts as the result."""


@dataclass(kw_only=True)
class Course:
    """``wanted`` is the way of grading. Times are on the agent's own clock.

    here     how many shards were there when it was graded last; ``is_final`` whether that was all
    so_far   what came of it, as a clause
    waits    something is left that judges were not to be asked at that time
    trouble  why judges could not be asked, and what to do
    """

    wanted: str
    here: int = 0
    is_final: bool = False
    so_far: str = ""
    waits: bool = False
    trouble: tuple[str, str] | None = None
    not_before: float = -math.inf
    _tries: int = 0
    _troubled_at: float | None = None

    def is_due(self, here: int, is_final: bool, now: float, *, may_judge: bool) -> bool:
        if is_final and not self.is_final:
            return True  # the end of a run waits for nothing
        if now < self.not_before:
            return False
        return here != self.here or self.trouble is not None or (self.waits and may_judge)

    def is_given_up(self, now: float) -> bool:
        """Whether what there is counts as the result, although judges could not be asked."""
        return self._troubled_at is not None and now - self._troubled_at >= PATIENCE_S

    def came(self, verdict: Verdict, here: int, is_final: bool, shards: int, now: float) -> None:
        """``verdict`` holds a report on ``here`` of ``shards``."""
        self.here, self.is_final, self.waits = here, is_final, verdict.waits
        self.trouble = verdict.troubles[0] if verdict.troubles else None
        self.so_far = so_far(verdict.report, here, shards) if verdict.report else ""
        if self.trouble is None:
            self._troubled_at, self._tries = None, 0
            is_judged = verdict.report is not None and verdict.report["judging"] is not None
            pause_s = max(JUDGES_PAUSE_S if is_judged else LEAST_PAUSE_S, _SHARE * verdict.repeat_s)
            self.not_before = now if is_final else now + pause_s
            return
        self._troubled_at = now if self._troubled_at is None else self._troubled_at
        self.not_before = now + min(LONGEST_RETRY_S, FIRST_RETRY_S * 2**self._tries)
        self._tries = min(self._tries + 1, 10)

    def failed(self, here: int, is_final: bool, now: float) -> None:
        """What there is could not be graded: more may help, the same again does not."""
        self.here, self.is_final, self.waits, self.trouble = here, is_final, False, None
        self.not_before = now + LEAST_PAUSE_S


def so_far(report: Mapping[str, Any], here: int, shards: int) -> str:
    """A clause for the status."""
    summary = report["summary"]
    graded = f"{amount(summary['right'])} of {summary['scored']:,} right"
    unscored = sum(summary["unscored"].values())
    rest = f", {unscored:,} not graded" if unscored else ""
    return f"{graded}{rest}, by {here} of {shards} shard{'' if shards == 1 else 's'}"
