"""What this laptop has seen of runs, so that it need not look again: in ``.hybrid/state.db``."""

import json
from collections.abc import Iterable

from .state import State

_SCHEMA = (
    # What was told of a run that is over and home; its folder never changes again.
    "CREATE TABLE IF NOT EXISTS closed_runs (run TEXT PRIMARY KEY, told TEXT NOT NULL) WITHOUT ROWID",
    # The newest tick of a run's holder, and when it was first seen, on this laptop's wall clock.
    """CREATE TABLE IF NOT EXISTS last_ticks (
        run TEXT PRIMARY KEY, worker TEXT NOT NULL, n INTEGER NOT NULL, seen REAL NOT NULL
    ) WITHOUT ROWID""",
    # Packs that other laptops wrote: gc need not look into them again.
    "CREATE TABLE IF NOT EXISTS others_packs (name TEXT PRIMARY KEY) WITHOUT ROWID",
    # Temporary files in the mailbox, and when each was seen first, on this laptop's wall clock.
    "CREATE TABLE IF NOT EXISTS unfinished (path TEXT PRIMARY KEY, seen REAL NOT NULL) WITHOUT ROWID",
)


class Memory:
    def __init__(self, state: State) -> None:
        self._state = state
        for statement in _SCHEMA:
            state.prepare(statement)

    def closed(self) -> dict[str, dict[str, object]]:
        """Closed runs, and what was told of each."""
        with self._state.reading() as connection:
            rows = connection.execute("SELECT run, told FROM closed_runs").fetchall()
        return {run: json.loads(told) for run, told in rows}

    def close(self, run: str, told: dict[str, object]) -> None:
        with self._state.writing() as connection:
            connection.execute("INSERT OR REPLACE INTO closed_runs VALUES (?, ?)", (run, json.dumps(told)))

    def silence(self, run: str, worker: str, n: int, now: float) -> float | None:
        """Seconds since tick ``n`` of the run's holder was first seen here; None where this worker is new here.

        ``now`` is this laptop's wall clock. 0 where the tick is a new one.
        """
        with self._state.reading() as connection:
            row = connection.execute(
                "SELECT worker, n, seen FROM last_ticks WHERE run = ?", (run,)
            ).fetchone()
        if row is not None and row[:2] == (worker, n) and row[2] <= now:
            return float(now - row[2])
        with self._state.writing() as connection:
            connection.execute("INSERT OR REPLACE INTO last_ticks VALUES (?, ?, ?, ?)", (run, worker, n, now))
        return None if row is None or row[0] != worker else 0.0

    def others_packs(self) -> set[str]:
        with self._state.reading() as connection:
            return {row[0] for row in connection.execute("SELECT name FROM others_packs")}

    def add_others_packs(self, names: Iterable[str]) -> None:
        with self._state.writing() as connection:
            connection.executemany(
                "INSERT OR IGNORE INTO others_packs VALUES (?)", ((name,) for name in names)
            )

    def unfinished(self) -> dict[str, float]:
        """The temporary files that were noted last, and when each was seen first."""
        with self._state.reading() as connection:
            return dict(connection.execute("SELECT path, seen FROM unfinished").fetchall())

    def note_unfinished(self, paths: Iterable[str], now: float) -> None:
        """``paths`` are all that there are now. A clock that was set back begins to count anew."""
        before = self.unfinished()
        rows = [(path, min(before.get(path, now), now)) for path in paths]
        with self._state.writing() as connection:
            connection.execute("DELETE FROM unfinished")
            connection.executemany("INSERT INTO unfinished VALUES (?, ?)", rows)

    def forget(self, run: str) -> None:
        """The run was removed."""
        with self._state.writing() as connection:
            for table in ("closed_runs", "last_ticks"):
                connection.execute(f"DELETE FROM {table} WHERE run = ?", (run,))
