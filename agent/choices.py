"""Which attempt this laptop has taken for each shard: ``sync.pull.pulled.Choices`` in ``.hybrid/state.db``."""

from sync.pull.pulled import Choice

from .state import State

_SCHEMA = """CREATE TABLE IF NOT EXISTS choices (
    run TEXT NOT NULL, shard INTEGER NOT NULL, attempt TEXT NOT NULL, snapshot TEXT NOT NULL,
    PRIMARY KEY (run, shard)
) WITHOUT ROWID"""


class LocalChoices:
    def __init__(self, state: State) -> None:
        self._state = state
        state.prepare(_SCHEMA)

    def get(self, run: str, shard: int) -> Choice | None:
        with self._state.reading() as connection:
            row = connection.execute(
                "SELECT attempt, snapshot FROM choices WHERE run = ? AND shard = ?", (run, shard)
            ).fetchone()
        return None if row is None else Choice(attempt=row[0], snapshot=row[1])

    def put(self, run: str, shard: int, choice: Choice) -> None:
        values = (run, shard, choice.attempt, choice.snapshot)
        with self._state.writing() as connection:
            connection.execute("INSERT OR REPLACE INTO choices VALUES (?, ?, ?, ?)", values)

    def drop(self, run: str, shard: int) -> None:
        with self._state.writing() as connection:
            connection.execute("DELETE FROM choices WHERE run = ? AND shard = ?", (run, shard))

    def forget(self, run: str) -> None:
        """The run was removed."""
        with self._state.writing() as connection:
            connection.execute("DELETE FROM choices WHERE run = ?", (run,))
