"""What both sides of the agent stand on: the project with its settings as they are now, the clock, and who is told."""

import logging
import random
from dataclasses import dataclass, field

from sync.clock import Clock
from sync.errors import HybridError, UsageError
from sync.local.scan import identity

from .. import config
from ..mailbox import Opener, opened
from ..project import STATE_FOLDER, Project
from ..state import FILE_NAME, State
from .tell import events
from .tell.board import Board
from .tell.events import Event
from .tell.journal import Journal
from .tell.status import Need, Trouble

AWAY_S = 5.0
"""Seconds between two looks for a project folder that is gone."""
_log = logging.getLogger(__name__)


class OtherProject(UsageError):
    """The folder is that of another project now, which has an agent of its own: this one has nothing more to do here."""


@dataclass(kw_only=True)
class Ground:
    """``project`` is replaced when its settings change: whoever has opened something by them opens it anew then."""

    project: Project
    clock: Clock
    board: Board
    dice: random.Random
    need: Need | None = None
    """What is wrong with the settings now; the former ones are in force."""
    other: OtherProject | None = None
    """Why this agent is to end by itself."""
    open_mailbox: Opener = opened
    _read: tuple[int, ...] = field(default=())
    _doubted: tuple[int, ...] = field(default=())
    """The settings that could not be read last: told of once they stay so, as somebody may be in the middle of writing."""

    def place(self) -> tuple[int, int] | None:
        """Tells the project folder from another that takes its name; None while there is none that is a project."""
        try:
            if not (self.project.root / config.FILE_NAME).exists():
                return None
            return identity(self.project.root)
        except (HybridError, OSError):
            return None

    def memory(self) -> tuple[int, int] | None:
        """Tells the local state from another that takes its name; None where there is none."""
        try:
            found = (self.project.root / STATE_FOLDER / FILE_NAME).stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino

    def renew(self) -> bool:
        """Reads the settings again if their file changed; returns whether they are different now."""
        path = self.project.root / config.FILE_NAME
        try:
            found = path.stat()
        except OSError:
            return False
        mark = (found.st_ino, found.st_size, found.st_mtime_ns, found.st_mode)
        before, self._read = self._read, mark
        if before == mark:
            return False
        try:
            settings = config.load(path)
            if settings.project.id != self.project.config.project.id:
                raise OtherProject(
                    f"The project in {path} has another id now, and this was the agent of the former one.",
                    "hybrid agent start",
                )
        except UsageError as error:
            if self._doubted != mark:
                self._doubted, self._read = mark, before
                return False
            if isinstance(error, OtherProject):
                self.other = error
                return False
            self.need = Need(key="settings", what=str(error), how=error.hint)
            _log.warning("The settings were not taken over: %s", error)
            return False
        self.need = None
        changed = settings != self.project.config
        if changed:
            self.project = Project(root=self.project.root, config=settings)
            _log.info("The settings have changed")
        return changed

    def note(self, state: State, event: Event) -> None:
        """Keeps what happened."""
        level = (
            logging.WARNING if event.kind in (events.FAILED, events.NEED, events.OFFLINE) else logging.INFO
        )
        _log.log(level, "%s", " ".join(filter(None, (event.text, event.how))))
        Journal(state).note(event, self.clock.wall())

    def trouble(self, side: str, what: str, how: str) -> None:
        """Tells of something that failed, now."""
        _log.warning("%s", " ".join(filter(None, (what, how))))
        self.board.tell(side, trouble=Trouble(at=self.clock.wall(), what=what, how=how))
