"""The agent's way to the mailbox: made when there is something to say, and kept while more is likely to follow."""

from sync.clock import Clock
from sync.local.index import Index

from ..project import Project
from ..pushing import Contact, Met

WARM_S = 120.0
"""Seconds after its last use for which a connection is kept: it costs some wake-ups a second."""


class Line:
    """One connection at a time; for one thread."""

    def __init__(self, project: Project, clock: Clock) -> None:
        self._project = project
        self._clock = clock
        self._contact: Contact | None = None
        self._used = 0.0

    def begin(self, index: Index) -> None:
        """Connects in the background, unless that was done."""
        if self._contact is None:
            self._contact = Contact(self._project, index, self._clock)
        self._contact.begin()
        self._used = self._clock.monotonic()

    def met(self, index: Index) -> Met:
        """The mailbox. Raises what meeting it raises; the line is closed then, and made anew by the next call."""
        self.begin(index)
        assert self._contact is not None
        try:
            return self._contact.met()
        except BaseException:
            self.close()
            raise

    def idle_in(self) -> float | None:
        """Seconds after which the line is to be closed; None where there is none."""
        if self._contact is None:
            return None
        return max(0.0, self._used + WARM_S - self._clock.monotonic())

    def close(self) -> None:
        """Idempotent; cuts off what is under way."""
        contact, self._contact = self._contact, None
        if contact is not None:
            contact.__exit__(InterruptedError, InterruptedError(), None)
