"""What the publishing side tells: what waits and why, how far an upload is, and what stands in the way."""

import contextlib
import logging
from collections.abc import Collection, Sequence

from sync.errors import HybridError, Locked, Problem
from sync.push.changes import Look, Published

from ...console import path_text
from ...state import State
from ..ground import Ground
from ..setbacks import setback
from ..tell import events
from ..tell.events import Event
from ..tell.status import AWAY, HELD, OFFLINE, WATCHING, Need, Waiting
from ..watch.hints import Heard

MOST_PROBLEMS = 20
MOST_HELD_BACK = 5
_TELL_S = 1.0
_log = logging.getLogger(__name__)


class Report:
    """A ``Progress`` as well, of the publication that was said to go. ``queue_needs`` are those of the runs to be queued,
    ``git_need`` of what git has left; ``offline``: the mailbox could not be used when it was last tried."""

    def __init__(self, ground: Ground, side: str) -> None:
        self._ground = ground
        self._side = side
        self._left = 0
        self._total = 0
        self._told = 0.0
        self.queue_needs: list[Need] = []
        self.git_need: Need | None = None
        self.offline = False
        self._problems: list[Problem] = []

    def away(self) -> None:
        what = f"The project folder {self._ground.project.root} is gone, or is no project any more."
        need = Need(key="root", what=what, how="Put it back; until then nothing is published.")
        self._ground.board.tell(self._side, state=AWAY, needs=(need,))

    def held(self, heard: Heard, why: str) -> None:
        waiting = Waiting(files=len(heard.paths) or None, bytes=None, since=self._since(heard), why=why)
        self._ground.board.tell(self._side, state=HELD, needs=self._needs([]), waiting=waiting)

    def doubted(self, heard: Heard) -> None:
        """Everything is about to be looked at."""
        _log.info("Everything is looked at: %s", heard.doubt or "what was known was let go of")

    def problems(self, found: Sequence[Problem], near: Collection[bytes] | None = None) -> None:
        """All that there are now; of the paths ``near``, and what lies below them, where only those were looked at."""
        if near is not None:
            found = [*(each for each in self._problems if not _is_looked_at(each.path, near)), *found]
        self._problems = sorted(set(found), key=lambda each: (each.path, each.what))
        told = [f"{path_text(problem.path)} {problem.what}." for problem in self._problems[:MOST_PROBLEMS]]
        if len(self._problems) > MOST_PROBLEMS:
            told.append(f"... and {len(self._problems) - MOST_PROBLEMS} more paths")
        self._ground.board.tell(self._side, problems=told)

    def held_back(self, seen: Look) -> None:
        stays = [each.path for each in seen.held_back if not each.junk and not each.partly]
        held_back = [path_text(path) for path in stays[:MOST_HELD_BACK]]
        more = len(stays) - len(held_back)
        if more:
            held_back.append(f"{more} more")
        self._ground.board.tell(self._side, held_back=held_back)

    def goes(self, heard: Heard, seen: Look) -> None:
        """It is about to be published."""
        self._left = self._total = sum(entry.signature.size for entry in seen.changed)
        files = len(seen.changed) + len(seen.removed) + len(seen.moved)
        waiting = Waiting(files=files, bytes=self._left, since=self._since(heard), why="it is on its way")
        self._ground.board.tell(self._side, waiting=waiting)

    def set_back(self, state: State | None, heard: Heard | None, error: HybridError) -> None:
        clock, board = self._ground.clock, self._ground.board
        told, before = setback(error), board.status.waiting
        waiting = Waiting(
            files=before.files if before else None,
            bytes=None if before is None or before.bytes is None else self._total,
            since=self._since(heard) if heard is not None else before.since if before else clock.wall(),
            why=told.why,
        )
        needs = self._needs([told.need] if told.need else [])
        board.tell(self._side, state=told.state, needs=needs, waiting=waiting)
        if not isinstance(error, Locked):
            self._ground.trouble(self._side, str(error), error.hint)
        if told.state == OFFLINE and not self.offline:
            self.offline = True
            if state is not None:
                with contextlib.suppress(HybridError):  # there is one to tell of already
                    self._ground.note(state, Event(kind=events.OFFLINE, text=str(error), how=error.hint))

    def out(self, state: State, *, reached: bool, more: bool) -> None:
        """What was heard of is published, or was nothing. ``reached``: the mailbox was; ``more`` was heard meanwhile."""
        if self.offline and reached:
            self.offline = False
            self._ground.note(state, Event(kind=events.ONLINE, text="The mailbox can be reached again."))
        self._ground.board.tell(self._side, state=WATCHING, needs=self._needs([]))
        if not more:
            self._ground.board.tell(self._side, waiting=None)
            self._ground.board.is_over(self._side)

    def published(self, published: Published | None) -> None:
        told = None
        if published is not None:
            told = {
                name: getattr(published, name) for name in ("seq", "snapshot", "created", "files", "bytes")
            }
        self._ground.board.tell(self._side, published=told)

    def start(self, label: str, total: int | None = None, unit: str = "B") -> None:
        pass

    def advance(self, amount: int) -> None:
        self._left -= amount
        now = self._ground.clock.monotonic()
        before = self._ground.board.status.waiting
        if before is not None and now - self._told >= _TELL_S:
            self._told = now
            waiting = Waiting(
                files=before.files, bytes=max(0, self._left), since=before.since, why=before.why
            )
            self._ground.board.tell(self._side, waiting=waiting)

    def finish(self) -> None:
        pass

    def _since(self, heard: Heard) -> float:
        clock = self._ground.clock
        return clock.wall() - max(0.0, clock.monotonic() - heard.first)

    def _needs(self, needs: list[Need]) -> tuple[Need, ...]:
        others = [need for need in (self._ground.need, self.git_need) if need is not None]
        return (*needs, *others, *self.queue_needs)


def _is_looked_at(path: bytes, near: Collection[bytes]) -> bool:
    """Whether it is one of the paths, or lies below one."""
    parts = path.split(b"/")
    return any(b"/".join(parts[:depth]) in near for depth in range(1, len(parts) + 1))
