"""Checks of the state database, which change nothing: a command that opened one that is not ours would set it aside."""

import contextlib
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path

from sync.local.database import connect

from .doctor_findings import Finding, fail, ok, warn
from .sizes import size

_BUSY_S = 2.0


def database(path: Path) -> Iterator[Finding]:
    """The database as it lies there: that it is whole, and one of this version of hybrid."""
    if not path.exists():
        yield ok("database", "the first push makes it")
        return
    try:
        with contextlib.closing(_for_reading(path)) as found:
            tables = found.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
            application, version = _header(found)
            result = found.execute("PRAGMA quick_check(1)").fetchone()[0]
    except sqlite3.Error as error:
        busy = getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY
        fix = "Wait until the program that holds it has ended, or end it." if busy else away(path)
        yield fail("database", f"{path} cannot be read: {error}", fix)
        return
    our_application, our_version = _new_header()
    if tables and application != our_application:
        yield fail("database", f"{path} is another program's database", away(path))
    elif version > our_version:
        what = f"{path} was written by a newer hybrid (version {version}, known is {our_version})"
        yield fail("database", what, "Update hybrid on this machine.")
    elif result != "ok":
        yield fail("database", f"{path} is damaged: {result}", away(path))
    elif tables and version < our_version:
        what = f"{path} was written by an older hybrid (version {version}, now it is {our_version})"
        yield warn("database", what, "hybrid push; it sets that file aside, and reads all files once.")
    else:
        yield ok("database", f"whole, {size(path.stat().st_size)}")


def away(path: Path) -> str:
    """What to do about a database that cannot be used."""
    return f"Move {path} away: what matters of it is found again in the mailbox, and all files are read once."


@contextlib.contextmanager
def copied(path: Path) -> Iterator[Path]:
    """A copy of the database as it is now, for who would change it; only its name where there is none.

    Raises OSError where there is no room for it.
    """
    with tempfile.TemporaryDirectory(prefix="hybrid-doctor-", ignore_cleanup_errors=True) as folder:
        copy = Path(folder) / path.name
        if path.exists():
            try:
                with (
                    contextlib.closing(_for_reading(path)) as found,
                    contextlib.closing(sqlite3.connect(copy)) as target,
                ):
                    found.backup(target)
            except sqlite3.Error as error:
                raise OSError(0, f"{path} cannot be copied there: {error}", folder) from error
        yield copy


def _for_reading(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=_BUSY_S)


def _new_header() -> tuple[int, int]:
    """What a database has that is made now."""
    with (
        tempfile.TemporaryDirectory(prefix="hybrid-doctor-", ignore_cleanup_errors=True) as folder,
        contextlib.closing(connect(Path(folder) / "new.db").connection) as new,
    ):
        return _header(new)


def _header(connection: sqlite3.Connection) -> tuple[int, int]:
    """Whose database it is, and of which version."""
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    return application, connection.execute("PRAGMA user_version").fetchone()[0]
