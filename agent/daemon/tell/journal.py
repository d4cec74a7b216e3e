"""What happened, in ``.hybrid/state.db``: an event a row, with this laptop's wall clock. For people, so it may be cut.

The agent writes it, and so does each command that did the same by hand; anybody reads it meanwhile.
"""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from sync.clock import Clock
from sync.errors import HybridError
from sync.local.database import Damage

from ...project import Project
from ...state import State, opened
from ..nudge import nudge_agent
from .events import QUEUED, Event

MOST_ROWS = 10_000
KEPT_S = 31 * 86_400.0
_AT_ONCE = 50
"""Old rows that go with a new one: few enough that a clock that is wrong for a moment costs little."""
_LONGEST_TEXT = 2_000
_LONGEST_DATA = 20_000

_SCHEMA = (
    """CREATE TABLE IF NOT EXISTS journal (
        id INTEGER PRIMARY KEY, at REAL NOT NULL, kind TEXT NOT NULL, run TEXT NOT NULL,
        text TEXT NOT NULL, how TEXT NOT NULL, data TEXT NOT NULL
    )""",
    "CREATE INDEX IF NOT EXISTS journal_at ON journal (at)",
    "CREATE INDEX IF NOT EXISTS journal_run ON journal (run) WHERE run != ''",
)
_COLUMNS = "at, kind, text, how, run, data"


@dataclass(frozen=True, kw_only=True)
class Entry:
    """``at`` is this laptop's wall clock when it was noted."""

    at: float
    event: Event


class Journal:
    """Methods raise HybridError, as ``State`` does."""

    def __init__(self, state: State) -> None:
        self._state = state
        for statement in _SCHEMA:
            state.prepare(statement)

    def note(self, event: Event, now: float) -> None:
        data = json.dumps(event.data)
        row = (
            now,
            event.kind,
            _storable(event.run),
            _storable(event.text),
            _storable(event.how),
            data if len(data) <= _LONGEST_DATA else "{}",
        )
        with self._state.writing() as connection:
            added = connection.execute(
                "INSERT INTO journal (at, kind, run, text, how, data) VALUES (?, ?, ?, ?, ?, ?)", row
            ).lastrowid
            connection.execute("DELETE FROM journal WHERE id <= ?", ((added or 0) - MOST_ROWS,))
            connection.execute(
                "DELETE FROM journal WHERE id IN (SELECT id FROM journal WHERE at < ? ORDER BY at LIMIT ?)",
                (now - KEPT_S, _AT_ONCE),
            )

    def since(self, then: float) -> list[Entry]:
        """What was noted at ``then`` or later, in the order in which it was."""
        return self._read(f"SELECT {_COLUMNS} FROM journal WHERE at >= ? ORDER BY id", (then,))

    def queued(self, runs: Iterable[str]) -> dict[str, float]:
        """When each of these runs was queued, as far as that is known."""
        found: dict[str, float] = {}
        for run in runs:
            rows = self._read(
                f"SELECT {_COLUMNS} FROM journal WHERE run = ? AND run != '' AND kind = ? ORDER BY id LIMIT 1",
                (run, QUEUED),
            )
            found.update((run, each.at) for each in rows)
        return found

    def _read(self, statement: str, values: tuple[object, ...]) -> list[Entry]:
        with self._state.reading() as connection:
            try:
                return [_entry(*row) for row in connection.execute(statement, values)]
            except (ValueError, TypeError) as error:
                raise Damage("a row of the journal is none") from error


def note_done(project: Project, clock: Clock, event: Event, warn: Callable[[str], None]) -> None:
    """Notes what a command has done, and lets the agent know, if there is one. Never fails, because it was done: ``warn``
    gets a sentence where it cannot be noted."""
    try:
        with opened(project, warn) as state:
            Journal(state).note(event, clock.wall())
    except HybridError as error:
        warn(f"hybrid today will not tell of this: {error}")
    nudge_agent(project)


def _entry(at: float, kind: str, text: str, how: str, run: str, data: str) -> Entry:
    found = json.loads(data)
    if not isinstance(found, dict):
        raise ValueError("no object")
    return Entry(at=float(at), event=Event(kind=kind, text=text, how=how, run=run, data=found))


def _storable(text: str) -> str:
    """What SQLite takes: names from the mailbox and the disk may hold half a surrogate pair."""
    return text[:_LONGEST_TEXT].encode("utf-8", "backslashreplace").decode()
