"""The runs that are owed for what was published: remembered until they are queued, and compared once for each state."""

import random

from sync.local.index import Index
from sync.push.changes import Published

from ...config_auto import AutoSettings
from ...project import Project
from ...pushing import Met
from ...state import State
from ..runs.outcome import Outcome
from .autorun import AutoRuns


class Queueing:
    """For one thread. ``is_owed``: there is a publication that runs were not queued for yet."""

    def __init__(self, dice: random.Random) -> None:
        self._autoruns = AutoRuns(dice)
        self._owed: tuple[Published, frozenset[bytes] | None] | None = None
        """With the paths that changed, where they are known."""
        self._settled: tuple[str, AutoSettings] | None = None
        """The snapshot, and the settings, that all runs were queued for."""
        self.at: float | None = None
        """Monotonic seconds at which to try again."""

    @property
    def is_owed(self) -> bool:
        return self._owed is not None

    def is_due(self, now: float) -> bool:
        return self.at is not None and now >= self.at

    def forget(self) -> None:
        """What was remembered of runs may be lost."""
        self._settled = None

    def published(self, project: Project, published: Published, changed: frozenset[bytes]) -> None:
        if project.config.auto.run:
            before = self._owed[1] if self._owed is not None else frozenset[bytes]()
            self._owed = (published, before | changed if before is not None else None)

    def found(self, project: Project, published: Published) -> None:
        """There is nothing to publish, as it is published: by whom, and whether runs were queued for it, is not known."""
        auto = project.config.auto
        if auto.run and self._owed is None and self._settled != (published.snapshot, auto):
            self._owed = (published, None)

    def queue(self, met: Met, state: State, index: Index, now: float) -> Outcome:
        """Queues what is owed; the caller holds the push lock. Raises what the mailbox and the state database raise."""
        assert self._owed is not None
        published, changed = self._owed
        outcome = self._autoruns.published(met.mailbox, state, index, published, changed)
        if outcome.again_s is None:
            self._settled = (published.snapshot, met.mailbox.project.config.auto)
            self._owed = self.at = None
        else:
            self._owed = (published, None)
            self.at = now + outcome.again_s
        return outcome
