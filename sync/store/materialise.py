"""A snapshot becomes a folder, verified chunk by chunk; only what differs is written.

Every file is built in a scratch folder beside the target and renamed into place once it is complete, so a file in
the target is never half of something. The snapshot may be hostile: paths were checked when they were decoded, and
here no parent is ever a link, so nothing can be written outside the target.
"""

import errno
import hashlib
import os
import shutil
import stat
from collections import defaultdict
from collections.abc import Generator, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from sync.errors import Problem
from sync.progress import Progress, Silent

from . import disk_errors, local_names
from .nouns import DIRECTORY, FILE, LINK, Entry
from .reader import Reader
from .surplus import surplus

T = TypeVar("T")


@dataclass
class Laid:
    """What came of it.

    problems  paths that are not as they should be: this disk cannot hold them, they were refused, or it failed
    failures  those of the problems that may be gone when it is done again: the target is not what it was to be (yet)
    """

    written: int = 0
    kept: int = 0
    removed: int = 0
    bytes: int = 0
    problems: list[Problem] = field(default_factory=list)
    failures: list[Problem] = field(default_factory=list)


def materialise(
    reader: Reader,
    entries: Iterable[Entry],
    target: Path,
    *,
    mirror: bool = False,
    escaping_links: bool = False,
    progress: Progress | None = None,
) -> Generator[None, None, Laid]:
    """Makes ``target`` hold ``entries``. A generator, so that the caller can do other things between two steps.

    mirror          what is in ``target`` and not among the entries is removed
    escaping_links  links that lead out of the target are made as they are; otherwise they are refused

    Raises what ``Reader.fetch`` raises, LocalDiskFull, and HybridError where the target as a whole cannot be written.
    """
    return (
        yield from _Layout(reader, target, escaping_links, progress or Silent()).run(list(entries), mirror)
    )


def to_end(steps: Generator[None, None, T]) -> T:
    """Runs a stepwise operation through, for callers that have nothing else to do meanwhile."""
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            result: T = stop.value
            return result


class _Layout:
    def __init__(self, reader: Reader, target: Path, escaping_links: bool, progress: Progress) -> None:
        self._reader = reader
        self._target = os.fsencode(target)
        self._scratch = self._target + b".scratch"
        self._escaping_links = escaping_links
        self._progress = progress
        self._laid = Laid()
        self._made: set[bytes] = set()
        self._inodes: set[tuple[int, int]] = set()

    def run(self, entries: list[Entry], mirror: bool) -> Generator[None, None, Laid]:
        try:
            self._clear_scratch()
            os.makedirs(self._target, exist_ok=True)
            os.makedirs(self._scratch)
            if mirror:
                self._remove_surplus(entries)
                yield
            missing: list[Entry] = []
            for entry in entries:
                if self._place_without_content(entry):
                    continue
                missing.append(entry)
                if len(missing) % 256 == 0:
                    yield
            if missing:
                self._progress.start("download", sum(entry.size for entry in missing))
                yield from self._fill(missing)
                self._progress.finish()
        except OSError as error:
            raise disk_errors.in_words(error, self._target) from error
        finally:
            self._clear_scratch()
        return self._laid

    def _clear_scratch(self) -> None:
        if os.path.isdir(self._scratch) and not os.path.islink(self._scratch):
            shutil.rmtree(self._scratch, ignore_errors=True)
        elif os.path.lexists(self._scratch):
            os.unlink(self._scratch)

    def _place_without_content(self, entry: Entry) -> bool:
        """Handles everything but a file whose content must be fetched."""
        what = local_names.refusal(entry.path)
        if what is None and entry.kind == LINK and not self._escaping_links and _escapes(entry):
            what = "is a link that leads out of its folder"
        if what is not None:
            self._laid.problems.append(Problem(entry.path, what))
            return True
        path = self._target + b"/" + entry.path
        try:
            self._make_parents(entry.path)
            if entry.kind == DIRECTORY:
                self._make_directory(path)
            elif entry.kind == LINK:
                self._make_link(path, entry)
            elif self._same_file(path, entry):
                self._laid.kept += 1
                self._remember(path)
            else:
                return False
        except OSError as error:
            self._failed(entry.path, entry.kind, "cannot be made here", error)
        return True

    def _make_parents(self, path: bytes) -> None:
        missing: list[bytes] = []
        parent = path.rpartition(b"/")[0]
        while parent and parent not in self._made:
            missing.append(parent)
            parent = parent.rpartition(b"/")[0]
        for parent in reversed(missing):
            self._make_directory(self._target + b"/" + parent)
            self._made.add(parent)

    def _make_directory(self, path: bytes) -> None:
        try:
            os.mkdir(path)
        except FileExistsError:
            status = os.lstat(path)
            if not stat.S_ISDIR(status.st_mode):
                self._refuse_ours(status)
                os.unlink(path)
                os.mkdir(path)
        # A disk that takes "A" for "a" must not let a link replace the folder that other files are still to go into.
        self._remember(path)

    def _refuse_ours(self, status: os.stat_result) -> None:
        """Raises OSError where ``status`` is of something that this layout has put there itself."""
        if (status.st_dev, status.st_ino) in self._inodes:
            raise OSError(errno.EEXIST, "this disk takes its name for another's of the tree")

    def _make_link(self, path: bytes, entry: Entry) -> None:
        if os.path.islink(path) and os.readlink(path) == entry.target:
            self._laid.kept += 1
        else:
            temporary = self._scratch + b"/%d.link" % len(self._inodes)
            os.symlink(entry.target, temporary)
            self._put(temporary, path)
        self._remember(path)

    def _same_file(self, path: bytes, entry: Entry) -> bool:
        try:
            status = os.lstat(path)
        except OSError:
            return False
        if not stat.S_ISREG(status.st_mode) or status.st_size != entry.size:
            return False
        with open(path, "rb") as file:
            for chunk in entry.chunks:
                if hashlib.sha256(file.read(chunk.at.length)).hexdigest() != chunk.sha256:
                    return False
        if os.name == "posix" and bool(status.st_mode & 0o100) != entry.executable:
            os.chmod(path, _mode(status.st_mode & 0o777, entry.executable))
        return True

    def _fill(self, files: list[Entry]) -> Generator[None, None, None]:
        """Writes the files' content in the order in which the mailbox holds it."""
        places: dict[str, list[tuple[int, int]]] = defaultdict(list)
        left: list[int] = []
        for number, entry in enumerate(files):
            left.append(len(entry.chunks))
            offset = 0
            for chunk in entry.chunks:
                places[chunk.sha256].append((number, offset))
                offset += chunk.at.length
            if not entry.chunks:
                self._write(number, 0, b"", entry)
                self._finish(number, entry)
        for chunk, data in self._reader.fetch(chunk for entry in files for chunk in entry.chunks):
            for number, offset in places[chunk.sha256]:
                self._write(number, offset, data, files[number])
                left[number] -= 1
                if not left[number]:
                    self._finish(number, files[number])
                self._progress.advance(len(data))
            yield

    def _temporary(self, number: int) -> bytes:
        return self._scratch + b"/%d" % number

    def _write(self, number: int, offset: int, data: bytes, entry: Entry) -> None:
        flags = os.O_WRONLY | os.O_CREAT | getattr(os, "O_BINARY", 0)
        handle = os.open(self._temporary(number), flags, 0o777 if entry.executable else 0o666)
        with open(handle, "wb") as file:
            file.seek(offset)
            file.write(data)

    def _finish(self, number: int, entry: Entry) -> None:
        path = self._target + b"/" + entry.path
        try:
            self._put(self._temporary(number), path)
            self._laid.bytes += entry.size
            self._remember(path)
        except OSError as error:
            self._failed(entry.path, entry.kind, "cannot be written here", error)

    def _put(self, temporary: bytes, path: bytes) -> None:
        try:
            status = os.lstat(path)
        except FileNotFoundError:
            pass
        else:
            self._refuse_ours(status)
            if stat.S_ISDIR(status.st_mode):
                shutil.rmtree(path)
        os.replace(temporary, path)
        self._laid.written += 1

    def _remember(self, path: bytes) -> None:
        status = os.lstat(path)
        if status.st_ino and (status.st_nlink == 1 or stat.S_ISDIR(status.st_mode)):
            self._inodes.add((status.st_dev, status.st_ino))

    def _remove_surplus(self, entries: list[Entry]) -> None:
        for path, is_folder in surplus(self._target, entries):
            try:
                (shutil.rmtree if is_folder else os.unlink)(self._target + b"/" + path)
                self._laid.removed += 1
            except OSError as error:
                self._failed(path, FILE, "cannot be removed", error)

    def _failed(self, path: bytes, kind: str, what: str, error: OSError) -> None:
        if error.errno in disk_errors.FULL:
            raise error
        problem = Problem(path, f"{what} ({error.strerror})")
        self._laid.problems.append(problem)
        if disk_errors.may_pass(error, kind):
            self._laid.failures.append(problem)


def _mode(mode: int, executable: bool) -> int:
    """``mode`` with execution allowed wherever reading is, or nowhere."""
    return mode | ((mode & 0o444) >> 2) if executable else mode & ~0o111


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
