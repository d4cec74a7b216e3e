"""Grades runs that are done and here, one at a time, each once for each way of grading."""

from dataclasses import dataclass
from pathlib import Path

from sync.mailbox.records import Spec
from sync.mailbox.state import Phase

from ...mailbox import Run
from ...project import Project
from ..tell.events import GRADED, Event
from .grade_apart import GradingApart, Verdict, settings_hash

LOOK_S = 1.0
LONGEST_S = 15.0
"""Seconds until it is asked whether a grading has ended, at first and at most: each time the mailbox is looked at, too."""
_LONGER = 1.3
SETTINGS_S = 30.0
"""Seconds until it is tried again after a mistake in the settings."""


@dataclass(frozen=True, kw_only=True)
class Turn:
    """doing   what is going on, as a clause; empty where there is nothing (more) to do
    event   what came of it, where it has just ended, with ``graded`` to be remembered
    """

    doing: str = ""
    again_s: float | None = None
    event: Event | None = None
    graded: str = ""


class GradingDuty:
    def __init__(self) -> None:
        self._under_way: GradingApart | None = None
        self._wanted = ""
        self._again_s = LOOK_S
        self._asked: set[str] = set()
        """The runs that were asked for since the last look ended."""

    def turn(self, project: Project, run: Run, graded: str) -> Turn:
        """``run`` is over and here; ``graded`` is what is remembered of its last grading. Never waits."""
        settings = project.config.grade
        if not project.config.auto.grade or settings.scorer is None or run.phase is not Phase.DONE:
            return Turn()
        self._asked.add(run.spec.run)
        if self._under_way is None:
            wanted = settings_hash(settings)
            if graded == wanted:
                return Turn()
            self._wanted, self._again_s = wanted, LOOK_S
            try:
                self._under_way = GradingApart(project.root, run.spec.run)
            except OSError as error:
                why = f"Grading could not be started: {error.strerror or error}."
                return self._ended(run, Verdict(report=None, error=why))
        if self._under_way.run != run.spec.run:
            return Turn(doing="it is to be graded", again_s=self._again_s)
        verdict = self._under_way.poll()
        if verdict is None:
            again_s = self._again_s
            self._again_s = min(LONGEST_S, _LONGER * again_s)
            return Turn(doing="it is being graded", again_s=again_s)
        self.close()
        if verdict.is_early:
            return Turn(doing="it is to be graded once hybrid.toml can be read", again_s=SETTINGS_S)
        return self._ended(run, verdict)

    def looked(self) -> None:
        """All runs were looked at: what is under way for one that was removed meanwhile must not hold up the others."""
        if self._under_way is not None and self._under_way.run not in self._asked:
            self.close()
        self._asked.clear()

    def close(self) -> None:
        """Idempotent."""
        if self._under_way is not None:
            self._under_way.end()
            self._under_way = None

    def _ended(self, run: Run, verdict: Verdict) -> Turn:
        return Turn(event=graded(run.spec, verdict), graded=self._wanted)


def graded(spec: Spec, verdict: Verdict) -> Event:
    report = verdict.report
    if report is None:
        return Event(
            kind=GRADED,
            text=f"Run {spec.run} could not be graded: {verdict.error}",
            how=verdict.hint or f"hybrid grade {spec.run}",
            run=spec.run,
            data={"name": spec.name[:80], "failed": True},
        )
    summary, scorer = report["summary"], report["scorer"]["name"]
    return Event(
        kind=GRADED,
        text=f"{spec.run} was graded by {scorer}: {summary['right']:,g} of {summary['scored']:,} right.",
        run=spec.run,
        data={
            "scorer": scorer,
            **{key: summary[key] for key in ("right", "scored", "samples", "missing")},
            "ledger": Path(report["ledger"]).name,
        },
    )
