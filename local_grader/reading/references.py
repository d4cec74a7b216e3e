"""The right answers, from a file (or for ARC, a folder of tasks) beside the outputs.

References are the yardstick, so nothing about them is forgiven: a row that cannot be read, or two different
answers to the same sample, ends the grading.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from sync.errors import UsageError

from ..errors import Ungradable
from ..nothing import what_to_do_about_references
from ..samples import Reference, Unfit
from ..scorer import Shape
from . import arc_answers
from .csv_rows import DELIMITERS
from .fields import ID_NAMES, Fields, reference_of
from .outputs import digest
from .reader import Source
from .rows import BY_PLACE, READABLE, BadRow, Row, read


@dataclass(frozen=True, kw_only=True, slots=True)
class References:
    """By sample id. ``sha256`` identifies the content, in hex."""

    by_sample: dict[str, Reference]
    sha256: str


def load(path: Path, shape: Shape, fields: Fields, outputs: Sequence[Source] = ()) -> References:
    """``outputs`` are what is to be graded by them.

    Raises UsageError where the path holds nothing to read, or nothing but the outputs; Ungradable where it cannot be used as it is.
    """
    sources = _sources(path)
    # Of ARC, a submission without a mistake may be what the solutions are.
    if shape is Shape.ROWS and _are_alike(sources, outputs):
        raise UsageError(
            f"The references {path} are the very same as the outputs.",
            "Name another file with --references; where the right answers stand beside the others, "
            "leave it out, and name their field with --reference-field.",
        )
    by_sample: dict[str, Reference] = {}
    for where, sample, reference in _read_all(sources, shape, fields):
        if by_sample.setdefault(sample, reference) != reference:
            before = next(place for place, each, _ in _read_all(sources, shape, fields) if each == sample)
            raise Ungradable(
                f"The references in {path} hold two answers to sample {sample}: {before} and {where}.",
                "Leave one of them, or name the field that tells samples apart with --id-field.",
            )
    return References(by_sample=by_sample, sha256=digest(sources))


def fields_of_outputs(path: Path, fields: Fields, outputs: Sequence[Source]) -> Fields:
    """``fields`` for the outputs: without the name of the id where that is what only the references call it, as the first row of
    each file shows. A name that is in neither stays: it may be a slip."""
    if fields.id in (None, BY_PLACE) or _have_id(outputs, fields) or not _have_id(_sources(path), fields):
        return fields
    return replace(fields, id=None)


def _have_id(sources: Sequence[Source], fields: Fields) -> bool:
    firsts = (next(iter(read(source.path, (*fields.id_names(), *ID_NAMES))), None) for source in sources)
    return any(
        isinstance(row, Row) and isinstance(row.value, dict) and fields.id in row.value for row in firsts
    )


def _are_alike(some: Sequence[Source], others: Sequence[Source]) -> bool:
    """Whether the same bytes are in both, under whatever names. False where one cannot be read: whoever reads it will say so."""
    try:
        if _sizes(some) != _sizes(others) or not any(_sizes(some)):
            return False
    except OSError:
        return False
    return _contents(some) == _contents(others)


def _sizes(sources: Sequence[Source]) -> Counter[int]:
    return Counter(source.path.stat().st_size for source in sources)


def _contents(sources: Sequence[Source]) -> Counter[str]:
    return Counter(digest([replace(source, name="")]) for source in sources)


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


def _read_all(
    sources: Sequence[Source], shape: Shape, fields: Fields
) -> Iterator[tuple[str, str, Reference]]:
    for source in sources:
        yield from _read(source, shape, fields)


def _read(source: Source, shape: Shape, fields: Fields) -> Iterator[tuple[str, str, Reference]]:
    """As (place, sample, reference)."""
    # The outputs may call the id otherwise. A file that holds a single ARC task is known by its list of tests.
    id_names = (*fields.id_names(), *ID_NAMES, *(("test",) if shape is Shape.ARC else ()))
    for row in read(source.path, id_names):
        if isinstance(row, BadRow):
            raise _unusable(f"{source.path} {row.what}")
        where = f"{source.name} {row.where}".rstrip()
        named = _with_their_id(fields, row.value)
        try:
            if shape is Shape.ARC:
                for sample, reference in arc_answers.references_of(row, named, source.path.stem):
                    yield where, sample, reference
            else:
                yield where, *reference_of(row, named)
        except Unfit as error:
            where = f"{source.path} {row.where}".rstrip()
            raise _unusable(f"{where} {error}") from error


def _unusable(why: str) -> Ungradable:
    return Ungradable(f"The references cannot be used: {why}.", what_to_do_about_references(why))


def _with_their_id(fields: Fields, values: object) -> Fields:
    """Without the name of the id where a row has no such field: then it is called as in the outputs only. The other names stay,
    because another field than the one that was named might be taken for the right answer."""
    if fields.id in (None, BY_PLACE) or not isinstance(values, dict) or fields.id in values:
        return fields
    return replace(fields, id=None)
