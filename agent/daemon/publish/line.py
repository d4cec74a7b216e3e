"""The agent's way to the mailbox: made when there is something to say, and kept while more is likely to follow."""

from collections.abc import Mapping
from dataclasses import replace

from sync.local.index import Index
from sync.progress import Silent

from ...collecting import collect
from ...pushing import Contact, Met
from ...state import State
from ..ground import Ground

WARM_S = 120.0
"""Seconds after its last use for which a connection is kept: it costs some wake-ups a second."""
CLUTTER = 200
"""Snapshots beyond those that are kept at which the mailbox is tidied."""


class Line:
    """One connection at a time, and what is known of the mailbox since it was met by it. For one thread."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._contact: Contact | None = None
        self._met: Met | None = None
        self._is_doubted = False
        self._used = 0.0
        self._kept = 0
        """Snapshots that the last collection left."""

    @property
    def is_met(self) -> bool:
        """The mailbox was met by this connection, and what is known of it holds."""
        return self._met is not None and not self._is_doubted

    def begin(self, index: Index) -> None:
        """Connects in the background, unless that was done."""
        if self._contact is None:
            self._contact = Contact(
                self._ground.project, index, self._ground.clock, open_mailbox=self._ground.open_mailbox
            )
            self._contact.begin()
        self._used = self._ground.clock.monotonic()

    def doubt(self) -> None:
        """Another process may have changed what is in the mailbox: it is to be met anew before it is used. A line that was
        only begun has asked already."""
        self._is_doubted = self._contact is not None

    def met(self, index: Index) -> Met:
        """The mailbox, met as late as it has to be. Raises what meeting it raises; the line is closed then."""
        if self._is_doubted:
            self.close()
        self.begin(index)
        if self._met is None:
            assert self._contact is not None
            try:
                self._met = self._contact.met()
            except BaseException:
                self.close()
                raise
        return self._met

    def wrote(self, written: Mapping[str, int]) -> None:
        """This process has put files into the mailbox: bytes of each, by path."""
        if self._met is not None:
            self._met = replace(self._met, there=self._met.there.after(written))

    @property
    def is_cluttered(self) -> bool:
        """Whether there is a lot in the mailbox that ``tidy`` would remove: each save is a snapshot."""
        if self._met is None or self._is_doubted:
            return False
        keep = self._ground.project.config.keep
        return len(self._met.there.mine) >= max(self._kept, keep.snapshots + keep.days) + CLUTTER

    def tidy(self, state: State, index: Index) -> None:
        """As ``hybrid gc``; the caller holds the push lock. Raises what that raises."""
        met = self.met(index)
        self._kept = collect(met.mailbox, state, index, Silent()).kept_snapshots
        self.doubt()

    def idle_in(self) -> float | None:
        """Seconds after which the line is to be closed; None where there is none."""
        if self._contact is None:
            return None
        return max(0.0, self._used + WARM_S - self._ground.clock.monotonic())

    def close(self) -> None:
        """Idempotent; cuts off what is under way."""
        self._met = None
        self._is_doubted = False
        contact, self._contact = self._contact, None
        if contact is not None:
            contact.cut()
