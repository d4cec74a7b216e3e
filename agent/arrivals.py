"""How a run comes home while somebody waits for it: each shard is pulled when it is complete."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from local_grader.report import Partial
from sync.errors import CorruptMailbox, Locked, NewerMailbox, NotFound, Transient, Unreachable, UsageError
from sync.mailbox.opening import open_mailbox
from sync.mailbox.state import OVER, Phase
from sync.progress import Progress, Silent

from . import runs
from .attendance import Attendance
from .daemon.runs.pace import pull_again_s
from .grading import pulled
from .mailbox import Mailbox, Run, gone
from .memory import Memory
from .pulling import puller
from .sizes import duration
from .state import State

LEAST_POLL_S = 1.0
LINGERS_S = 600.0
"""What is said to be complete, and cannot be had, is waited for so long once the run is over."""
LOCKED_S = 2.0
DESERTED_S = 3600.0
"""A run that no runner works on is waited for so long: a runner that has lost its network comes back in that time, or never."""

_ENDINGS = {
    Phase.DONE: "is done",
    Phase.STOPPED: "was stopped",
    Phase.FAILED: "has failed",
    Phase.SETUP_FAILED: "could not be set up",
}


@dataclass(frozen=True, kw_only=True)
class Standing:
    """How much of a run is here.

    here     the shards that are
    shards   of how many; None where nobody knows
    is_over  nothing more is to come
    ending   how it has ended, as a clause such as ``is done``; empty before
    """

    here: frozenset[int]
    shards: int | None
    is_over: bool = False
    ending: str = ""

    @property
    def is_whole(self) -> bool:
        return self.shards is not None and len(self.here) >= self.shards

    @property
    def partial(self) -> Partial | None:
        return None if self.is_whole else Partial(shards_here=len(self.here), shards=self.shards)


class Arrivals(Protocol):
    """``look`` says how much there is, and may fetch what is new. ``poll_s`` is how many seconds later to look again."""

    @property
    def poll_s(self) -> float: ...

    def look(self, progress: Progress) -> Standing: ...


class AllHere:
    """What lies here is all there is, whether that is a run, a part of one, or a file."""

    poll_s = LEAST_POLL_S

    def look(self, progress: Progress) -> Standing:
        return Standing(here=frozenset([0]), shards=1, is_over=True, ending="is here")


class Homecoming:
    """A run in the mailbox. For one thread. ``say`` is told once of what keeps outputs from coming, and of its end."""

    def __init__(self, mailbox: Mailbox, state: State, run: str, say: Callable[[str], None]) -> None:
        self.run = run
        self._mailbox = mailbox
        self._state = state
        self._clock = mailbox.clock
        self._say = say
        self._told = ""
        self._tries = 0
        self._again_at = 0.0
        self._over_at: float | None = None
        self._here: frozenset[int] = frozenset()
        self._attendance = Attendance(mailbox, state)
        self._is_deserted = False
        self._last = self._remembered()

    @property
    def poll_s(self) -> float:
        return max(LEAST_POLL_S, self._mailbox.remote.capabilities.tick_s / 2)

    def look(self, progress: Progress) -> Standing:
        """Raises what keeps outputs from being written here, and where the login is refused. A mailbox that is away is
        waited for."""
        if not self._last.is_over or self._is_deserted:
            try:
                self._last = self._look(progress)
            except (Transient, Unreachable) as error:
                self._attendance.not_seen()
                self._trouble(
                    f"the mailbox cannot be reached, so what is here is graded, and the rest when it can: {_clause(error)}"
                )
        return self._last

    def _look(self, progress: Progress) -> Standing:
        run: Run | None
        try:
            run = self._mailbox.run(self.run)
        except NotFound:
            run = None
        except (CorruptMailbox, NewerMailbox) as error:
            self._trouble(f"the run cannot be read in the mailbox: {_clause(error)}")
            return self._last
        if run is None or not run.seen.ready:
            # In the folder of a disk that is not mounted no run is, and yet none was removed.
            if not self._answers():
                raise gone(self._mailbox.project)
            return Standing(
                here=self._last.here,
                shards=self._last.shards,
                is_over=True,
                ending="was removed from the mailbox",
            )
        lacks = self._pull(run, progress)
        self._trouble(lacks)
        standing = Standing(here=self._here, shards=run.spec.shards)
        if run.phase not in (*OVER, Phase.SETUP_FAILED):
            return self._attended(run, standing)
        self._is_deserted = False
        now = self._clock.monotonic()
        self._over_at = now if self._over_at is None else self._over_at
        if lacks and now - self._over_at < LINGERS_S:
            return standing
        return Standing(here=self._here, shards=run.spec.shards, is_over=True, ending=_ENDINGS[run.phase])

    def _attended(self, run: Run, standing: Standing) -> Standing:
        """Tells that nobody works on the run; at last it is over as it is, until somebody comes."""
        missing_s = self._attendance.missing_s(run)
        if news := self._attendance.news(run, missing_s):
            self._say(f"Run {self.run}: {news}.")
        self._is_deserted = missing_s >= DESERTED_S
        if not self._is_deserted:
            return standing
        return replace(standing, is_over=True, ending=f"has had no runner for {duration(missing_s)}")

    def _pull(self, run: Run, progress: Progress) -> str:
        """Fetches what is complete and not here; returns a clause on what keeps it from coming."""
        wanted = {state.number for state in run.states if state.complete} - self._here
        if not wanted:
            return ""
        if self._clock.monotonic() < self._again_at:
            return self._told or "outputs are not here yet"
        try:
            with puller(self._mailbox, self._state, progress) as pulling:
                found = pulling.pull(run.spec, partial=False)
        except Locked:
            # Most likely the agent, which does the same.
            self._here |= wanted - set(runs.not_here(run, self._mailbox.laptop))
            self._again_at = self._clock.monotonic() + LOCKED_S
            return "another hybrid process brings the outputs home, and what it has brought is graded"
        except (NotFound, CorruptMailbox, NewerMailbox) as error:
            return self._lacks(_clause(error))
        self._here = frozenset(found.present) | frozenset(found.fetched)
        if found.incomplete:
            shard, why = min(found.incomplete.items())
            return self._lacks(f"shard {shard} cannot be had: {why.rstrip('.')}")
        self._tries = 0
        return ""

    def _lacks(self, why: str) -> str:
        self._tries += 1
        self._again_at = self._clock.monotonic() + pull_again_s(self._tries)
        return why

    def _trouble(self, clause: str) -> None:
        if clause and clause != self._told:
            self._say(f"Run {self.run}: {clause}.")
        self._told = clause

    def _remembered(self) -> Standing:
        """What is known without asking anybody: a run that is over and home is not looked at again."""
        outputs = self._mailbox.project.root / self._mailbox.project.config.project.outputs
        told = Memory(self._state).closed().get(self.run)
        summary = runs.Summary.from_json(told) if told is not None else None
        here = _shards_in(outputs / self.run)
        if summary is None or not summary.mine or len(here) < summary.accepted:
            return Standing(here=here, shards=None)
        return Standing(
            here=here, shards=summary.shards, is_over=True, ending=_ENDINGS.get(Phase(summary.phase), "")
        )

    def _answers(self) -> bool:
        """Whether the mailbox is there."""
        try:
            open_mailbox(self._mailbox.remote, self._mailbox.base)
        except NotFound:
            return False
        return True


def followed(mailbox: Mailbox, word: str) -> str:
    """The id of the run that ``word`` means, in the mailbox, or among what was pulled where that does not answer.

    Raises UsageError where there is none, and what the mailbox raises.
    """
    project = mailbox.project
    try:
        return mailbox.find(word)
    except (Transient, Unreachable, UsageError) as error:
        here = pulled(project.root / project.config.project.outputs, word)
        if here is not None:
            return here
        if isinstance(error, UsageError) and Path(word).exists():
            raise UsageError(
                f"{word} is a file: only a run can be followed.", "Leave --follow out."
            ) from error
        raise


def glance(arrivals: Arrivals) -> None:
    """A look in the middle of something else. What it raises, the next real look raises again."""
    from sync.errors import HybridError

    with suppress(HybridError, OSError):
        arrivals.look(Silent())


def _shards_in(folder: Path) -> frozenset[int]:
    """By the names of folders; a run without shards is its own only one."""
    if not folder.is_dir():
        return frozenset()
    names = [each.name for each in folder.iterdir() if not each.name.startswith(".")]
    numbers = frozenset(int(name) for name in names if name.isdecimal() and (folder / name).is_dir())
    return numbers or frozenset([0] if names else [])


def _clause(error: Exception) -> str:
    return str(error).rstrip(".")
