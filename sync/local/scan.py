"""The project tree as it is now: every path that goes, with what tells whether it changed, and what stays.

One walk, without following links, without reading a file other than ignore files. Time goes into one ``lstat``
per file, so the loop over a directory's names is written for speed and everything rare is a call away.
"""

import os
import stat
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from operator import itemgetter
from pathlib import Path

from ..clock import Clock
from ..errors import HybridError, Problem
from ..progress import Progress, Silent
from .entry import FILE, FOLDER, LINK, NO_SIGNATURE, Entry, signature
from .load_rules import read_ignore_file
from .rules import GIT_RULES, OUR_RULES, Folder, HeldBack, Rules

_SPECIAL = {
    stat.S_IFIFO: "is a named pipe",
    stat.S_IFSOCK: "is a socket",
    stat.S_IFBLK: "is a device",
    stat.S_IFCHR: "is a device",
}
_EUID = os.geteuid() if hasattr(os, "geteuid") else -1
_JUNCTION = getattr(stat, "IO_REPARSE_TAG_MOUNT_POINT", None)
_first = itemgetter(0)


@dataclass(frozen=True, kw_only=True)
class Scan:
    """``entries`` are sorted by path; ``started_ns`` is the wall clock before the first look at the tree."""

    entries: list[Entry]
    held_back: list[HeldBack]
    problems: list[Problem]
    started_ns: int
    inside: "Inside"


Inside = Mapping[bytes, tuple[int, int]]
"""For each directory in which something goes although it lies below what is held back: bytes and number of files."""


def scan(root: Path, rules: Rules, clock: Clock, progress: Progress | None = None) -> Scan:
    """All of a walk at once. Raises as ``Walk`` does."""
    walk = Walk(root, rules, clock, progress)
    entries = [entry for batch in walk.files() for entry in batch]
    entries += walk.others
    entries.sort(key=lambda entry: entry.path)
    return Scan(
        entries=entries,
        held_back=walk.held_back,
        problems=walk.problems,
        started_ns=walk.started_ns,
        inside=walk.inside,
    )


class Walk:
    """One walk over the tree, or over a part of it; it holds one directory at a time. Use it once.

    ``files`` gives what there is to publish; the rest is known once that has run to its end: ``others`` are links and
    empty folders, ``folders`` is the number of directories that were read, and ``started_ns`` the wall clock before the
    first look.

    A directory that cannot be read is a problem, and nothing below it is found: a problem that names a directory means
    that what was there before is unknown, not deleted.
    """

    def __init__(self, root: Path, rules: Rules, clock: Clock, progress: Progress | None = None) -> None:
        """Raises HybridError where ``root`` is no directory that can be read."""
        self.started_ns = int(clock.wall() * 1e9)
        self.identity = identity(root)
        self.root = os.fsencode(root) + b"/"
        self.others: list[Entry] = []
        self.held_back: list[HeldBack] = []
        self.problems: list[Problem] = list(rules.problems)
        self.inside: dict[bytes, tuple[int, int]] = {}
        self.folders = 0
        self._path = root
        self._rules = rules
        self._progress = progress or Silent()

    def files(self, top: Folder | None = None) -> Iterator[list[Entry]]:
        """The files that go, sorted by path, some at a time; only those below ``top``, if given.

        Raises HybridError where the root goes away meanwhile or is replaced.
        """
        self._progress.start("scan", unit="files")
        # One iterator for each directory on the way down to where we are.
        levels = [self._folder(top or self._rules.root())]
        while levels:
            found = next(levels[-1], None)
            if found is None:
                levels.pop()
            elif isinstance(found, Folder):
                levels.append(self._folder(found))
            else:
                self._progress.advance(len(found))
                yield found
        self._progress.finish()
        if identity(self._path) != self.identity:
            raise HybridError(
                f"The project folder {self._path} was replaced while it was read.", "Try again."
            )
        for noted in (self.problems, self.held_back, self.others):
            noted.sort(key=lambda each: each.path)
        inside = sorted(self.inside)
        self.held_back = [_with_parts(held, inside) for held in self.held_back]

    def look(self, folder: Folder, name: bytes) -> Entry | None:
        """One file, as a walk over the directory of ``folder`` would have found it; what is none is noted, too."""
        path = folder.path + name
        try:
            status = os.lstat(self.root + path)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            self.problems.append(Problem(path, f"cannot be read: {error.strerror}"))
            return None
        if is_folder(status):
            return None  # it has just become one: whoever saw that tells of it
        going, held = folder.file(name)
        if held is not None:
            self.held_back.append(held)
        return self._file(path, status) if going else None

    def _folder(self, folder: Folder) -> Iterator["list[Entry] | Folder"]:
        """What goes of one directory: its files, in their order, and between them the directories to be read."""
        found = self._listed(folder)
        if found is None:
            return
        self.folders += 1
        folder = self._with_rules(folder, found)
        keyed = []
        for item in found:
            try:
                is_folder = item.is_dir(follow_symlinks=False)
            except OSError:
                is_folder = False
            # In the order of the paths below it, in which the slash counts.
            keyed.append((item.name + b"/" if is_folder else item.name, is_folder, item))
        keyed.sort(key=_first)
        path, goes, files = folder.path, folder.file, list[Entry]()
        size = number = 0
        for _, is_folder, item in keyed:
            try:
                if is_folder:
                    below = self._below(folder, item)
                    if below is not None:
                        if files:
                            yield files
                            files = []
                        yield below
                    continue
                name = item.name
                going, held = goes(name)
                if going:
                    status = item.stat(follow_symlinks=False)
                    if stat.S_ISREG(status.st_mode) and (
                        status.st_mode & 0o004 or self._readable(path + name, status)
                    ):
                        files.append(Entry(path + name, FILE, signature(status)))
                    elif not stat.S_ISREG(status.st_mode):
                        self._other(path + name, status)
                    size += status.st_size
                    number += 1
                elif held is not None:
                    self.held_back.append(held)
            except FileNotFoundError:
                continue
            except OSError as error:
                self.problems.append(Problem(path + item.name, f"cannot be read: {error.strerror}"))
        if files:
            yield files
        if number and folder.apart:
            self.inside[path] = (size, number)
        if not found and path and folder.whole:
            self.others.append(Entry(path[:-1], FOLDER, NO_SIGNATURE))

    def _listed(self, folder: Folder) -> "list[os.DirEntry[bytes]] | None":
        try:
            with os.scandir(self.root + folder.path) as listing:
                return list(listing)
        except (FileNotFoundError, NotADirectoryError):
            if not folder.path:
                raise _unreadable(self.root, "is gone") from None
            return None  # moved away since its parent was read: the next scan sees where to
        except OSError as error:
            if not folder.path:
                raise _unreadable(self.root, f"cannot be read ({error.strerror})") from error
            self.problems.append(Problem(folder.path[:-1], f"cannot be read: {error.strerror}"))
            return None

    def _file(self, path: bytes, status: os.stat_result) -> Entry | None:
        if not stat.S_ISREG(status.st_mode):
            self._other(path, status)
        elif status.st_mode & 0o004 or self._readable(path, status):
            return Entry(path, FILE, signature(status))
        return None

    def _with_rules(self, folder: Folder, found: list[os.DirEntry[bytes]]) -> Folder:
        files: dict[bytes, bytes] = {}
        for item in found:
            if item.name == GIT_RULES or item.name == OUR_RULES:
                data = read_ignore_file(item.path)
                if isinstance(data, bytes):
                    files[item.name] = data
                else:
                    self.problems.append(Problem(folder.path + item.name, data))
        if not files:
            return folder
        folder, problems = folder.read(files)
        self.problems.extend(problems)
        return folder

    def _below(self, folder: Folder, item: os.DirEntry[bytes]) -> Folder | None:
        """The rules of a directory in this one, if anything in it may go."""
        if (
            _JUNCTION is not None
            and getattr(item.stat(follow_symlinks=False), "st_reparse_tag", 0) == _JUNCTION
        ):
            self.problems.append(Problem(folder.path + item.name, "is a junction"))
            return None
        child, held = folder.folder(item.name)
        if held is not None:
            self.held_back.append(held)
        return child

    def _readable(self, path: bytes, status: os.stat_result) -> bool:
        """Whether the file can be read, as far as can be said without opening it."""
        if (status.st_mode & 0o400 and status.st_uid == _EUID) or os.access(self.root + path, os.R_OK):
            return True
        self.problems.append(Problem(path, "cannot be read: Permission denied"))
        return False

    def _other(self, path: bytes, status: os.stat_result) -> None:
        if stat.S_ISLNK(status.st_mode):
            target = os.readlink(self.root + path)
            if os.name == "nt":
                target = target.removeprefix(b"\\\\?\\").replace(b"\\", b"/")
            self.others.append(Entry(path, LINK, signature(status), target))
        else:
            what = _SPECIAL.get(stat.S_IFMT(status.st_mode), "is of an unknown type")
            self.problems.append(Problem(path, what))


def is_folder(status: os.stat_result) -> bool:
    """Whether that is a directory to be looked into, and not one of Windows that stands for another."""
    is_junction = _JUNCTION is not None and getattr(status, "st_reparse_tag", 0) == _JUNCTION
    return stat.S_ISDIR(status.st_mode) and not is_junction


def identity(root: Path) -> tuple[int, int]:
    """Tells the folder from another that has taken its name. Raises HybridError where it is no folder any more."""
    try:
        status = root.stat()
    except OSError as error:
        raise _unreadable(os.fsencode(root), f"cannot be read ({error.strerror})") from error
    if not stat.S_ISDIR(status.st_mode):
        raise _unreadable(os.fsencode(root), "is not a folder")
    return status.st_dev, status.st_ino


def _unreadable(root: bytes, what: str) -> HybridError:
    shown = root.rstrip(b"/").decode("utf-8", "replace")
    return HybridError(
        f"The project folder {shown} {what}.", "Nothing was changed; check the path and its permissions."
    )


def _with_parts(held: HeldBack, inside: list[bytes]) -> HeldBack:
    if not held.folder:
        return held
    start = held.path + b"/"
    at = bisect_left(inside, start)
    return replace(held, partly=True) if at < len(inside) and inside[at].startswith(start) else held
