"""``.hybrid/state.db``: what the laptop remembers, in one SQLite file that several modules keep tables in.

The convention: ``connect`` once per process and thread, then run your module's ``CREATE TABLE IF NOT EXISTS``
statements; table names are your own. Whatever changes the meaning of a table that already exists raises
``VERSION``. Write inside ``transaction``: it holds the one write lock, and a killed process leaves all of it or
nothing.

Nothing in this file is the only copy of anything that matters, so a damaged one is set aside, not repaired: the
index is made again by reading the project, runs and machines are found again in mailboxes and by their name tags.
"""

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ..errors import HybridError, LocalDiskFull, Locked

VERSION: Final = 3
_BUSY_S = 30.0
_SPARE = 1024 * 1024
# In the file's header, so that another program's database is never taken for ours.
_APPLICATION_ID = 0x68796272


@dataclass(frozen=True, kw_only=True)
class Opened:
    """``message`` is empty, or one sentence: what was found instead of a database, and where that is now."""

    connection: sqlite3.Connection
    message: str


def connect(path: Path) -> Opened:
    """Opens or makes the database, and its folder. Raises HybridError where neither can be done.

    The connection is in autocommit mode, may be used by this thread only, and is the caller's to close.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            return Opened(connection=_open(path), message="")
        except _Unusable as reason:
            aside = set_aside(path)
            return Opened(
                connection=_open(path),
                message=f"The local state {path} {reason}; it is now {aside.name}, and a new one was begun.",
            )
    except (OSError, sqlite3.Error, _Unusable) as error:
        raise failure(path, error) from error


class Damage(Exception):
    """To be raised inside ``reading`` by who finds a row that cannot be true: SQLite checks its pages' order, not bytes."""


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        # SQLite rolls back by itself after some errors, a full disk among them, and what was damaged is closed by now.
        with suppress(sqlite3.Error):
            if connection.in_transaction:
                connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


@contextmanager
def reading(connection: sqlite3.Connection, path: Path) -> Iterator[sqlite3.Connection]:
    """Turns what SQLite says into HybridError; a database that turns out to be damaged is set aside at once."""
    try:
        yield connection
    except Damage as error:
        connection.close()
        raise damaged(path) from error
    except sqlite3.Error as error:
        if is_damage(error):
            connection.close()
            raise damaged(path) from error
        if isinstance(error, sqlite3.OperationalError):
            raise failure(path, error) from error
        raise  # a wrong statement or a closed connection is a bug


def set_aside(path: Path) -> Path:
    """Renames the database, with what belongs to it, to the first free ``state.db.corrupt-N``."""
    number = 1
    while (aside := path.with_name(f"{path.name}.corrupt-{number}")).exists():
        number += 1
    for suffix in ("-wal", "-shm", ""):  # the database last: until it is gone, this can be done again
        try:
            os.replace(f"{path}{suffix}", f"{aside}{suffix}")
        except FileNotFoundError:
            continue
    return aside


def is_damage(error: sqlite3.Error) -> bool:
    """Whether the error says that the file's content is broken, not that a call failed."""
    if getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return True
    # Python's own words, without a code, for text that is none: every text here was written as UTF-8.
    return isinstance(error, sqlite3.OperationalError) and "decode to UTF-8" in str(error)


def damaged(path: Path) -> HybridError:
    """Sets the database aside, after all connections of this process are closed, and says so."""
    try:
        aside = set_aside(path)
    except OSError as error:
        return failure(path, error)
    return HybridError(
        f"The local state {path} was damaged; it is now {aside.name}.", "Run the command again."
    )


def failure(path: Path, error: Exception) -> HybridError:
    """What an error of SQLite or the file system means to the user."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code == sqlite3.SQLITE_FULL or (code == sqlite3.SQLITE_IOERR and _is_full(path.parent)):
        return LocalDiskFull(
            f"There is no room left for the local state {path}.", "Free some space and try again."
        )
    if code == sqlite3.SQLITE_BUSY:
        return Locked(f"The local state {path} is busy.", "Wait for the other hybrid command to end.")
    hint = "Check the folder's permissions and free space."
    return HybridError(f"The local state {path} cannot be used: {error}.", hint)


def _is_full(folder: Path) -> bool:
    """Whether the disk may lack room for what SQLite keeps beside the database: it calls that an I/O error."""
    try:
        return shutil.disk_usage(folder).free < _SPARE
    except OSError:
        return False


class _Unusable(Exception):
    """A clause saying what the file is instead of our database."""


def _open(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=_BUSY_S, isolation_level=None)
    try:
        _prepare(connection)
    except sqlite3.DatabaseError as error:
        connection.close()
        if is_damage(error):
            raise _Unusable("was damaged") from error
        raise
    except BaseException:
        connection.close()
        raise
    return connection


def _prepare(connection: sqlite3.Connection) -> None:
    # In this order: another process may be making the database, and it marks it before it makes tables.
    tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if tables and application != _APPLICATION_ID:
        raise _Unusable("is another program's database")
    if version > VERSION:
        raise _Unusable("was written by a newer version of hybrid")
    if tables and version < VERSION:
        raise _Unusable("was written by an older version of hybrid")
    # Write-ahead log: readers never wait for the writer, and a kill loses at most the last transactions.
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    if version < VERSION:
        connection.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {VERSION}")
