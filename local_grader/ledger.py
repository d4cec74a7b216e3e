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
from contextlib import suppress
from dataclasses import asdict, dataclass
from dataclasses import replace as with_changes
from pathlib import Path
from typing import IO, Any

from . import tables
from .judge import Identity
from .ledger_rows import BATCH, COLUMNS, Rows
from .reading.fields import Fields
from .scorer import Option
from .scores import Grade, Missing

# Rises when the columns change, or when the same file would be read into other samples.
FORMAT = 4

METADATA = "hybrid.grading"
"""The name of the file's metadata: the entry, as a JSON object."""
FACTS = "hybrid.facts"
"""The name of more of it: ``Facts`` as a JSON object."""

_LEFT_S = 86_400.0


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
    which a judge could not be asked. ``asked`` are the judges that were wanted, by name, heard or not. ``source`` tells graded
    files of one name apart: the file's or folder's name with that of the folder around it; empty for a run. ``files`` are the
    globs by which some were chosen; none for all."""

    unread: Sequence[str] = ()
    unheard: int = 0
    asked: Sequence[str] = ()
    source: str = ""
    files: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Recorded:
    """``new`` is False where nothing was written: the same grading had been recorded before, or this one is not ``kept``."""

    path: Path
    new: bool
    kept: bool


class Recorder:
    """Takes the grades of one grading, one by one, into the folder ``ledger`` unless they are there.

    Without ``keep`` nothing is written; with ``replace`` what is there is written anew, for a scorer that may say something
    else today. Used in a ``with`` block, at the end of which the file is there; where the block is left by an exception, there is
    none. Two processes may do so at once: the content is the same.
    """

    def __init__(
        self,
        ledger: Path,
        entry: Entry,
        *,
        keep: bool = True,
        replace: bool = False,
        asked: Sequence[str] = (),
        source: str = "",
        files: Sequence[str] = (),
    ) -> None:
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
        self._rows = Rows()
        self._file: IO[bytes] | None = None
        self._writer: tables.Writer | None = None
        # Packing takes no turn of the interpreter, so it goes on beside the grading, one batch behind.
        self._packer = ThreadPoolExecutor(1, "ledger")
        self._packed: Future[None] | None = None
        self._facts = Facts(asked=asked, source=source, files=files)
        self._keeps = keep

    def __enter__(self) -> "Recorder":
        return self

    def add(self, grade: Grade) -> None:
        if self._new:
            self._rows.add(grade)
            self._write_full()

    def add_missing(self, missing: Missing) -> None:
        if self._new:
            self._rows.add_missing(missing)
            self._write_full()

    def add_columns(self, columns: Mapping[str, Any], rows: int) -> None:
        """Grades as another process has put them in columns, with ``Rows``."""
        if self._new:
            self._write(columns, rows)

    def tell(self, facts: Facts) -> None:
        """Goes with the file, beside who was asked and what was read; at the end, when they are known."""
        known = self._facts
        self._facts = with_changes(facts, asked=known.asked, source=known.source, files=known.files)

    @property
    def recorded(self) -> Recorded:
        return Recorded(path=self._path, new=self._new, kept=self._keeps)

    def __exit__(self, kind: type[BaseException] | None, *_: Any) -> None:
        try:
            with self._packer:
                if self._rows.count and kind is None:
                    self._write(self._rows.columns(), self._rows.count)
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

    def _write_full(self) -> None:
        if self._rows.count >= BATCH:
            full, self._rows = self._rows, Rows()
            self._write(full.columns(), full.count)

    def _write(self, columns: Mapping[str, Any], rows: int) -> None:
        if self._writer is None:
            self._temporary.parent.mkdir(parents=True, exist_ok=True)
            self._file = self._temporary.open("wb")
            _remove_left_beside(self._temporary)
            self._writer = tables.Writer(self._file, COLUMNS, self._entry.metadata())
        batch = self._writer.batch({**self._common, **columns}, rows)
        self._await_packed()
        self._packed = self._packer.submit(self._writer.put, batch)

    def _await_packed(self) -> None:
        """Raises what went wrong with the batch before, such as a full disk."""
        if self._packed is not None:
            self._packed.result()


def _remove_left_beside(temporary: Path) -> None:
    """What gradings that were killed have left: files that nobody has written to for a day before ``temporary`` began."""
    last = temporary.stat().st_mtime - _LEFT_S
    for path in temporary.parent.glob(".tmp-*.parquet"):
        with suppress(OSError):  # another grading may have just removed it
            if path.stat().st_mtime < last:
                path.unlink()
