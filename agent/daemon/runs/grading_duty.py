"""Grades runs, one at a time: what has come home so far, now and then; and what is done and here once for each way of grading.

Rules grade at once. Judges are asked within their hours, and where one cannot be asked, that is tried again: until then a
run is not graded for good, and a person is told what is missing.
"""

from collections.abc import Set
from dataclasses import dataclass

from local_grader.report import Partial
from local_grader.request import Keep
from sync.clock import Clock
from sync.mailbox.records import Spec
from sync.mailbox.state import Phase

from ...config_grade import GradeSettings
from ...hours import Hours
from ...mailbox import Run
from ...project import Project
from ...when import When
from ..tell import tidings
from ..tell.events import Event
from ..tell.status import Need
from .grade_apart import GradingApart, Verdict, settings_hash
from .grading_course import Course

LOOK_S = 1.0
LONGEST_S = 15.0
"""Seconds until it is asked whether a grading has ended, at first and at most: each time the mailbox is looked at, too."""
_LONGER = 1.3
WAITING_S = 300.0
"""The longest that a run waits for the hours of its judges without a look at the clock."""
SETTINGS_S = 30.0
"""Seconds until it is tried again after a mistake in the settings."""
RULES_HOURS = 3
JUDGES_HOURS = 24
"""A grading that takes longer is ended: by rules alone for good, with judges to go on with what they have not answered."""


_UNDER_WAY = (Phase.QUEUED, Phase.RUNNING, Phase.DONE)


@dataclass(frozen=True, kw_only=True)
class Turn:
    """doing   what is going on, as a clause; empty where there is nothing (more) to do
    event   what came of it, where it has just ended for good, with ``graded`` to be remembered
    need    what only a person can do so that it goes on
    """

    doing: str = ""
    again_s: float | None = None
    event: Event | None = None
    graded: str = ""
    need: Need | None = None


@dataclass(frozen=True, kw_only=True)
class _Job:
    apart: GradingApart
    here: int
    is_final: bool
    keep: Keep
    until: float


class GradingDuty:
    """For one thread."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._job: _Job | None = None
        self._again_s = LOOK_S
        self._courses: dict[str, Course] = {}
        self._hours = Hours(When(), clock)
        self._when: When | None = None
        self._asked: set[str] = set()
        """The runs that were asked for since the last look ended."""

    def turn(self, project: Project, run: Run, here: Set[int], graded: str, *, is_home: bool) -> Turn:
        """``here`` are the shards that are; ``is_home``: the run is over, and nothing more comes. ``graded`` is what is
        remembered of its last grading. Never waits."""
        settings, name = project.config.grade, run.spec.run
        is_done = run.phase is Phase.DONE
        is_wanted = is_done if is_home else bool(here) and run.phase in _UNDER_WAY
        if not is_wanted or not project.config.auto.grade or not settings.is_wanted:
            return Turn()
        self._asked.add(name)
        wanted = settings_hash(settings, project.root)
        if is_home and graded == wanted:
            self._courses.pop(name, None)
            return Turn()
        course = self._courses.get(name)
        if course is None or course.wanted != wanted:
            course = self._courses[name] = Course(wanted=wanted)
        if self._job is not None and self._job.apart.run != name:
            waiting = "it is to be graded" if is_home and not course.is_final else course.so_far
            return self._told(course, run, Turn(doing=waiting, again_s=self._again_s if is_home else None))
        if (job := self._job) is not None:
            turn = self._polled(course, run, settings, job)
            if self._job is not None or job.is_final or not is_home:
                return turn
            # The run came to its end while a part of it was graded: the whole is graded at once.
        now = self._clock.monotonic()
        why = self._why_not(settings) if course.waits else ""
        # Without shards of its own, a run that is home has come in one piece.
        count = run.spec.shards if is_home else len(here)
        is_due = course.is_due(count, is_home, now, may_judge=not why)
        if not is_due or (is_done and not is_home):  # where it is done, all of it is here in a moment
            again_s = None
            if is_home:
                again_s = max(course.not_before - now, self._hours.wait_s(WAITING_S) if why else LOOK_S)
            doing = f"{course.so_far}; its judges are not asked now: {why}" if why else course.so_far
            return self._told(course, run, Turn(doing=doing, again_s=again_s))
        return self._begun(course, run, project, count, is_home)

    def looked(self) -> None:
        """All runs were looked at: what is under way for one that was removed meanwhile must not hold up the others."""
        if self._job is not None and self._job.apart.run not in self._asked:
            self.close()
        for name in self._courses.keys() - self._asked:
            del self._courses[name]
        self._asked.clear()

    def close(self) -> None:
        """Idempotent."""
        if self._job is not None:
            self._job.apart.end()
            self._job = None

    def _begun(self, course: Course, run: Run, project: Project, count: int, is_home: bool) -> Turn:
        now, settings = self._clock.monotonic(), project.config.grade
        keep = Keep.NEVER
        if is_home:
            keep = Keep.ALWAYS if course.is_given_up(now) else Keep.HEARD
        partial = None if is_home else Partial(shards_here=count, shards=run.spec.shards)
        try:
            apart = GradingApart(project.root, run.spec.run, keep, partial)
        except OSError as error:
            why = f"Grading could not be started: {error.strerror or error}."
            return self._ungraded(course, run, Verdict(report=None, error=why), count, is_home)
        hours = JUDGES_HOURS if settings.judge else RULES_HOURS
        self._job = _Job(apart=apart, here=count, is_final=is_home, keep=keep, until=now + 3600 * hours)
        self._again_s = _LONGER * LOOK_S
        return self._told(course, run, Turn(doing=_doing(course, is_home), again_s=LOOK_S))

    def _polled(self, course: Course, run: Run, settings: GradeSettings, job: _Job) -> Turn:
        now = self._clock.monotonic()
        verdict = job.apart.poll()
        if verdict is None and now < job.until:
            again_s = self._again_s
            self._again_s = min(LONGEST_S, _LONGER * again_s)
            return self._told(course, run, Turn(doing=_doing(course, job.is_final), again_s=again_s))
        self.close()
        if verdict is None:
            if settings.judge:
                return Turn(doing="it is to be graded", again_s=LOOK_S)
            error = f"It took longer than {RULES_HOURS} hours, and was ended."
            verdict = Verdict(report=None, error=error)
        if verdict.is_early:
            course.not_before = now + SETTINGS_S
            return Turn(doing="it is to be graded once hybrid.toml can be read", again_s=SETTINGS_S)
        if verdict.report is None:
            return self._ungraded(course, run, verdict, job.here, job.is_final)
        course.came(verdict, job.here, job.is_final, run.spec.shards, now)
        if job.is_final and not verdict.waits and (not verdict.troubles or job.keep is Keep.ALWAYS):
            return Turn(event=_event(run.spec, verdict), graded=course.wanted)
        left_s = max(LOOK_S, course.not_before - now)
        return self._told(course, run, Turn(doing=course.so_far, again_s=left_s if job.is_final else None))

    def _ungraded(self, course: Course, run: Run, verdict: Verdict, count: int, is_home: bool) -> Turn:
        if is_home:
            return Turn(event=_event(run.spec, verdict), graded=course.wanted)
        course.failed(count, is_home, self._clock.monotonic())
        return Turn()

    def _told(self, course: Course, run: Run, turn: Turn) -> Turn:
        """``turn``, with what a person has to do."""
        if course.trouble is None:
            return turn
        what, how = course.trouble
        need = Need(
            key=f"judge:{run.spec.run}",
            what=f"Run {run.spec.run} is graded as far as rules go: {what}",
            how=how or f"hybrid grade {run.spec.run}",
        )
        return Turn(doing=turn.doing, again_s=turn.again_s, need=need)

    def _why_not(self, settings: GradeSettings) -> str:
        when = settings.when or When()
        if when != self._when:
            self._when, self._hours = when, Hours(when, self._clock)
        return self._hours.why_not()


def _doing(course: Course, is_final: bool) -> str:
    doing = "it is being graded"
    return doing if is_final or not course.so_far else f"{doing}; {course.so_far} before"


def _event(spec: Spec, verdict: Verdict) -> Event:
    if verdict.report is None:
        return tidings.ungraded(spec, verdict.error, verdict.hint)
    return tidings.graded(verdict.report, lack=verdict.troubles[0][0] if verdict.troubles else "")
