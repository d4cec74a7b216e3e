"""What the agent remembers of the runs that it queues by itself: in ``.hybrid/state.db``.

For each ``[run.NAME]`` one row says which state of the files was queued last; an intent is written before the run, so
that after a kill the same run is completed and no second one is made.
"""

import contextlib
import json
from dataclasses import asdict, dataclass

from sync.mailbox.records import Spec

from ...own_runs import OwnRuns
from ...state import State

_SCHEMA = (
    "CREATE TABLE IF NOT EXISTS auto_runs (name TEXT PRIMARY KEY, hash TEXT NOT NULL, run TEXT NOT NULL) WITHOUT ROWID",
    """CREATE TABLE IF NOT EXISTS auto_intents (
        name TEXT PRIMARY KEY, mailbox TEXT NOT NULL, hash TEXT NOT NULL, spec TEXT NOT NULL, replaces TEXT NOT NULL
    ) WITHOUT ROWID""",
)


@dataclass(frozen=True, kw_only=True)
class Last:
    """The run that was queued last for a name, and the ``fingerprint`` of the files that it was queued for."""

    hash: str
    run: str


@dataclass(frozen=True, kw_only=True)
class Intent:
    """A run that is being queued for ``[run.NAME]``.

    mailbox   the id of the mailbox that it is for
    replaces  the run before it, which is stopped where nobody has begun it; empty where there is none
    """

    name: str
    mailbox: str
    hash: str
    spec: Spec
    replaces: str


class AutoState:
    def __init__(self, state: State) -> None:
        self._state = state
        self.own = OwnRuns(state)
        for statement in _SCHEMA:
            state.prepare(statement)

    def last(self, name: str) -> Last | None:
        with self._state.reading() as connection:
            row = connection.execute("SELECT hash, run FROM auto_runs WHERE name = ?", (name,)).fetchone()
        return None if row is None else Last(hash=row[0], run=row[1])

    def intents(self) -> list[Intent]:
        """Those that this version can make sense of."""
        with self._state.reading() as connection:
            rows = connection.execute(
                "SELECT name, mailbox, hash, spec, replaces FROM auto_intents"
            ).fetchall()
        found = []
        for name, mailbox, state, text, replaces in rows:
            # Of another version of hybrid; what is due is found out anew, and takes its place.
            with contextlib.suppress(TypeError, ValueError):
                spec = Spec(**json.loads(text))
                found.append(Intent(name=name, mailbox=mailbox, hash=state, spec=spec, replaces=replaces))
        return found

    def intend(self, intent: Intent) -> None:
        spec = json.dumps(asdict(intent.spec))
        values = (intent.name, intent.mailbox, intent.hash, spec, intent.replaces)
        with self._state.writing() as connection:
            connection.execute("INSERT OR REPLACE INTO auto_intents VALUES (?, ?, ?, ?, ?)", values)

    def drop(self, intent: Intent) -> None:
        with self._state.writing() as connection:
            connection.execute("DELETE FROM auto_intents WHERE name = ?", (intent.name,))

    def queued(self, name: str, last: Last) -> None:
        """The run is in the mailbox; its intent, if there was one, is fulfilled."""
        with self._state.writing() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO auto_runs VALUES (?, ?, ?)", (name, last.hash, last.run)
            )
            connection.execute("DELETE FROM auto_intents WHERE name = ?", (name,))
