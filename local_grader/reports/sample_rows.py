"""One row a sample, for spreadsheets and data frames: CSV and Parquet with the same columns."""

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from itertools import islice
from typing import IO

from .. import tables
from ..kept import KeptGrade
from .characters import visible
from .contents import Contents, verdict_of

COLUMNS: Mapping[str, tables.Kind] = {
    "run": "text",
    "sample": "text",
    "verdict": "text",  # right, partly right, wrong, or a rubric's own words; not graded, never answered
    "value": "number",  # in [0, 1]; empty unless graded
    "reason": "text",  # why it was not graded
    "group": "text",
    "shard": "text",
    "stage": "text",  # which rule or judge decided
    "prompt": "text",
    "answer": "text",
    "reference": "text",
    "context": "text",  # what the answer must be supported by
    "rival": "text",  # the answer that it was compared with
    "explanation": "text",
    "judgements": "text",  # JSON list: what each judge said
    "details": "text",  # JSON object of numbers
    "place": "text",  # file and line of the answer
}
_BATCH = 4_096
# What spreadsheets take for a formula: none may come from a run. A plain number is none.
_FORMULA = re.compile(r"(?!-?[\d.,]+\Z)[=+\-@\t]")


def write_csv(contents: Contents, file: IO[bytes]) -> None:
    """UTF-8, a line break is one character. Invisible characters are escapes, and a text that a spreadsheet would calculate
    begins with an apostrophe: Parquet has all texts as they are."""
    text = io.TextIOWrapper(file, encoding="utf-8", newline="", write_through=True)
    try:
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(COLUMNS)
        for row in _rows(contents):
            writer.writerow([_cell(value) for value in row])
    finally:
        text.detach()


def write_parquet(contents: Contents, file: IO[bytes]) -> None:
    writer = tables.Writer(file, COLUMNS, {})
    every = _rows(contents)
    while rows := list(islice(every, _BATCH)):
        columns = dict(zip(COLUMNS, map(list, zip(*rows, strict=True)), strict=True))
        writer.write(columns, len(rows))
    writer.close()


def _rows(contents: Contents) -> Iterator[tuple[str | float | None, ...]]:
    for grade in contents.grades():
        yield _row(contents, grade)


def _row(contents: Contents, grade: KeptGrade) -> tuple[str | float | None, ...]:
    """In the order of ``COLUMNS``."""
    judgements = [asdict(one) for one in grade.judgements]
    return (
        contents.grading.run,
        grade.sample,
        contents.told(verdict_of(grade)),
        grade.value,
        grade.reason,
        grade.group,
        grade.shard,
        grade.stage,
        grade.prompt,
        grade.answer,
        grade.reference,
        grade.context,
        grade.rival,
        grade.explanation,
        json.dumps(judgements) if judgements else None,
        json.dumps(grade.details, sort_keys=True) if grade.details else None,
        grade.place,
    )


def _cell(value: str | float | None) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.12g}"
    text = visible(value)
    return f"'{text}" if _FORMULA.match(text) else text
