"""Keeps grades for good: one Parquet file per grading in ``.hybrid/ledger/grades/``.

The file's name holds a hash of all that decides its content (run, outputs, references, fields, scorer), so grading
the same again finds it there and writes nothing, and grading differently lies beside it. A file appears whole or
not at all: it is written under a temporary name, flushed to disk, then renamed. It holds no time and no path of
this machine. Rows stand in the order in which samples were read, then the missing ones.
"""

import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from . import tables
from .grading import Grades
from .reading.fields import Fields
from .scorer import Option

# Rises when the columns change, or when the same file would be read into other samples.
FORMAT = 1

COLUMNS: Mapping[str, tables.Kind] = {
    "run": "text",  # the run's id, or the graded file's name without its suffix
    "key": "text",  # SHA-256 of what decides the content, in hex
    "scorer": "text",
    "scorer_version": "number",
    "options": "text",  # JSON object: every option of the scorer
    "sample": "text",  # sample id
    "group": "text",  # unit of sampling (article, task); null where there is none
    "shard": "text",  # null for a run without shards
    "state": "text",  # scored, unscored, missing
    "value": "number",  # in [0, 1]; null unless scored
    "reason": "text",  # why it is unscored; null unless unscored
    "answer": "text",  # the answer as the scorer understood it, cut after 2,000 characters
    "explanation": "text",
    "details": "text",  # JSON object of numbers, for diagnosis
    "place": "text",  # file and line that the answer was read from
}

_LONGEST_ANSWER = 2_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """What decides the content of one grading. Hashes are SHA-256 in hex."""

    run: str
    scorer: str
    scorer_version: int
    options: Mapping[str, Option]
    fields: Fields
    outputs_sha256: str
    references_sha256: str | None

    def key(self) -> str:
        identity = json.dumps([FORMAT, asdict(self)], sort_keys=True)
        return hashlib.sha256(identity.encode()).hexdigest()


@dataclass(frozen=True, kw_only=True, slots=True)
class Recorded:
    """``new`` is False where the same grading had been recorded before; nothing was written then."""

    path: Path
    new: bool


def record(ledger: Path, entry: Entry, grades: Grades) -> Recorded:
    """Writes the grades into the folder ``ledger`` unless they are there. Two processes may do so at once: the content is the same."""
    folder = ledger / "grades"
    run = re.sub(r"[^A-Za-z0-9._-]", "_", entry.run)[:80]
    path = folder / f"{run}-{entry.key()[:16]}.parquet"
    if path.exists():
        return Recorded(path=path, new=False)
    folder.mkdir(parents=True, exist_ok=True)
    temporary = folder / f".tmp-{os.getpid()}-{path.name}"
    try:
        with temporary.open("wb") as file:
            tables.write(file, COLUMNS, _rows(entry, grades))
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    return Recorded(path=path, new=True)


def _rows(entry: Entry, grades: Grades) -> Iterator[Mapping[str, object]]:
    common: dict[str, object] = {
        "run": entry.run,
        "key": entry.key(),
        "scorer": entry.scorer,
        "scorer_version": float(entry.scorer_version),
        "options": json.dumps(entry.options, sort_keys=True),
    }
    for grade in grades.graded:
        score = grade.score
        yield common | {
            "sample": _storable(grade.sample),
            "group": _storable(grade.group),
            "shard": grade.shard,
            "state": "unscored" if score.value is None else "scored",
            "value": score.value,
            "reason": score.reason,
            "answer": _storable(score.answer[:_LONGEST_ANSWER]),
            "explanation": _storable(score.explanation),
            "details": json.dumps(score.details, sort_keys=True),
            "place": _storable(grade.place),
        }
    for missing in grades.missing:
        absent = dict.fromkeys(COLUMNS, None)
        yield (
            absent
            | common
            | {"sample": _storable(missing.sample), "group": _storable(missing.group), "state": "missing"}
        )


def _storable(text: str | None) -> str | None:
    """Text that Parquet takes: JSON can hold half a surrogate pair, and a file's name any byte; UTF-8 cannot."""
    return None if text is None else text.encode("utf-8", "backslashreplace").decode()
