"""The outputs of a run, or one file, as a stream of samples.

A pulled run lies in ``outputs/<run>/<shard>/…``, or ``outputs/<run>/…`` when it has no shards. Its files are JSON
lines, JSON, Parquet, CSV or TSV; ``.partial`` (unfinished attempts), other hidden files and other kinds are not read. Links
are not followed: what they name is either read under its own name or none of the run's.
"""

import hashlib
import os
import re
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from pathlib import Path

from sync.errors import UsageError

from ..errors import AnsweredTwice
from ..samples import Sample
from ..scorer import Shape
from .csv_rows import DELIMITERS
from .fields import Fields
from .reader import MOST_NAMED, Notes, Reader, Source
from .rows import PACKED_KINDS, READABLE, holds_bare_numbers, read

_LEFT_OUT = "stands beside other files with answers, and is read where --files names it"


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """What was asked to be graded. ``name`` names it in the ledger: the run's id, or the file's name. ``source`` is empty for a run,
    else the name of the file or folder with that of the folder around it."""

    name: str
    sources: Sequence[Source]
    source: str = ""


def find(outputs: Path, target: str, files: Sequence[str] = ()) -> Target:
    """The run of that id under ``outputs``, else the file or folder of that path.

    ``files`` are globs on a file's name or its path within the run; what none of them fits is not read.

    Raises UsageError where there is no such run or path, or nothing in it to read.
    """
    is_run = names_run(outputs, target)
    path = outputs / target if is_run else Path(target)
    if path.is_dir():
        sources = sorted(_walk(path, files), key=lambda source: source.name)
        if not files:
            sources = _spare_last(sources)
        if not files and all(_is_packed(source.path) for source in sources):
            packed = [source.name for source in _walk(path, ["*"]) if _is_packed(source.path)]
            if packed:
                raise UsageError(
                    f"{path} holds no answers but packed ones, as {min(packed)}.", "Unpack them first."
                )
        if not sources:
            raise UsageError(
                f"{path} holds no {' or '.join(files) or 'file of answers'}.", _hint(path, target)
            )
        return Target(name=path.resolve().name, sources=sources, source="" if is_run else short(path))
    if path.is_file():
        name = path.name if _is_packed(path) else path.stem
        return Target(name=name, sources=[Source(path=path, name=path.name)], source=short(path))
    raise UsageError(
        f"There is no run {target} under {outputs} and no file of that name.",
        f"hybrid pull {target}",
    )


def names_run(outputs: Path, target: str) -> bool:
    """Whether ``target`` is a run under ``outputs``, and no path."""
    return target not in ("", ".", "..") and not Path(target).is_absolute() and (outputs / target).is_dir()


def digest(sources: Sequence[Source]) -> str:
    """SHA-256 over names and contents, in hex: equal exactly when the same bytes would be graded."""
    whole = hashlib.sha256()
    for source in sources:
        try:
            with source.path.open("rb") as file:
                content = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError:
            content = "unreadable"
        whole.update(f"{content} {source.name}\n".encode("utf-8", "surrogateescape"))
    return whole.hexdigest()


class Samples:
    """The samples of some files, read once by iterating; afterwards ``notes`` are complete.

    Memory grows with the number of samples, not with their size.

    A row that says again what another one said of the same sample counts once. Where it says otherwise, iterating raises
    AnsweredTwice in the end; ``contested`` takes what that names, and then each of these samples comes once, marked, and
    is a problem that names both places.
    """

    def __init__(
        self,
        sources: Sequence[Source],
        shape: Shape,
        fields: Fields,
        contested: Mapping[str, str] | None = None,
    ) -> None:
        self._shape, self._fields = shape, fields
        self._reader = Reader(shape, fields)
        self.notes = self._reader.notes
        self._sources = sources
        self._id_names = fields.id_names()
        self._contested = contested or {}
        self._marks = 0

    def __iter__(self) -> Iterator[Sample]:
        seen: dict[str, int] = {}
        twice: dict[str, str] = {}
        contested = self._contested
        for source in self._sources:
            if source.is_spare:
                is_answered = source.shard in self._reader.answered
                left = left_out(source, self._shape, self._fields, seen, is_answered=is_answered)
                if left is not None:
                    self.notes.add(left)
                    continue
            for sample in self._reader.samples(source, read(source.path, self._id_names)):
                identity = sample.id
                content = _content(sample)
                before = seen.get(identity)
                if before is not None:
                    if before != content and identity not in contested:
                        twice.setdefault(identity, sample.place)
                    continue
                seen[identity] = content
                if contested and identity in contested:
                    sample = self._marked(source, sample)
                if not twice:
                    yield sample
        if twice:
            raise AnsweredTwice(twice)

    def _marked(self, source: Source, sample: Sample) -> Sample:
        other = self._contested[sample.id]
        where = sample.place.removeprefix(source.name).lstrip()
        self._marks += 1
        if self._marks <= MOST_NAMED:
            what = f"{where} answers sample {sample.id}, and {other} answers it otherwise"
            self.notes.problems.append(source.problem(what.lstrip()))
        return sample._replace(contested=other)


def left_out(
    source: Source, shape: Shape, fields: Fields, seen: Container[str], *, is_answered: bool
) -> Notes | None:
    """What there is to say of a spare file that is not read, because others hold its answers or it has none; None for one that
    is to be read. ``seen`` are the samples of the others; ``is_answered``, whether others of its shard hold answers."""
    reader = Reader(shape, fields)
    first = next(reader.samples(source, read(source.path, fields.id_names())), None)
    if first is None and not (is_answered and reader.notes.problems):
        return reader.notes
    if is_answered or first is None or first.id in seen:
        return Notes(skipped=[source.problem(_LEFT_OUT)])
    return None


def _content(sample: Sample) -> int:
    """Equal for rows that say the same; of others, as good as never."""
    answer, reference, prompt = sample.answer, sample.reference, sample.prompt
    if isinstance(answer, str) and (reference is None or isinstance(reference, str)):
        return hash((answer, reference, prompt, sample.context))
    # Numbers and truth values of equal worth are told apart, and a list has no hash.
    return hash((repr(answer), repr(reference), prompt, sample.context))


def _spare_last(sources: Sequence[Source]) -> list[Source]:
    spare = {source.name for source in sources if _may_be_something_else(source.path)}
    others = {source.shard for source in sources if source.name not in spare}
    known = [replace(source, is_spare=source.name in spare and source.shard in others) for source in sources]
    return sorted(known, key=lambda source: source.is_spare)


def _may_be_something_else(path: Path) -> bool:
    """Tables of text, and objects of nothing but numbers, are written beside answers as often as they hold them: metrics, say."""
    suffix = path.suffix.lower()
    return suffix in DELIMITERS or (suffix == ".json" and holds_bare_numbers(path))


def _walk(root: Path, files: Sequence[str]) -> Iterator[Source]:
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for filename in names:
            path = Path(folder, filename)
            name = path.relative_to(root).as_posix()
            if filename.startswith(".") or path.is_symlink() or not path.is_file():
                continue
            wanted = any(fnmatch(name, glob) or fnmatch(filename, glob) for glob in files)
            if wanted or (not files and _may_hold_answers(path)):
                first, slash, _ = name.partition("/")
                shard = first if slash and re.fullmatch(r"\d+", first) else None
                yield Source(path=path, name=name, shard=shard)


def _may_hold_answers(path: Path) -> bool:
    """Packed ones are told of, not read; of other packed files nobody expects answers."""
    answers = path.with_suffix("") if _is_packed(path) else path
    return answers.suffix.lower() in READABLE


def _is_packed(path: Path) -> bool:
    return path.suffix.lower() in PACKED_KINDS


def short(path: Path) -> str:
    """The path as far as it is told elsewhere: the name, and the folder that it is in."""
    return "/".join(path.resolve().parts[-2:])


def _hint(path: Path, target: str) -> str:
    if (path / ".partial").is_dir():
        return (
            f"only unfinished outputs are here, in .partial; hybrid status {target} tells how the run stands."
        )
    return f"Look whether the run wrote {', '.join(READABLE)} files, which is where answers are read from."
