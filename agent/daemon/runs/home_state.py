"""Which runs the agent is bringing home, and how far it is with each: in ``.hybrid/state.db``.

A row is there as long as something about the run is left for the agent to do, also where a command has closed the run
meanwhile.
"""

from dataclasses import dataclass

from ...state import State

_SCHEMA = """CREATE TABLE IF NOT EXISTS homeward (
    run TEXT PRIMARY KEY, ended TEXT NOT NULL, graded TEXT NOT NULL
) WITHOUT ROWID"""


@dataclass(frozen=True, kw_only=True)
class Mark:
    """ended   the end that was told of: a phase, or which set-up failed; empty for none
    graded  hash of the settings that the run was graded with, or could not be graded; empty for neither
    """

    ended: str = ""
    graded: str = ""


class HomeState:
    def __init__(self, state: State) -> None:
        self._state = state
        state.prepare(_SCHEMA)

    def marks(self) -> dict[str, Mark]:
        with self._state.reading() as connection:
            rows = connection.execute("SELECT run, ended, graded FROM homeward").fetchall()
        return {run: Mark(ended=ended, graded=graded) for run, ended, graded in rows}

    def put(self, run: str, mark: Mark) -> None:
        with self._state.writing() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO homeward VALUES (?, ?, ?)", (run, mark.ended, mark.graded)
            )

    def drop(self, run: str) -> None:
        with self._state.writing() as connection:
            connection.execute("DELETE FROM homeward WHERE run = ?", (run,))
