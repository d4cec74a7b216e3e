"""``.hybrid/state.db`` for the tables of this package; what is in it can be found again in the mailbox."""

import contextlib
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

from sync.local.database import connect, reading, transaction

from .project import Project

FILE_NAME = "state.db"


class State:
    """One connection, for one thread. Raises HybridError; a database that is damaged is set aside."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection = connection
        self._path = path

    def reading(self) -> contextlib.AbstractContextManager[sqlite3.Connection]:
        return reading(self._connection, self._path)

    @contextlib.contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """What is written is durable at the end: all of it, or nothing."""
        with self.reading() as connection, transaction(connection):
            yield connection

    def prepare(self, statement: str) -> None:
        """Makes a table, where it is not there yet."""
        with self.reading() as connection:
            connection.execute(statement)


@contextlib.contextmanager
def opened(project: Project, warn: Callable[[str], None]) -> Iterator[State]:
    """The project's state. ``warn`` gets a sentence where what was there had to be set aside."""
    path = project.state_dir / FILE_NAME
    found = connect(path)
    try:
        if found.message:
            warn(found.message)
        # A choice must not be lost to a power cut once outputs were laid out by it.
        found.connection.execute("PRAGMA synchronous = FULL")
        yield State(found.connection, path)
    finally:
        found.connection.close()
