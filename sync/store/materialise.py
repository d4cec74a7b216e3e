"""A snapshot becomes a folder, verified chunk by chunk; only what differs is written, and only what is missing is read.

In a folder that others may look into, every file is built in a scratch folder beside it and renamed into place once
it is complete, so no file there is ever half of something. The snapshot may be hostile: paths were checked when they
were decoded, and no parent is ever a link (see ``target``), so nothing can be written outside.
"""

import errno
import os
import shutil
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from sync.errors import Problem
from sync.progress import Progress, Silent

from . import disk_errors, local_names
from .chunker import WHOLE
from .contents import Contents
from .fetch import Fetch
from .lanes import Lanes
from .nouns import DIRECTORY, FILE, LINK, Entry
from .reader import Reader
from .surplus import plain_files, surplus
from .target import Target, taken

T = TypeVar("T")
_TRIES = 3
"""Files of the right size, but of another name, in which a file is looked for."""


@dataclass
class Laid:
    """What came of it.

    bytes     of the files that were written
    reused    of their bytes those that were on this disk before, and were not fetched
    problems  paths that are not as they should be: this disk cannot hold them, they were refused, or it failed
    failures  those of the problems that may be gone when it is done again: the target is not what it was to be (yet)
    """

    written: int = 0
    kept: int = 0
    removed: int = 0
    bytes: int = 0
    reused: int = 0
    problems: list[Problem] = field(default_factory=list)
    failures: list[Problem] = field(default_factory=list)


def materialise(
    reader: Reader,
    entries: Iterable[Entry],
    target: Path,
    *,
    mirror: bool = False,
    unseen: bool = False,
    escaping_links: bool = False,
    older: Sequence[Path] = (),
    writers: Lanes | None = None,
    progress: Progress | None = None,
) -> Generator[Fetch | None, None, Laid]:
    """Makes ``target`` hold ``entries``. A generator, so that the caller can do other things between two steps. One of
    them yields what is fetched: its first reads have begun, and take a while.

    mirror          what is in ``target`` and not among the entries is removed
    unseen          nobody looks into ``target`` before this has come to its end, so that files may grow in their places
    escaping_links  links that lead out of the target are made as they are; otherwise they are refused
    older           folders that may hold an older state of the same tree: content that they hold is not fetched
    writers         threads that make files where nobody looks; several trees may share them

    Raises what ``Reader.fetch`` raises, LocalDiskFull, and HybridError where the target as a whole cannot be written.
    """
    laying = _Laying(
        reader=reader,
        entries=list(entries),
        target=Target(os.fsencode(target), unseen=unseen),
        escaping_links=escaping_links,
        older=[os.fsencode(folder) for folder in older],
        writers=writers or Lanes(),
        progress=progress or Silent(),
    )
    yield from laying.steps(mirror)
    return laying.laid


def to_end(steps: Generator[object, None, T]) -> T:
    """Runs a stepwise operation through, for callers that have nothing else to do meanwhile."""
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            result: T = stop.value
            return result


@dataclass(kw_only=True)
class _Laying:
    """What ``materialise`` is given, and how far it has come."""

    reader: Reader
    entries: list[Entry]
    target: Target
    escaping_links: bool
    older: list[bytes]
    writers: Lanes
    progress: Progress
    laid: Laid = field(default_factory=Laid)
    _kept: list[Entry] = field(default_factory=list)
    _aside: dict[bytes, bytes] = field(default_factory=dict)
    _moved: dict[int, list[bytes]] = field(default_factory=dict)

    def steps(self, mirror: bool) -> Generator[Fetch | None, None, None]:
        try:
            self.target.open()
            if mirror and not self.target.fresh:
                self._remove_surplus()
                yield None
            missing: list[Entry] = []
            for number, entry in enumerate(self.entries):
                if not self._place_without_content(entry):
                    missing.append(entry)
                if number % 256 == 255:
                    yield None
            if missing:
                yield from self._fill(missing)
        except OSError as error:
            raise disk_errors.in_words(error, self.target.folder) from error
        finally:
            self.target.close()

    def _fill(self, missing: list[Entry]) -> Generator[Fetch | None, None, None]:
        contents = Contents(self.target, missing, self._written, self._unwritten, self.writers)
        try:
            yield from self._complete(contents, missing)
        finally:
            contents.abandon()

    def _complete(self, contents: Contents, missing: list[Entry]) -> Generator[Fetch | None, None, None]:
        contents.begin()
        yield from self._take_what_is_here(contents, missing)
        fetch = self.reader.fetch(contents.wanted())
        fetch.begin()
        yield fetch
        if contents.size:
            self.progress.start("download", contents.size)
        for chunk, data in fetch:
            self.progress.advance(contents.take(chunk.sha256, data))
            yield None
        contents.end()
        self.progress.finish()

    def _take_what_is_here(self, contents: Contents, missing: list[Entry]) -> Iterator[None]:
        for entry in self._kept:
            for sha256, data in contents.pieces_of(self.target.path(entry.path), entry):
                self.laid.reused += contents.take(sha256, data)
                yield
        self._find_moved(missing)
        places = [(entry, self._candidates(entry)) for entry in missing]
        places = [(entry, olds) for entry, olds in places if olds]
        if not places:
            return
        self.progress.start("compare", sum(entry.size for entry, _ in places))
        for entry, olds in places:
            for old in olds:
                for sha256, data in contents.pieces_of(old, entry):
                    self.laid.reused += contents.take(sha256, data)
                    yield
            self.progress.advance(entry.size)
        self.progress.finish()

    def _candidates(self, entry: Entry) -> list[bytes]:
        """Files in which an older state of the entry may be."""
        found = [folder + b"/" + entry.path for folder in self.older]
        if not self.target.fresh and len(entry.chunks) > 1:
            found.insert(0, self._aside.get(entry.path) or self.target.path(entry.path))
        found = [path for path in found if os.path.lexists(path)]
        return found or self._moved.get(entry.size, [])[:_TRIES]

    def _find_moved(self, missing: list[Entry]) -> None:
        """Large files of the older folders that have the size of one that is not there under its own path."""
        sizes = {entry.size for entry in missing if entry.size > WHOLE and not self._candidates(entry)}
        for folder in self.older:
            for path, size in plain_files(folder, True, sizes):
                self._moved.setdefault(size, []).append(path)

    def _place_without_content(self, entry: Entry) -> bool:
        """Handles everything but a file whose content is still to come."""
        what = local_names.refusal(entry.path)
        if what is None and entry.kind == LINK and not self.escaping_links and _escapes(entry):
            what = "is a link that leads out of its folder"
        if what is not None:
            self.laid.problems.append(Problem(entry.path, what))
            return True
        try:
            self.target.make_parents(entry.path)
            if entry.kind == DIRECTORY:
                self.target.make_directory(entry.path)
            elif entry.kind == LINK:
                if self.target.make_link(entry.path, entry.target):
                    self.laid.written += 1
                else:
                    self.laid.kept += 1
            elif self.target.fresh:
                return False
            elif self.target.holds(entry):
                self.laid.kept += 1
                self._kept.append(entry)
            else:
                if self.target.unseen:
                    aside = self.target.clear(entry.path, keep=len(entry.chunks) > 1)
                    self._aside |= {entry.path: aside} if aside else {}
                return False
        except OSError as error:
            self._failed(entry.path, entry.kind, "cannot be made here", error)
        return True

    def _remove_surplus(self) -> None:
        sizes = set(self._sizes_of_new_files())
        for path, is_folder in surplus(self.target.folder, self.entries):
            full = self.target.path(path)
            try:
                for file, size in plain_files(full, is_folder, sizes):
                    aside = self.target.temporary()
                    os.replace(file, aside)
                    self._moved.setdefault(size, []).append(aside)
                if is_folder:
                    shutil.rmtree(full)
                elif os.path.lexists(full):
                    os.unlink(full)
                self.laid.removed += 1
            except OSError as error:
                self._failed(path, FILE, "cannot be removed", error)

    def _sizes_of_new_files(self) -> Iterator[int]:
        """What a file must be large to be kept a little longer, because its content may have moved."""
        for entry in self.entries:
            if entry.size > WHOLE and not os.path.lexists(self.target.path(entry.path)):
                yield entry.size

    def _written(self, entry: Entry) -> None:
        self.laid.written += 1
        self.laid.bytes += entry.size

    def _unwritten(self, entry: Entry, error: OSError) -> None:
        self._failed(entry.path, entry.kind, "cannot be written here", error)

    def _failed(self, path: bytes, kind: str, what: str, error: OSError) -> None:
        if error.errno in disk_errors.FULL:
            raise error
        # Where nobody else writes, a name that is taken is one that was made for another entry.
        why = taken().strerror if error.errno == errno.EEXIST else error.strerror
        problem = Problem(path, f"{what} ({why})")
        self.laid.problems.append(problem)
        if disk_errors.may_pass(error, kind):
            self.laid.failures.append(problem)


def _escapes(entry: Entry) -> bool:
    """Whether following the link could leave the tree.

    Only leading ``..`` are judged by depth: the link's own parents are real folders, but a ``..`` after a name could
    climb out of wherever another link led.
    """
    parts = [part for part in entry.target.split(b"/") if part not in (b"", b".")]
    up = 0
    while up < len(parts) and parts[up] == b"..":
        up += 1
    absolute = entry.target.startswith((b"/", b"\\")) or entry.target[1:2] == b":"
    return absolute or up > entry.path.count(b"/") or b".." in parts[up:] or b"\\" in entry.target
