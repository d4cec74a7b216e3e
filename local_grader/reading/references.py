"""The right answers, from a file (or for ARC, a folder of tasks) beside the outputs.

References are the yardstick, so nothing about them is forgiven: a row that cannot be read, or two different
answers to the same sample, ends the grading.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sync.errors import UsageError

from ..errors import Ungradable
from ..samples import Reference, Unfit
from ..scorer import Shape
from . import arc_answers
from .csv_rows import DELIMITERS
from .fields import Fields, reference_of
from .outputs import digest
from .reader import Source
from .rows import READABLE, BadRow, read


@dataclass(frozen=True, kw_only=True, slots=True)
class References:
    """By sample id. ``sha256`` identifies the content, in hex."""

    by_sample: dict[str, Reference]
    sha256: str


def load(path: Path, shape: Shape, fields: Fields) -> References:
    """Raises UsageError where the path holds nothing to read, Ungradable where it cannot be used as it is."""
    sources = _sources(path)
    by_sample: dict[str, Reference] = {}
    for source in sources:
        for sample, reference in _read(source, shape, fields):
            if by_sample.setdefault(sample, reference) != reference:
                raise Ungradable(f"The references in {path} hold two answers to sample {sample}.")
    return References(by_sample=by_sample, sha256=digest(sources))


def _sources(path: Path) -> list[Source]:
    if path.is_file():
        return [Source(path=path, name=path.name)]
    if not path.exists():
        raise UsageError(
            f"There is no file of references {path}.", "Name one that is there with --references."
        )
    found = sorted(file for file in path.glob("*") if file.suffix.lower() in READABLE and file.is_file())
    if not found:
        raise UsageError(
            f"There are no references in {path}.", f"Name a file, or a folder, of {', '.join(READABLE)}."
        )
    # A table of text beside task files may be a list of them.
    chosen = [file for file in found if file.suffix.lower() not in DELIMITERS] or found
    return [Source(path=file, name=file.name) for file in chosen]


def _read(source: Source, shape: Shape, fields: Fields) -> Iterator[tuple[str, Reference]]:
    # A file that holds a single ARC task is known by its list of tests.
    id_names = (*fields.id_names(), "test") if shape is Shape.ARC else fields.id_names()
    for row in read(source.path, id_names):
        if isinstance(row, BadRow):
            raise Ungradable(f"The references cannot be used: {source.path} {row.what}.")
        try:
            if shape is Shape.ARC:
                yield from arc_answers.references_of(row, fields, source.path.stem)
            else:
                yield reference_of(row, fields)
        except Unfit as error:
            where = f"{source.path} {row.where}".rstrip()
            raise Ungradable(f"The references cannot be used: {where} {error}.") from error
