"""The runs that this laptop has queued: in ``.hybrid/state.db``.

A spec says which laptop it is from, but anybody who can write to the mailbox can write that. What the agent starts by itself
is what is known here.
"""

import hashlib

from sync.mailbox import records
from sync.mailbox.records import Spec

from .state import State


class OwnRuns:
    def __init__(self, state: State) -> None:
        self._state = state
        state.prepare(
            "CREATE TABLE IF NOT EXISTS own_runs (run TEXT PRIMARY KEY, sha256 TEXT NOT NULL) WITHOUT ROWID"
        )

    def note(self, spec: Spec) -> None:
        """To be called before the spec is written."""
        with self._state.writing() as connection:
            connection.execute("INSERT OR REPLACE INTO own_runs VALUES (?, ?)", (spec.run, _hash(spec)))

    def holds(self, spec: Spec) -> bool:
        """Whether this very spec was queued by this laptop, as far as it remembers."""
        with self._state.reading() as connection:
            row = connection.execute("SELECT sha256 FROM own_runs WHERE run = ?", (spec.run,)).fetchone()
        return row is not None and row[0] == _hash(spec)


def _hash(spec: Spec) -> str:
    return hashlib.sha256(records.encode(spec)).hexdigest()
