"""All that the agent does for the runs of this laptop, in one call: brings them home, and starts runners for them."""

import random
from dataclasses import dataclass, field, replace

from sync.clock import Clock

from ...mailbox import Mailbox
from ...state import State
from ..tell.events import Event
from ..tell.status import RunLine
from .home import Home
from .outcome import Outcome, soonest
from .starting import Starting


@dataclass(frozen=True, kw_only=True)
class Seen(Outcome):
    """``lines`` are for the status, with the notes in them."""

    lines: list[RunLine] = field(default_factory=list)


class RunsDuty:
    """For one thread."""

    def __init__(self, clock: Clock, dice: random.Random) -> None:
        self._home = Home(clock)
        self._starting = Starting(clock, dice)
        self._happened: list[Event] = []

    def look(self, mailbox: Mailbox, state: State) -> Seen:
        """Does what is due. Raises what the mailbox and the state database raise: what had happened by then is among the
        events of the next look. ``again_s`` is None where no run is open."""
        found = self._home.look(mailbox, state)
        started = self._starting.look(mailbox, state, found.open)
        self._happened += started.events
        return Seen(
            lines=[replace(line, note=started.notes.get(line.run) or line.note) for line in found.lines],
            events=[*found.events, *self._happened],
            needs=[*found.needs, *started.needs],
            notes=started.notes,
            again_s=soonest([found.again_s, started.again_s]),
        )

    def told(self, state: State) -> None:
        """The events of the last look are written down. Without this they are among those of the next one again."""
        self._home.told(state)
        self._happened.clear()

    def forget(self) -> None:
        """This machine has slept, or its settings are new: what was put off is tried at once."""
        self._starting.forget()

    def close(self) -> None:
        """Ends a grading that is under way; the next agent begins it again. Idempotent."""
        self._home.close()
