"""Grades by rule in several processes: the same grades, in the same order, as one process gives.

Only what is plain is done so. As soon as anything turns out that needs an eye on the whole (a sample answered twice, a row
in the midst of a large file that is no answer), ``NotPlain`` is raised, and the careful way begins anew.
"""

import os
import sys
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from . import scorers, tables
from .grading import Grading
from .ledger_rows import COLUMNS, Rows
from .metrics import Tallies
from .reading import pieces
from .reading.fields import Fields
from .reading.pieces import Piece
from .reading.reader import Notes, Reader, Source
from .samples import Reference
from .scorer import Option, Scorer, Shape
from .workers import in_order

_MOST_PROCESSES = 4
"""Each takes 80 MB."""
_MOST_REFERENCES = 100_000
"""Each process holds all of them."""


class NotPlain(Exception):
    """To be graded by one process. Some of the grades may have been given already."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """How to grade: what a process needs to make its own scorer."""

    scorer: str
    options: Mapping[str, Option]
    fields: Fields
    references: Mapping[str, Reference] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Graded:
    """The grades of one piece: ``columns`` packed, of ``rows`` rows, and the ``ids`` once more by themselves. ``shards`` are
    those with answers in it."""

    rows: int
    columns: bytes
    ids: bytes
    tallies: Tallies
    answered: set[str]
    shards: set[str | None]
    notes: Notes


def is_worth_it(sources: Sequence[Source], rule: Rule) -> bool:
    return (
        len(rule.references or ()) <= _MOST_REFERENCES
        and rule.scorer not in scorers.RUN_PROGRAMS
        and scorers.make(rule.scorer, rule.options).shape is Shape.ROWS
        and pieces.are_many(sources)
        and _can_begin_elsewhere()
    )


def cores() -> int:
    """Those that this process may use, as far as more of them make it faster."""
    try:
        found = len(os.sched_getaffinity(0))
    except AttributeError:  # not on macOS and Windows
        found = os.cpu_count() or 1
    return min(found, _MOST_PROCESSES)


def graded(sources: Sequence[Source], rule: Rule, processes: int) -> Generator[Graded]:
    """Piece by piece, in the order of the files and of what they hold, without the spare ones. Raises NotPlain at any time."""
    ids = []
    try:
        with closing(in_order(partial(_begin, rule), pieces.split(sources), processes)) as results:
            for result in results:
                if result is None:
                    raise NotPlain
                ids.append(result.ids)
                yield result
    except (EOFError, OSError, tables.BadTable) as error:
        raise NotPlain from error
    if ids and not tables.differ([tables.unpacked(each)["sample"] for each in ids]):
        raise NotPlain


def _can_begin_elsewhere() -> bool:
    """Each process first imports the program that this one was started with; one from standard input is gone."""
    main = sys.modules["__main__"]
    file = getattr(main, "__file__", None)
    return file is None or main.__spec__ is not None or Path(file).exists()


# From here on in the other processes.


def _begin(rule: Rule) -> Callable[[Piece], Graded | None]:
    return partial(_grade, rule, scorers.make(rule.scorer, rule.options))


def _grade(rule: Rule, scorer: Scorer, piece: Piece) -> Graded | None:
    try:
        return _graded(rule, scorer, piece)
    except Exception:  # one process meets it again, and tells it, or it has passed
        return None


def _graded(rule: Rule, scorer: Scorer, piece: Piece) -> Graded | None:
    """None where the piece is not plain."""
    reader, rows, tallies = Reader(Shape.ROWS, rule.fields), Rows(), Tallies()
    samples = reader.samples(piece.source, pieces.rows_of(piece, rule.fields.id_names()))
    grading = Grading(samples, scorer, rule.references)
    for grade in grading:
        rows.add(grade)
        tallies.add(grade)
    if not piece.is_whole and (reader.notes.problems or reader.notes.skipped):
        return None
    columns = rows.columns()
    return Graded(
        rows=rows.count,
        columns=tables.pack(columns, COLUMNS),
        ids=tables.pack({"sample": columns["sample"]}, COLUMNS),
        tallies=tallies,
        answered=grading.answered,
        shards=reader.answered,
        notes=reader.notes,
    )
