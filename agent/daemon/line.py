"""The agent's way to the mailbox: made when there is something to say, and kept while more is likely to follow."""

from sync.local.index import Index

from ..pushing import Contact, Met
from .ground import Ground

WARM_S = 120.0
"""Seconds after its last use for which a connection is kept: it costs some wake-ups a second."""


class Line:
    """One connection at a time; for one thread."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._contact: Contact | None = None
        self._used = 0.0

    @property
    def is_there(self) -> bool:
        return self._contact is not None

    def begin(self, index: Index) -> None:
        """Connects in the background, unless that was done."""
        if self._contact is None:
            self._contact = Contact(
                self._ground.project, index, self._ground.clock, open_mailbox=self._ground.open_mailbox
            )
            self._contact.begin()
        self._used = self._ground.clock.monotonic()

    def met(self, index: Index) -> Met:
        """The mailbox as it was when it was met. Raises what meeting it raises; the line is closed then, and made anew by
        the next call."""
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
        return max(0.0, self._used + WARM_S - self._ground.clock.monotonic())

    def close(self) -> None:
        """Idempotent; cuts off what is under way."""
        contact, self._contact = self._contact, None
        if contact is not None:
            contact.__exit__(InterruptedError, InterruptedError(), None)
