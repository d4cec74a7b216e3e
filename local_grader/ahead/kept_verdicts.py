"""What the journal of verdicts holds already of a judge, looked up without a trace.

``judging.journal`` makes the file, and notes whom it was opened for. Nothing of that happens here: a look that leaves
files behind is no look. SQLite itself makes two beside a journal that is read while nobody writes it, unless it is told that
the file is ``immutable``, which it then is.
"""

import json
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from sync.errors import UsageError

from ..judge import Identity

_LATELY = 200
_PAUSE = 2.0
"""More than so many times what the longest answer took is a pause between gradings, not a part of one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Kept:
    """``called`` is who was called so last, None where nobody was. The others are of the judge that was meant: the hashes of
    the prompts that it would not be asked again, and how many seconds its last answers took each, None where nobody knows."""

    called: Identity | None = None
    settled: frozenset[str] = frozenset()
    each_s: float | None = None


def kept(path: Path, called: str, rubric_sha256: str, judge: Identity | None = None) -> Kept:
    """Of ``judge``; where nobody knows who that is, of who was called so last: ``called`` as in ``Journal``. Raises UsageError where there is a journal that cannot be read."""
    if not path.exists():
        return Kept()
    log = path.with_name(f"{path.name}-wal")
    is_in_use = log.exists() and log.stat().st_size > 0
    how = "mode=ro" if is_in_use else "mode=ro&immutable=1"
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?{how}", uri=True, timeout=60.0)) as database:
            return _kept(database, called, rubric_sha256, judge)
    except sqlite3.Error as error:
        raise UsageError(
            f"The verdicts in {path} cannot be read ({error}).",
            "Move the file away, if it stays so; what it held is asked again.",
        ) from error


def _kept(database: sqlite3.Connection, called: str, rubric_sha256: str, judge: Identity | None) -> Kept:
    row = database.execute(
        "SELECT judge, identity FROM called JOIN judges ON judge = sha256 WHERE name = ?", (called,)
    ).fetchone()
    before = None if row is None else Identity(**json.loads(row[1]))
    if row is None and judge is None:
        return Kept()
    sha256 = row[0] if judge is None else judge.sha256()
    settled = database.execute(
        "SELECT prompt FROM answers WHERE judge = ? AND rubric = ? AND NOT is_passing",
        (sha256, rubric_sha256),
    )
    timed = database.execute(
        "SELECT at, served_s FROM answers WHERE judge = ? AND served_s IS NOT NULL ORDER BY at DESC LIMIT ?",
        (sha256, _LATELY),
    )
    return Kept(
        called=before,
        settled=frozenset(prompt for (prompt,) in settled),
        each_s=each_s(timed.fetchall()),
    )


def each_s(timed: Sequence[tuple[float, float]]) -> float | None:
    """Seconds from one answer to the next, newest first, as (when it came, how long the server worked on it).

    What passes between two answers tells of several slots, too; where there are no two in one go, the work on each has to do.
    """
    if not timed:
        return None
    longest = max(served for _, served in timed)
    gaps = [later - sooner for (later, _), (sooner, _) in pairwise(timed)]
    going = [gap for gap in gaps if gap <= _PAUSE * longest]
    return sum(going) / len(going) if going else sum(served for _, served in timed) / len(timed)
