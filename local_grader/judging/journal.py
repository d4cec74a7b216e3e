"""What judges have replied, kept for good: a prompt that was answered is never sent to the same judge again.

One SQLite file. The key is the judge (model digest and options), the rubric and the prompt, which holds the sample; the
value is the model's own text, from which the verdict is read anew each time, so that a report can be made again and says
the same. What could not be answered is kept with its reason. Every ``put`` is on disk when it returns: killed at any
instruction, a grading loses what was being asked just then, and nothing else. Two gradings at once share the work: what one
asks just now, the other does not.
"""

import errno
import json
import re
import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import asdict, astuple, dataclass, fields
from pathlib import Path
from typing import Any

from sync.errors import HybridError, LocalDiskFull, Locked, UsageError

from ..judge import Identity
from .claims import Claims

_VERSION = 1
_TABLES = """
CREATE TABLE IF NOT EXISTS judges (sha256 TEXT PRIMARY KEY, identity TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS answers (
    judge TEXT NOT NULL, rubric TEXT NOT NULL, prompt TEXT NOT NULL,
    text TEXT, reason TEXT, explanation TEXT NOT NULL, is_passing INTEGER NOT NULL,
    prompt_tokens INTEGER, reply_tokens INTEGER, served_s REAL, attempts INTEGER NOT NULL, at REAL NOT NULL,
    PRIMARY KEY (judge, rubric, prompt)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS called (name TEXT PRIMARY KEY, judge TEXT NOT NULL) WITHOUT ROWID;
"""
_AT_ONCE = 500
_HALVES = re.compile("[\ud800-\udfff]")
"""Of characters, which JSON can hold and SQLite cannot."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What a judge made of one prompt.

    ``text`` is a reply that fits the rubric; where there is none it is None, ``reason`` says why in a few words and
    ``explanation`` in a sentence, and ``is_passing`` whether asking again later may help. ``at`` is wall clock.
    """

    text: str | None
    reason: str | None = None
    explanation: str = ""
    is_passing: bool = False
    prompt_tokens: int | None = None
    reply_tokens: int | None = None
    served_s: float | None = None
    attempts: int = 1
    at: float = 0.0


_COLUMNS = ", ".join(field.name for field in fields(Answer))


class Journal:
    """The answers of one judge by one rubric. Used by one thread; several processes may use the same file.

    Raises UsageError where the file is damaged or of another version, LocalDiskFull where there is no room, HybridError
    where the system does not let it be written.
    """

    def __init__(self, path: Path, judge: Identity, rubric_sha256: str, called: str = "") -> None:
        """``called`` is what the user calls this judge, with what the user decided about it: see ``last_called``."""
        self._called = called
        self._judge = judge.sha256()
        self._rubric = rubric_sha256
        self._path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._database = sqlite3.connect(path, timeout=60.0, isolation_level=None)
        except (OSError, sqlite3.Error) as error:
            raise self._explained(error) from error
        try:
            self._open(judge)
            self._claims = Claims(path.with_name(f"{path.name}-asked"))
        except (OSError, sqlite3.Error) as error:
            self._database.close()
            raise self._explained(error) from error
        except BaseException:
            self._database.close()
            raise

    def known(self, prompts: Sequence[str]) -> dict[str, Answer]:
        """The answers that are kept, by the prompt's hash."""
        found: dict[str, Answer] = {}
        for start in range(0, len(prompts), _AT_ONCE):
            some = prompts[start : start + _AT_ONCE]
            marks = ",".join("?" * len(some))
            rows = self._execute(
                f"SELECT prompt, {_COLUMNS} FROM answers WHERE judge = ? AND rubric = ? AND prompt IN ({marks})",
                (self._judge, self._rubric, *some),
            )
            for prompt, *values in rows:
                named = dict(zip((field.name for field in fields(Answer)), values, strict=True))
                found[prompt] = Answer(**{**named, "is_passing": bool(named["is_passing"])})
        return found

    def settled(self, prompts: Sequence[str]) -> dict[str, Answer]:
        """Those of ``known`` that asking again would not change."""
        return {prompt: answer for prompt, answer in self.known(prompts).items() if not answer.is_passing}

    def put(self, answers: Iterable[tuple[str, Answer]], *, replace: bool = True) -> None:
        """All of them, or none; on disk on return. What was kept of the same prompts is replaced; a reply only with
        ``replace``, and never by a failure that passes, which says nothing about the sample."""
        rows = [
            (self._judge, self._rubric, prompt, *map(_storable, astuple(answer)))
            for prompt, answer in answers
        ]
        if not rows:
            return
        marks = ",".join("?" * len(rows[0]))
        changes = ", ".join(f"{field.name} = excluded.{field.name}" for field in fields(Answer))
        may = "NOT excluded.is_passing" if replace else "FALSE"
        self._execute("BEGIN IMMEDIATE")
        try:
            for row in rows:
                self._execute(
                    f"INSERT INTO answers (judge, rubric, prompt, {_COLUMNS}) VALUES ({marks}) "
                    f"ON CONFLICT DO UPDATE SET {changes} WHERE text IS NULL OR {may}",
                    row,
                )
            self._execute("COMMIT")
        except BaseException:
            if self._database.in_transaction:
                self._database.rollback()
            raise

    def claim(self, prompt: str) -> bool:
        """Whether no other process asks it just now; then none does until ``release``. What it has asked before is known."""
        return self._claims.take(f"{self._judge} {self._rubric} {prompt}")

    def release(self, prompt: str) -> None:
        """Whether it was claimed or not."""
        self._claims.drop(f"{self._judge} {self._rubric} {prompt}")

    def close(self) -> None:
        self._claims.close()
        self._database.close()

    def _open(self, judge: Identity) -> None:
        self._database.execute("PRAGMA synchronous = FULL")
        version = self._database.execute("PRAGMA user_version").fetchone()[0]
        if version not in (0, _VERSION):
            raise UsageError(
                f"{self._path} was written by a newer version of hybrid.",
                "Use that version, or move the file away.",
            )
        self._write_ahead()
        self._database.executescript(f"BEGIN IMMEDIATE; {_TABLES} PRAGMA user_version = {_VERSION}; COMMIT")
        # The server's version may change under the same judge: the newest is told.
        self._database.execute(
            "INSERT OR REPLACE INTO judges VALUES (?, ?)", (self._judge, json.dumps(asdict(judge)))
        )
        self._database.execute("INSERT OR REPLACE INTO called VALUES (?, ?)", (self._called, self._judge))

    def _write_ahead(self) -> None:
        """Quicker, and no safer. Where another process changes to it at this moment, SQLite does not wait; so neither do we."""
        try:
            self._database.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                raise

    def _execute(self, statement: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        try:
            return self._database.execute(statement, values).fetchall()
        except sqlite3.Error as error:
            raise self._explained(error) from error

    def _explained(self, error: OSError | sqlite3.Error) -> HybridError:
        code = getattr(error, "sqlite_errorcode", None)
        kind = None if code is None else code & 0xFF  # without what the extended code says more
        if kind == sqlite3.SQLITE_FULL or (isinstance(error, OSError) and error.errno == errno.ENOSPC):
            return LocalDiskFull(f"There is no room for verdicts in {self._path}.", "Make room, and go on.")
        if kind in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            return UsageError(
                f"The verdicts in {self._path} are damaged ({error}).",
                "Move the file away; what it held is asked again.",
            )
        if kind == sqlite3.SQLITE_BUSY:
            return Locked(
                f"Another process has held the verdicts in {self._path} for a minute.",
                "Let it end, and grade again.",
            )
        told = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        return HybridError(
            f"No verdicts can be kept in {self._path} ({told}).",
            "Let this user write there, or repair the disk, and grade again; what was kept is not asked again.",
        )


def _storable(value: object) -> object:
    return _HALVES.sub("\ufffd", value) if isinstance(value, str) else value


def last_called(path: Path, called: str) -> Identity | None:
    """Who was called so last, for when the server cannot be asked: what was kept of that judge is still worth something.

    None where nobody was, or the file cannot be read: whoever wants to write it says why.
    """
    if not path.exists():
        return None
    try:
        with closing(
            sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=60.0)
        ) as database:
            row = database.execute(
                "SELECT identity FROM called JOIN judges ON judge = sha256 WHERE name = ?", (called,)
            ).fetchone()
    except sqlite3.Error:
        return None
    return None if row is None else Identity(**json.loads(row[0]))
