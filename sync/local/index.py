"""What was pushed last, so that "what changed" is answered from ``stat`` alone, and where each chunk is.

A file is unchanged when its whole signature is as it was recorded, and what was recorded can be trusted: a file
changed within the clock's granularity of the scan that noted it may have changed again without a trace, as git
knows it, so that it is read once more.
"""

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from ..store.lines import Content
from ..store.nouns import Location
from . import checked_rows
from .bulk import without_collections
from .checked_rows import sum_of_content, sum_of_location, sum_of_other
from .database import connect, reading, transaction
from .entry import Signature
from .noted import Noted, Row

_SCHEMA = (
    """CREATE TABLE IF NOT EXISTS files (
        path BLOB PRIMARY KEY, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, ctime_ns INTEGER NOT NULL,
        inode INTEGER NOT NULL, executable INTEGER NOT NULL, scanned_ns INTEGER NOT NULL,
        bytes INTEGER NOT NULL, chunks TEXT NOT NULL, placed TEXT NOT NULL, objects TEXT NOT NULL,
        sum INTEGER NOT NULL
    ) WITHOUT ROWID""",
    # Links, and empty folders, whose target is empty.
    "CREATE TABLE IF NOT EXISTS others (path BLOB PRIMARY KEY, target BLOB NOT NULL, sum INTEGER NOT NULL) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS objects (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE)",
    """CREATE TABLE IF NOT EXISTS chunks (
        sha256 BLOB PRIMARY KEY, object INTEGER NOT NULL, block_offset INTEGER NOT NULL,
        block_stored INTEGER NOT NULL, block_raw INTEGER NOT NULL, codec TEXT NOT NULL,
        offset INTEGER NOT NULL, length INTEGER NOT NULL, sum INTEGER NOT NULL
    ) WITHOUT ROWID""",
    "CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
)
_LOCATIONS = (
    "SELECT sha256, name, block_offset, block_stored, block_raw, codec, offset, length, sum"
    " FROM chunks JOIN objects ON objects.id = chunks.object"
)
_BATCH = 900  # parameters per statement; every SQLite in use takes 999
_PAGE = 2000  # rows per statement, where a statement must not stay open while others write


class FileRow(NamedTuple):
    """A file as it was published last: what it looked like on this disk, and its content in the mailbox."""

    path: bytes
    noted: Noted
    content: Content


class Index:
    """The tables ``files``, ``others``, ``chunks`` with their ``objects``, and ``meta``. One thread; each method is one
    transaction, or part of the one that ``at_once`` spans.

    Raises HybridError. A database that turns out to be damaged is set aside at once, so that the next
    ``Index.open`` begins a new one.
    """

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection = connection
        self._path = path

    @classmethod
    def open(cls, path: Path) -> tuple["Index", str]:
        """The index, and a sentence for the user where what was there had to be set aside; else empty."""
        opened = connect(path)
        index = cls(opened.connection, path)
        try:
            with index._writing() as database:
                for statement in _SCHEMA:
                    database.execute(statement)
        except BaseException:
            index.close()
            raise
        return index, opened.message

    def close(self) -> None:
        """Idempotent."""
        self._connection.close()

    def __enter__(self) -> "Index":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def files(self) -> dict[bytes, Noted]:
        """By path, the files of the state that was published last."""
        columns = "path, size, mtime_ns, ctime_ns, inode, executable, scanned_ns"
        note, sign = Noted._make, Signature._make
        with self._reading() as database, without_collections():
            rows = database.execute(f"SELECT {columns} FROM files")
            return {row[0]: note((sign(row[1:6]), row[6])) for row in rows}

    def contents(self, paths: Iterable[bytes]) -> dict[bytes, Content]:
        """The content of those of the files that were published."""
        query = "SELECT path, bytes, chunks, placed, objects, sum FROM files WHERE path = ?"
        with self._reading() as database:
            rows = (database.execute(query, (path,)).fetchone() for path in paths)
            return dict(checked_rows.content(row) for row in rows if row is not None)

    def rows(self, below: bytes | None = None) -> Iterator[Row]:
        """Signatures of the files that were published, sorted by path; of the path ``below`` and what lies below it, if
        given. Other methods may be called meanwhile."""
        columns = "path, size, mtime_ns, ctime_ns, inode, executable, scanned_ns"
        if below is None:
            yield from self._pages(columns, b"", None)
            return
        with self._reading() as database:
            found = database.execute(f"SELECT {columns} FROM files WHERE path = ?", (below,)).fetchall()
        yield from found
        yield from self._pages(columns, below + b"/", below + b"0")

    def contents_between(
        self, first: bytes = b"", stop: bytes | None = None
    ) -> Iterator[tuple[bytes, bool, Content]]:
        """Path, whether it can be executed, and content of every file from ``first`` on and before ``stop``, sorted by path.
        Other methods may be called meanwhile."""
        columns = "path, executable, bytes, chunks, placed, objects, sum"
        return self._pages(columns, first, stop, checked_rows.stored)

    def all_contents(self) -> Iterator[tuple[bytes, Content]]:
        """Path and content of every file, sorted by path. Other methods may be called meanwhile."""
        return ((path, what) for path, _, what in self.contents_between())

    def count(self) -> int:
        """How many files were published."""
        with self._reading() as database:
            return int(database.execute("SELECT COUNT(*) FROM files").fetchone()[0])

    def leaned_on(self) -> set[str]:
        """References of the objects in which the published files have their content."""
        with self._reading() as database:
            texts = [row[0] for row in database.execute("SELECT DISTINCT objects FROM files")]
        return {name for text in texts for name in text.split()}

    def remember_files(self, rows: Iterable[FileRow]) -> None:
        values = (
            (path, *noted.signature, noted.scanned_ns, *content, sum_of_content(path, content))
            for path, noted, content in rows
        )
        marks = ",".join("?" * 12)
        with self._writing() as database:
            database.executemany(f"INSERT OR REPLACE INTO files VALUES ({marks})", values)

    def note_files(self, noted: Mapping[bytes, Noted]) -> None:
        """These published files look otherwise now, and have the same content."""
        values = ((*now.signature, now.scanned_ns, path) for path, now in noted.items())
        columns = "size = ?, mtime_ns = ?, ctime_ns = ?, inode = ?, executable = ?, scanned_ns = ?"
        with self._writing() as database:
            database.executemany(f"UPDATE files SET {columns} WHERE path = ?", values)

    def forget_files(self, paths: Iterable[bytes]) -> None:
        with self._writing() as database:
            database.executemany("DELETE FROM files WHERE path = ?", ((path,) for path in paths))

    def others(self) -> dict[bytes, bytes]:
        """By path, what the state that was published last had beside files: the target of each link, and for each empty
        folder nothing."""
        with self._reading() as database:
            return dict(map(checked_rows.other, database.execute("SELECT path, target, sum FROM others")))

    def replace_others(self, others: Mapping[bytes, bytes]) -> None:
        with self._writing() as database:
            database.execute("DELETE FROM others")
        self.change_others(others, ())

    def change_others(self, put: Mapping[bytes, bytes], gone: Iterable[bytes]) -> None:
        values = ((path, target, sum_of_other(path, target)) for path, target in put.items())
        with self._writing() as database:
            database.executemany("DELETE FROM others WHERE path = ?", ((path,) for path in gone))
            database.executemany("INSERT OR REPLACE INTO others VALUES (?, ?, ?)", values)

    def locations(self, chunks: Iterable[bytes]) -> dict[bytes, Location]:
        """Those of the chunks, by SHA-256, whose place is known."""
        wanted = list(chunks)
        found: dict[bytes, Location] = {}
        with self._reading() as database:
            for start in range(0, len(wanted), _BATCH):
                batch = wanted[start : start + _BATCH]
                marks = ",".join("?" * len(batch))
                rows = database.execute(f"{_LOCATIONS} WHERE sha256 IN ({marks})", batch)
                found.update(map(checked_rows.location, rows))
        return found

    def add_locations(self, rows: Iterable[tuple[bytes, Location]]) -> None:
        """A chunk that is known already moves to its new place."""
        placed = list(rows)
        names = {location.object for _, location in placed}
        with self._writing() as database:
            database.executemany(
                "INSERT OR IGNORE INTO objects (name) VALUES (?)", ((name,) for name in names)
            )
            ids = {
                name: database.execute("SELECT id FROM objects WHERE name = ?", (name,)).fetchone()[0]
                for name in names
            }
            # In the order of the primary key, which is also the order on disk.
            values = (
                (sha256, ids[location.object], *location[1:], sum_of_location(sha256, location))
                for sha256, location in sorted(placed)
            )
            database.executemany("INSERT OR REPLACE INTO chunks VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", values)

    def drop_objects(self, names: Iterable[str]) -> None:
        """Forgets all chunks in these objects, which are gone or not to be used any more."""
        gone = [(name,) for name in names]
        if not gone:
            return
        with self._writing() as database:
            database.execute("CREATE TEMP TABLE IF NOT EXISTS gone (name TEXT)")
            database.execute("DELETE FROM gone")
            database.executemany("INSERT INTO gone VALUES (?)", gone)
            database.execute(
                "DELETE FROM chunks WHERE object IN (SELECT id FROM objects JOIN gone USING (name))"
            )
            database.execute("DELETE FROM objects WHERE name IN (SELECT name FROM gone)")

    def has_locations(self) -> bool:
        """Whether the place of any chunk is known."""
        with self._reading() as database:
            return database.execute("SELECT 1 FROM chunks LIMIT 1").fetchone() is not None

    def objects(self) -> list[str]:
        """The objects that hold chunks whose place is known."""
        with self._reading() as database:
            return [row[0] for row in database.execute("SELECT name FROM objects")]

    def reaches(self) -> dict[str, int]:
        """For each object that holds chunks whose place is known, the byte up to which they reach."""
        with self._reading() as database:
            return dict(
                database.execute(
                    "SELECT name, MAX(block_offset + block_stored) FROM chunks"
                    " JOIN objects ON objects.id = chunks.object GROUP BY objects.id"
                )
            )

    def clear_locations(self) -> None:
        with self._writing() as database:
            database.execute("DELETE FROM chunks")
            database.execute("DELETE FROM objects")

    def meta_get(self, key: str) -> str | None:
        with self._reading() as database:
            row: Sequence[str] | None = database.execute(
                "SELECT value FROM meta WHERE key = ?", (key,)
            ).fetchone()
        return None if row is None else row[0]

    def meta_set(self, key: str, value: str) -> None:
        with self._writing() as database:
            database.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """All that is written inside becomes durable together, or not at all."""
        with self._writing():
            yield

    def _pages(
        self, columns: str, first: bytes, stop: bytes | None, make: Callable[[Any], Any] = tuple
    ) -> Iterator[Any]:
        """Rows of files from path ``first`` on and before ``stop``, as ``make`` gives them, path first; a page at a time,
        so that no query is under way when the caller does something else."""
        until = "" if stop is None else "AND path < ?"
        more = ">="
        while True:
            query = f"SELECT {columns} FROM files WHERE path {more} ? {until} ORDER BY path LIMIT {_PAGE}"
            values = (first,) if stop is None else (first, stop)
            with self._reading() as database:
                page = [make(row) for row in database.execute(query, values)]
            yield from page
            if len(page) < _PAGE:
                return
            first, more = page[-1][0], ">"

    def _reading(self) -> AbstractContextManager[sqlite3.Connection]:
        return reading(self._connection, self._path)

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._reading() as database:
            if database.in_transaction:
                yield database
            else:
                with transaction(database):
                    yield database
