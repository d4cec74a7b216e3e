"""Reads one file of outputs or references, row by row: JSON lines, JSON, Parquet, CSV or TSV.

What a machine elsewhere wrote is hostile or at least careless input: a line may be cut, binary, endless or
nested without end. Each such row becomes a ``BadRow`` and the others are still read, up to a limit; nothing
here raises for what a file contains.
"""

import json
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, NamedTuple

from .. import tables
from ..samples import made
from . import csv_rows, seal

BY_PLACE = "#"
"""Instead of the name of the id: rows are told apart by their number in the file, and that of the shard."""
PACKED = "is packed"
OTHER_KIND = "is not a kind that can be read"
MORE_THAN_ROWS = "holds more than a list of rows"

READABLE = (".jsonl", ".json", ".parquet", *csv_rows.DELIMITERS)

LONGEST_LINE = 64 << 20
_LARGEST_JSON = 512 << 20
_MOST_BAD_ROWS = 10
_LARGEST_METRICS = 1 << 20
PACKED_KINDS = (".gz", ".bz2", ".xz", ".zst", ".zip", ".tar", ".tgz", ".7z")
_SKIPPED_AT_ONCE = 1 << 20
_ENDS = ("\n", "\r\n", "")
_BEGINNING = 20
_NO_VALUE = "Expecting value"


class Row(NamedTuple):
    """``value`` as parsed; ``key`` is the name under which a JSON object held it. ``where`` is ``line 3``,
    ``row 3``, ``item 3``, ``key abc``, or nothing where the whole file is one row. ``meant`` says which field is the answer
    and so on, where the kind of file settles that."""

    where: str
    value: object
    key: str | None = None
    meant: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class BadRow:
    """A clause such as ``line 3 is not valid JSON``, to stand after the file's name. ``columns`` are those of its table, where a
    table is known to have the same for all rows."""

    what: str
    columns: Sequence[str] | None = None


@dataclass(frozen=True, slots=True)
class NotAnswers(BadRow):
    """A file that is whole, and is known to hold something else than answers."""


def read(path: Path, id_names: Container[str]) -> Iterator[Row | BadRow]:
    """Rows in the file's order. A file that cannot be opened or understood at all is one BadRow.

    A JSON object that has a field of ``id_names`` is one row; one that holds a list of objects and nothing else, these; any
    other holds one row under each key.
    """
    bad = 0
    try:
        for row in _rows(path, id_names):
            yield row
            if isinstance(row, BadRow):
                bad += 1
                if bad == _MOST_BAD_ROWS:
                    yield BadRow(f"was given up after {bad} bad rows")
                    return
    except OSError as error:
        reason = error.strerror or str(error).partition("\n")[0]
        yield BadRow(f"cannot be read ({reason})")


def _rows(path: Path, id_names: Container[str]) -> Iterator[Row | BadRow]:
    match path.suffix.lower():
        case ".jsonl":
            return _read_lines(path)
        case ".json":
            return _read_json(path, id_names)
        case ".parquet":
            return _read_parquet(path)
        case kind if kind in csv_rows.DELIMITERS:
            return _read_csv(path, id_names, csv_rows.DELIMITERS[kind])
        case kind if kind in PACKED_KINDS:
            return iter([NotAnswers(PACKED)])
        case _:
            return iter([BadRow(f"{OTHER_KIND} ({', '.join(READABLE)})")])


def _read_lines(path: Path) -> Iterator[Row | BadRow]:
    with path.open("rb") as file:
        yield from lines(file)


def lines(file: IO[bytes], before: int = 0) -> Iterator[Row | BadRow]:
    """JSON lines; ``before`` is how many lines of it came earlier."""
    number = before
    decode = json.JSONDecoder().raw_decode
    while line := file.readline(LONGEST_LINE + 1):
        number += 1
        where = f"line {number}"
        if len(line) > LONGEST_LINE:
            while line and not line.endswith(b"\n"):
                line = file.readline(_SKIPPED_AT_ONCE)
            yield BadRow(f"{where} is longer than {LONGEST_LINE >> 20} MiB")
            continue
        if number == 1:
            line = line.removeprefix(b"\xef\xbb\xbf")
        # What json.loads does beside is as slow as this. Whatever is no plain line gets that care afterwards.
        try:
            text = line.decode("utf-8")
            value, end = decode(text)
            plain = text[end:] in _ENDS
        except (ValueError, RecursionError):
            plain = False
        if plain:
            yield made(Row, (where, value, None, None))
        elif line.strip():
            yield _parse(line, where)


def _read_json(path: Path, id_names: Container[str]) -> Iterator[Row | BadRow]:
    size = path.stat().st_size
    if size > _LARGEST_JSON:
        yield BadRow(f"is larger than {_LARGEST_JSON >> 20} MiB; JSON lines (.jsonl) may be of any size")
        return
    whole = _parse(path.read_bytes().removeprefix(b"\xef\xbb\xbf"), "")
    if isinstance(whole, BadRow):
        yield whole
    elif isinstance(whole.value, list):
        for number, value in enumerate(whole.value, 1):
            yield Row(f"item {number}", value)
    elif isinstance(whole.value, dict) and seal.is_results(whole.value):
        for identity, fields in seal.rows_of(whole.value):
            yield Row(f"question {identity}", fields, meant=seal.FIELDS)
    elif isinstance(whole.value, dict) and seal.is_verdicts(whole.value):
        yield NotAnswers(seal.VERDICTS)
    elif isinstance(whole.value, dict) and any(name in id_names for name in whole.value):
        yield Row("", whole.value)
    elif isinstance(whole.value, dict):
        yield from _rows_of(whole.value, id_names)
    else:
        yield BadRow("holds neither a list nor an object")


def _rows_of(whole: Mapping[str, object], id_names: Container[str]) -> Iterator[Row | BadRow]:
    """Of an object that is no row itself: what it holds by name, or the one list of rows that is all it holds."""
    lists = [name for name, value in whole.items() if _are_rows(value, id_names, is_all=len(whole) == 1)]
    has_bare = any(isinstance(value, str | int | float) for value in whole.values())
    nested = [name for name, value in whole.items() if has_bare and _holds_rows(value)]
    if len(lists) != 1 and nested:
        yield NotAnswers(f"{MORE_THAN_ROWS} (that is in {nested[0]})")
    elif len(lists) != 1:
        for key, value in whole.items():
            yield Row(f"key {key}", value, key)
    elif len(whole) > 1:
        yield NotAnswers(f"{MORE_THAN_ROWS} (that is {lists[0]})")
    else:
        (values,) = whole.values()
        for number, value in enumerate(values if isinstance(values, list) else (), 1):
            yield Row(f"item {number}", value)


def _are_rows(value: object, id_names: Container[str], *, is_all: bool) -> bool:
    """Whether a value of an object is a list of rows, not one answer. Where it ``is_all`` of the object, they need no id; but the
    attempts at an ARC task are objects, too."""
    if not isinstance(value, list) or not value or not all(isinstance(each, dict) for each in value):
        return False
    have_ids = all(any(name in id_names for name in each) for each in value)
    return have_ids or (is_all and not any(name.startswith("attempt_") for name in value[0]))


def _holds_rows(value: object) -> bool:
    """Whether it is an object with a list of rows in it: beside bare values that is no answer by name."""
    return isinstance(value, dict) and any(_are_rows(each, (), is_all=True) for each in value.values())


def holds_bare_numbers(path: Path) -> bool:
    """Whether a JSON file is one object, of nothing but numbers; False for one that cannot be read."""
    try:
        if path.stat().st_size > _LARGEST_METRICS:
            return False
        whole = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(whole, dict) and all(isinstance(value, int | float) for value in whole.values())


def _read_parquet(path: Path) -> Iterator[Row | BadRow]:
    try:
        yield from table_rows(tables.read(path))
    except tables.BadTable as error:
        yield BadRow(str(error))


def table_rows(values: Iterable[dict[str, object]], before: int = 0) -> Iterator[Row]:
    """The rows of a table; ``before`` is how many of it came earlier."""
    for number, value in enumerate(values, before + 1):
        yield Row(f"row {number}", value)


def _read_csv(path: Path, id_names: Container[str], delimiter: str) -> Iterator[Row | BadRow]:
    if BY_PLACE in id_names:
        yield from _numbered(csv_rows.read(path, None, delimiter))
        return
    for row in csv_rows.read(path, id_names, delimiter):
        if isinstance(row, csv_rows.Flaw):
            yield NotAnswers(row.what) if row.columns is None else BadRow(row.what, row.columns)
        else:
            yield made(Row, (*row, None, None))


def _numbered(rows: Iterable[tuple[str, csv_rows.Cells] | csv_rows.Flaw]) -> Iterator[Row | BadRow]:
    """Lines are no measure where cells hold several of them, so each row is where it stands among the others."""
    for number, row in enumerate(rows, 1):
        if not isinstance(row, csv_rows.Flaw):
            yield Row(f"row {number}", row[1])
        elif row.columns is None:
            yield NotAnswers(row.what)
        elif csv_rows.NOTHING_UP_TO_THERE in row.what:
            yield BadRow(f"{row.what}, nor after it, because rows are counted", row.columns)
            return
        else:
            yield BadRow(row.what, row.columns)


def _parse(text: bytes, where: str) -> Row | BadRow:
    start = f"{where} " if where else ""
    try:
        # Strict UTF-8: json.loads would guess UTF-16 from zero bytes and make text of a binary file.
        return Row(where, json.loads(text.decode("utf-8")))
    except UnicodeDecodeError:
        return BadRow(f"{start}{csv_rows.NOT_UTF8}")
    except json.JSONDecodeError as error:
        at = f"character {error.pos + 1}" if where else f"line {error.lineno}"
        if not error.doc.strip():
            return BadRow(f"{start}{csv_rows.EMPTY}")
        if not error.doc[: error.pos].strip() and error.msg == _NO_VALUE:
            return BadRow(f"{start}is not valid JSON, but begins with {error.doc.strip()[:_BEGINNING]!a}")
        return BadRow(f"{start}is not valid JSON ({error.msg} at {at})")
    except RecursionError:
        return BadRow(f"{start}is nested too deeply")
    except ValueError as error:  # a number of more digits than Python converts
        return BadRow(f"{start}is not valid JSON ({str(error).partition(';')[0]})")
