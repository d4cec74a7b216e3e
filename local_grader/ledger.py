"""Keeps grades for good: one Parquet file per grading in ``.hybrid/ledger/grades/``.

The file's name holds a hash of all that decides its content (run, outputs, references, fields, scorer, judges and what
they said), so grading the same again finds it there and writes nothing, and grading differently lies beside it. A file
appears whole or not at all: it is written under a temporary name, flushed to disk, then renamed. It holds no time and
no path of this machine. Rows stand in the order in which samples were read, then the missing ones. ``kept`` reads it.
"""

import hashlib
import json
import os
import re
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from . import tables
from .judge import Identity
from .reading.fields import Fields
from .scorer import Option
from .scores import Grade, Missing
from .texts import as_text

# Rises when the columns change, or when the same file would be read into other samples.
FORMAT = 3

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
    "stage": "text",  # which rule or judge decided, where several could; else null
    "answer": "text",  # the answer as the scorer understood it, cut after 2,000 characters
    "explanation": "text",
    "details": "text",  # JSON object of numbers, for diagnosis
    "judgements": "text",  # JSON list, one object a judge (scores.Judgement); null where none was asked
    "prompt": "text",  # the question, cut after 4,000 characters
    "reference": "text",  # as text or JSON, cut after 2,000 characters
    "context": "text",  # what the answer must be supported by, cut after 4,000 characters
    "rival": "text",  # the answer that it was compared with, as text or JSON, cut after 2,000 characters
    "place": "text",  # file and line that the answer was read from
}
METADATA = "hybrid.grading"
"""The name of the file's metadata: the entry, as a JSON object."""
FACTS = "hybrid.facts"
"""The name of more of it: ``Facts`` as a JSON object."""

_LONGEST_ANSWER = 2_000
_LONGEST_PROMPT = 4_000
# Of the longest texts, about 60 MB.
_BATCH = 4_096


@dataclass(frozen=True, kw_only=True, slots=True)
class Judging:
    """How judges decided what the rule left open: ``rubric`` by name and hash, who judged, how their verdicts were
    pooled, and a hash over what they said. Hashes are SHA-256 in hex."""

    rubric: str
    rubric_sha256: str
    judges: Sequence[Identity]
    pool: str
    verdicts_sha256: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """What decides the content of one grading. Hashes are SHA-256 in hex. ``rivals_sha256`` is about the answers that
    these were compared with, where they were."""

    run: str
    scorer: str
    scorer_version: int
    options: Mapping[str, Option]
    fields: Fields
    outputs_sha256: str
    references_sha256: str | None
    rivals_sha256: str | None = None
    judging: Judging | None = None

    def key(self) -> str:
        return hashlib.sha256(self._identity().encode()).hexdigest()

    def metadata(self) -> dict[str, str]:
        return {METADATA: self._identity()}

    def _identity(self) -> str:
        return json.dumps({"format": FORMAT, **asdict(self)}, sort_keys=True)


@dataclass(frozen=True, kw_only=True, slots=True)
class Facts:
    """What a grading leaves open: ``unread`` says which rows and files could not be read, ``unheard`` counts the samples about
    which a judge could not be asked."""

    unread: Sequence[str] = ()
    unheard: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Recorded:
    """``new`` is False where the same grading had been recorded before; nothing was written then."""

    path: Path
    new: bool


class Recorder:
    """Takes the grades of one grading, one by one, into the folder ``ledger`` unless they are there.

    Without ``keep`` nothing is written; with ``replace`` what is there is written anew, for a scorer that may say something
    else today. Used in a ``with`` block, at the end of which the file is there; where the block is left by an exception, there is
    none. Two processes may do so at once: the content is the same.
    """

    def __init__(self, ledger: Path, entry: Entry, *, keep: bool = True, replace: bool = False) -> None:
        folder = ledger / "grades"
        run = re.sub(r"[^A-Za-z0-9._-]", "_", entry.run)[:80]
        self._path = folder / f"{run}-{entry.key()[:16]}.parquet"
        self._temporary = folder / f".tmp-{os.getpid()}-{self._path.name}"
        self._entry = entry
        self._new = keep and (replace or not self._path.exists())
        self._common = {
            "run": entry.run,
            "key": entry.key(),
            "scorer": entry.scorer,
            "scorer_version": float(entry.scorer_version),
            "options": json.dumps(entry.options, sort_keys=True),
        }
        # Row after row, cell after cell: kept rows would be looked at again and again by the garbage collector.
        self._cells: list[object] = []
        self._file: IO[bytes] | None = None
        self._writer: tables.Writer | None = None
        # Packing takes no turn of the interpreter, so it goes on beside the grading, one batch behind.
        self._packer = ThreadPoolExecutor(1, "ledger")
        self._packed: Future[None] | None = None
        self._facts = Facts()
        self._keeps = keep

    def __enter__(self) -> "Recorder":
        return self

    def add(self, grade: Grade) -> None:
        if self._new:
            self._append(_row(grade))

    def add_missing(self, missing: Missing) -> None:
        if self._new:
            row = dict.fromkeys(_OWN, None) | {
                "sample": missing.sample,
                "group": missing.group,
                "state": "missing",
            }
            self._append(tuple(row.values()))

    def tell(self, facts: Facts) -> None:
        """Goes with the file; at the end, when they are known."""
        self._facts = facts

    @property
    def recorded(self) -> Recorded:
        return Recorded(path=self._path, new=self._new)

    def __exit__(self, kind: type[BaseException] | None, *_: Any) -> None:
        try:
            with self._packer:
                if self._cells and kind is None:
                    self._write()
            if self._file is not None and self._writer is not None:
                with self._file:
                    if kind is None:
                        self._await_packed()
                        self._writer.tell({FACTS: json.dumps(asdict(self._facts))})
                    self._writer.close()
                    self._file.flush()
                    os.fsync(self._file.fileno())
                if kind is None:
                    os.replace(self._temporary, self._path)
            elif kind is None and self._keeps:
                os.utime(self._path)  # what was graded last is what reports are about
        finally:
            self._temporary.unlink(missing_ok=True)

    def _append(self, row: tuple[object, ...]) -> None:
        self._cells += row
        if len(self._cells) >= _BATCH * len(_OWN):
            self._write()

    def _write(self) -> None:
        if self._writer is None:
            self._temporary.parent.mkdir(parents=True, exist_ok=True)
            self._file = self._temporary.open("wb")
            self._writer = tables.Writer(self._file, COLUMNS, self._entry.metadata())
        columns = {name: self._cells[place :: len(_OWN)] for place, name in enumerate(_OWN)}
        batch = self._writer.batch({**self._common, **columns}, len(self._cells) // len(_OWN))
        self._cells = []
        self._await_packed()
        self._packed = self._packer.submit(self._writer.put, batch)

    def _await_packed(self) -> None:
        """Raises what went wrong with the batch before, such as a full disk."""
        if self._packed is not None:
            self._packed.result()


_OWN = tuple(name for name in COLUMNS if name not in ("run", "key", "scorer", "scorer_version", "options"))
"""The columns that differ from row to row."""


def _row(grade: Grade) -> tuple[object, ...]:
    """The values of ``_OWN``."""
    # Taken apart as the tuples that they are: this is done by the million, and fields by name cost most of it.
    (sample, _, place, reference, prompt, group, shard, context, rival, _), score = grade
    value, answer, explanation, reason, details, stage, judgements = score
    return (
        sample,
        group,
        shard,
        "unscored" if value is None else "scored",
        value,
        reason,
        stage or None,
        answer[:_LONGEST_ANSWER],
        explanation,
        json.dumps(details, sort_keys=True) if details else "{}",
        json.dumps([asdict(one) for one in judgements]) if judgements else None,
        None if prompt is None else prompt[:_LONGEST_PROMPT],
        None if reference is None else as_text(reference)[:_LONGEST_ANSWER],
        None if context is None else context[:_LONGEST_PROMPT],
        None if rival is None else as_text(rival)[:_LONGEST_ANSWER],
        place,
    )
