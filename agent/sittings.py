"""Grades a run in as many sittings as it takes: as its outputs come home, and within the hours of its judges.

Each sitting grades all that is here; rules do so anew, judges are asked what they have not answered before, so that a sitting
that was ended in any way costs what was being asked just then. Only the last one is kept in the ledger.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from local_grader.errors import Ungradable
from local_grader.grade import check, grade_outputs
from local_grader.reading import outputs
from local_grader.report import Report
from local_grader.request import Keep, Request
from sync.clock import Clock
from sync.errors import HybridError, UsageError
from sync.progress import Progress

from .arrivals import Arrivals, Standing, glance
from .hours import Hours

_REST = 5
"""What rules take long for is not graded again for each small piece: the pause is so many times what it took."""

_JUDGES_PAUSE_S = 60.0
"""Each sitting has its model loaded anew: not for every shard of a quick run."""


@dataclass(frozen=True, kw_only=True)
class Sitting:
    """What came of one; ``is_last``: all was here, and every judge was asked that could be."""

    report: Report
    standing: Standing
    is_last: bool


class Sittings:
    """For one thread. ``say`` is told once of what is waited for."""

    def __init__(
        self,
        request: Request,
        arrivals: Arrivals,
        hours: Hours,
        *,
        progress: Progress,
        clock: Clock,
        say: Callable[[str], None],
    ) -> None:
        self._request = request
        self._arrivals = arrivals
        self._hours = hours
        self._progress = progress
        self._clock = clock
        self._say = say
        self._why_said = ""
        self._looked_at = -math.inf
        self._not_before = -math.inf
        self._graded: frozenset[int] | None = None
        self._waits = False
        """Something is left that judges were not to be asked."""

    def __iter__(self) -> Iterator[Sitting]:
        """Partial results, and the last one. Raises what ``grade_outputs`` raises of all that was to come."""
        check(self._request)
        while True:
            standing = self._arrivals.look(self._progress)
            self._looked_at = self._clock.monotonic()
            why = self._hours.why_not() if self._request.judging else ""
            if not why:
                self._why_said = ""
            if self._is_due(standing, why):
                report = self._sit(standing)
                self._graded = standing.here
                if report is not None:
                    self._waits = report.waits
                    is_last = standing.is_over and not report.waits
                    yield Sitting(report=report, standing=standing, is_last=is_last)
                    if is_last:
                        return
                    pause_s = max(_REST * report.repeat_s, _JUDGES_PAUSE_S if report.decided else 0.0)
                    self._not_before = self._clock.monotonic() + pause_s
                    continue
            self._tell_why(why)
            self._clock.sleep(self._pause_s(standing, why))

    def _is_due(self, standing: Standing, why: str) -> bool:
        has_more = standing.here != self._graded or (self._waits and not why)
        if standing.is_over:
            return has_more or not self._waits
        return bool(standing.here) and has_more and self._clock.monotonic() >= self._not_before

    def _sit(self, standing: Standing) -> Report | None:
        """None where there is nothing to grade in what has come so far."""
        request = replace(
            self._request,
            judging=self._request.judging and replace(self._request.judging, may_ask=self._may_ask),
            partial=standing.partial,
            keep=self._request.keep if standing.is_over else Keep.NEVER,
        )
        if standing.is_over and not standing.here:
            raise HybridError(
                f"Run {request.target} {standing.ending}, and nothing of it is here.",
                f"hybrid status {request.target}",
            )
        if standing.is_over:
            return grade_outputs(request, self._progress, self._clock)
        try:
            outputs.find(request.outputs, request.target, request.files)
        except UsageError:
            return None  # no file of answers yet
        try:
            return grade_outputs(request, self._progress, self._clock)
        except Ungradable as error:
            self._say(f"{error}")
            return None

    def _may_ask(self) -> bool:
        """What comes home while judges work is fetched meanwhile, by the thread that hands out work to them."""
        now = self._clock.monotonic()
        if now - self._looked_at >= self._arrivals.poll_s:
            self._looked_at = now
            glance(self._arrivals)
        return not self._hours.why_not()

    def _pause_s(self, standing: Standing, why: str) -> float:
        pauses = [] if standing.is_over else [self._arrivals.poll_s]
        if self._waits and why:
            pauses.append(max(0.5, self._hours.wait_s()))
        return min(pauses, default=self._arrivals.poll_s)

    def _tell_why(self, why: str) -> None:
        """Once each time that something is left for it."""
        if self._waits and why and why != self._why_said:
            self._say(f"The judges are not asked now: {why}; --when any asks them at once.")
            self._why_said = why
