"""From the rows of a file to samples, and what is said of the rows that are none."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sync.errors import Problem

from ..samples import Sample, Unfit
from ..scorer import Shape
from . import arc_answers
from .fields import Fields
from .picking import Picker
from .rows import BadRow, NotAnswers, Row

MOST_NAMED = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """One file. ``name`` is relative to the run, with slashes; ``shard`` is None outside of a shard's folder. ``is_spare`` is one
    that nobody named, of a kind that scripts write beside answers, of the same or of something else: it is read where no
    other file of its shard holds answers."""

    path: Path
    name: str
    shard: str | None = None
    is_spare: bool = False

    def problem(self, what: str) -> Problem:
        return Problem(path=os.fsencode(self.name), what=what)


@dataclass(frozen=True, kw_only=True, slots=True)
class Notes:
    """What there is to say of files that were read. ``unread`` are rows and files that could not be; they are ``problems``,
    and so are ids that several answers have. ``skipped`` are files of which no row is an answer (say, a file of
    metrics), each with the reason."""

    problems: list[Problem] = field(default_factory=list)
    unread: list[Problem] = field(default_factory=list)
    skipped: list[Problem] = field(default_factory=list)

    def add(self, other: "Notes") -> None:
        self.problems.extend(other.problems)
        self.unread.extend(other.unread)
        self.skipped.extend(other.skipped)


class Reader:
    """Takes one file after another; ``notes`` are about all of them so far, ``answered`` are the shards of those with answers in
    rows of fields: what an object holds by name may be numbers of another kind."""

    def __init__(self, shape: Shape, fields: Fields) -> None:
        self.notes = Notes()
        self.answered: set[str | None] = set()
        self._samples_of = _samples_of(shape, fields)

    def samples(self, source: Source, rows: Iterable[Row | BadRow]) -> Iterator[Sample]:
        """The samples of a file that has these rows; what there is to say of them is said by the end."""
        notes, fit = self.notes, None
        unfit: list[Problem] = []
        samples_of, name, shard = self._samples_of, source.name, source.shard
        for row in rows:
            if isinstance(row, BadRow):
                problem = source.problem(row.what)
                if isinstance(row, NotAnswers) or not self._may_answer(row):
                    unfit.append(problem)
                else:
                    notes.problems.append(problem)
                    notes.unread.append(problem)
                continue
            try:
                samples = samples_of(row, f"{name} {row.where}".rstrip(), shard)
            except Unfit as error:
                if len(unfit) < MOST_NAMED:
                    unfit.append(source.problem(f"{row.where} {error}".lstrip()))
                continue
            fit = row
            yield from samples
        if fit is not None:
            if fit.key is None:
                self.answered.add(shard)
            notes.add(Notes(problems=unfit, unread=unfit))
        else:
            notes.skipped.extend(unfit[:1])

    def _may_answer(self, bad: BadRow) -> bool:
        """Whether a good row in its place could be an answer; as far as is known, it could."""
        if bad.columns is None:
            return True
        try:
            self._samples_of(Row("", dict.fromkeys(bad.columns, "0")), "", None)
        except Unfit:
            return False
        return True


def _samples_of(shape: Shape, fields: Fields) -> Callable[[Row, str, str | None], Sequence[Sample]]:
    if shape is Shape.ARC:
        return lambda row, place, shard: arc_answers.samples_of(row, fields, place, shard)
    return Picker(fields).samples
