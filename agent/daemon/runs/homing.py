"""The side of the agent that looks after runs: brings them home, starts runners for them, and tells a person."""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass

from sync.errors import CorruptMailbox, HybridError, NewerMailbox, RemoteError

from ...expected import as_expected
from ...mailbox import Mailbox
from ...project import Project
from ...state import State
from ...state import opened as opened_state
from ..ground import AWAY_S, Ground
from ..setbacks import retry_s, setback
from ..tell import notices
from ..tell.desktop import Desktop
from ..tell.journal import Journal
from ..tell.status import OFFLINE, WATCHING
from .outcome import soonest
from .runs_duty import RunsDuty, Seen

RECONCILE_S = 900.0
"""Seconds after which the mailbox is looked at although nothing is expected there."""
WARM_S = 30.0
"""A connection is kept where it is used again so soon: it costs some wake-ups a second."""


@dataclass(kw_only=True)
class _Opened:
    """What is open while the project folder, its settings and the local state stay the same."""

    place: tuple[int, int]
    memory: tuple[int, int] | None
    project: Project
    state: State
    stack: contextlib.ExitStack


class Homing:
    """For one thread."""

    name = "looking after runs"

    def __init__(self, ground: Ground, desktop: Desktop, *, was_pushed: Callable[[], bool]) -> None:
        """``was_pushed``: there is a mailbox of which the project knows."""
        self._ground = ground
        self._desktop = desktop
        self._was_pushed = was_pushed
        self._runs = RunsDuty(ground.clock, ground.dice)
        self._opened: _Opened | None = None
        self._mailbox: Mailbox | None = None
        self._line = contextlib.ExitStack()
        self._look_at = 0.0
        self._is_asked = False
        self._tries = 0
        self._is_set_back = False
        self.slept = ""
        """Why time has jumped, as another thread has noticed; empty where it has not, or this side knows."""

    def close(self) -> None:
        self._hang_up()
        self._runs.close()
        opened, self._opened = self._opened, None
        if opened is not None:
            opened.stack.close()

    def doubt(self, why: str) -> None:
        self._hang_up()
        self._runs.forget()
        self._look_at = 0.0

    def now(self) -> None:
        """There may be something new: the next turn looks at the mailbox. From any thread; ring its bell as well."""
        self._is_asked = True  # a look that is under way may have missed it

    def turn(self) -> float | None:
        if self.slept:
            self.doubt(self.slept)
            self.slept = ""
        try:
            with as_expected():
                return self._turn()
        except HybridError as error:
            wait_s = self._set_back(error)
            self.close()  # perhaps the state was damaged, and was set aside
            self._look_at = self._ground.clock.monotonic() + wait_s
            return wait_s

    def _turn(self) -> float | None:
        clock = self._ground.clock
        opened = self._ready()
        if opened is None:
            return AWAY_S
        if self._is_asked:
            self._is_asked = False
            self._look_at = 0.0
        looks = self._was_pushed()
        if looks and clock.monotonic() >= self._look_at:
            wait_s = self._look(opened)
            self._look_at = clock.monotonic() + wait_s
        elif self._is_set_back and not looks:
            self._ground.board.tell(self.name, state=WATCHING, needs=())
            self._is_set_back = False
        again_s = self._notify(opened)
        if not self._is_set_back:
            self._tries = 0
        left_s = max(0.0, self._look_at - clock.monotonic()) if looks else None
        return soonest((left_s, again_s, self._stale_in(opened)))

    def _ready(self) -> _Opened | None:
        """What is open, opened where it is not; None while the project folder is gone."""
        place, project, memory = self._ground.place(), self._ground.project, self._ground.memory()
        opened = self._opened
        if opened is not None and (opened.place, opened.project, opened.memory) != (place, project, memory):
            self.close()
            self.doubt("the project folder, its settings or what is known of it are others now")
        if place is None:
            return None
        if self._opened is None:
            stack = contextlib.ExitStack()
            state = stack.enter_context(opened_state(project, lambda text: None))
            memory = self._ground.memory()
            self._opened = _Opened(place=place, memory=memory, project=project, state=state, stack=stack)
        return self._opened

    def _look(self, opened: _Opened) -> float:
        """Looks at the runs; returns after how many seconds to do so again. Raises what is wrong here, not there."""
        ground = self._ground
        try:
            if self._mailbox is None:
                self._mailbox = self._line.enter_context(ground.open_mailbox(opened.project, ground.clock))
            seen = self._runs.look(self._mailbox, opened.state)
            for event in seen.events:
                ground.note(opened.state, event)
            self._runs.told(opened.state)
        except (RemoteError, CorruptMailbox, NewerMailbox) as error:
            return self._set_back(error)
        self._is_set_back = False
        again_s = seen.again_s if seen.again_s is not None else RECONCILE_S * ground.dice.uniform(0.75, 1.25)
        if again_s > WARM_S:
            self._hang_up()
        self._tell(seen, again_s)
        self._ground.board.is_over(self.name)
        return again_s

    def _tell(self, seen: Seen, again_s: float) -> None:
        # Progress is told by the second: a look a minute ahead is nothing that anybody counts down to.
        self._ground.board.tell(
            self.name,
            state=WATCHING,
            needs=tuple(seen.needs),
            runs=seen.lines,
            next_look=self._ground.clock.wall() + again_s,
        )

    def _set_back(self, error: HybridError) -> float:
        told = setback(error)
        self._is_set_back = True
        self._tries += 1
        wait_s = retry_s(told, error, self._tries, self._ground.dice)
        self._hang_up()
        self._ground.board.tell(
            self.name,
            state=OFFLINE if told.state == OFFLINE else WATCHING,
            needs=(told.need,) if told.need else (),
            next_look=self._ground.clock.wall() + wait_s,
        )
        self._ground.trouble(self.name, str(error), error.hint)
        return wait_s

    def _notify(self, opened: _Opened) -> float | None:
        """Shows what is new to a person; returns after how many seconds more may be shown."""
        status, wall = self._ground.board.status, self._ground.clock.wall()
        table = notices.ToldTable(opened.state)
        told = table.load()
        decision = notices.decide(
            Journal(opened.state).since(wall - notices.NEWS_S),
            status.needs,
            status,
            told,
            wall,
            project=opened.project.root.name,
            unpublished_hours=opened.project.config.agent.unpublished_hours,
        )
        if decision.told != told:
            table.save(decision.told)
        if decision.notice is not None:
            self._desktop.show(decision.notice)
        return decision.again_s

    def _stale_in(self, opened: _Opened) -> float | None:
        """Seconds until a person is to be told that nothing was published although something waits."""
        waiting = self._ground.board.status.waiting
        if waiting is None:
            return None
        left_s = (
            waiting.since + 3600 * opened.project.config.agent.unpublished_hours - self._ground.clock.wall()
        )
        return left_s + 1.0 if left_s > 0 else None

    def _hang_up(self) -> None:
        self._mailbox = None
        self._line.close()
