"""The project tree as it is now: every path that goes, with what tells whether it changed, and what stays.

One walk, without following links, without reading a file other than ignore files. Time goes into one ``lstat``
per file, so the loop over a directory's names is written for speed and everything rare is a call away.
"""

import os
import stat
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from ..clock import Clock
from ..errors import HybridError, Problem
from ..progress import Progress, Silent
from .bulk import without_collections
from .entry import FILE, FOLDER, LINK, Entry, signature
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


@dataclass(frozen=True, kw_only=True)
class Scan:
    """``entries`` are sorted by path; ``started_ns`` is the wall clock before the first look at the tree.

    A directory that cannot be read is a problem, and nothing below it is among the entries: a problem that names
    a directory means that what was there before is unknown, not deleted.
    """

    entries: list[Entry]
    held_back: list[HeldBack]
    problems: list[Problem]
    started_ns: int


def scan(
    root: Path,
    rules: Rules,
    clock: Clock,
    progress: Progress | None = None,
    watch: Callable[[list[Entry]], None] | None = None,
) -> Scan:
    """Walks the tree. ``watch`` gets the entries of each folder as they are found.

    Raises HybridError where ``root`` is no directory that can be read, or goes away meanwhile.
    """
    progress = progress or Silent()
    started_ns = int(clock.wall() * 1e9)
    before = identity(root)
    walk = _Walk(root)
    walk.problems.extend(rules.problems)
    progress.start("scan", unit="files")
    with without_collections():
        waiting = [rules.root()]
        while waiting:
            seen = len(walk.entries)
            waiting.extend(walk.folder(waiting.pop()))
            progress.advance(len(walk.entries) - seen)
            if watch is not None:
                watch(walk.entries[seen:])
        walk.entries.sort(key=lambda entry: entry.path)
    progress.finish()
    if identity(root) != before:
        raise HybridError(f"The project folder {root} was replaced while it was read.", "Try again.")
    walk.problems.sort(key=lambda problem: problem.path)
    held_back = [
        _with_parts(held, walk.entries) for held in sorted(walk.held_back, key=lambda held: held.path)
    ]
    return Scan(entries=walk.entries, held_back=held_back, problems=walk.problems, started_ns=started_ns)


class _Walk:
    def __init__(self, root: Path) -> None:
        self.root = os.fsencode(root) + b"/"
        self.entries: list[Entry] = []
        self.held_back: list[HeldBack] = []
        self.problems: list[Problem] = []

    def folder(self, folder: Folder) -> list[Folder]:
        """Notes what is in one directory; returns the directories in it that are to be read."""
        try:
            with os.scandir(self.root + folder.path) as listing:
                found = list(listing)
        except (FileNotFoundError, NotADirectoryError):
            if not folder.path:
                raise _unreadable(self.root, "is gone") from None
            return []  # moved away since its parent was read: the next scan sees where to
        except OSError as error:
            if not folder.path:
                raise _unreadable(self.root, f"cannot be read ({error.strerror})") from error
            self.problems.append(Problem(folder.path[:-1], f"cannot be read: {error.strerror}"))
            return []
        folder = self._with_rules(folder, found)
        below: list[Folder] = []
        path, goes, entries = folder.path, folder.file, self.entries
        for item in found:
            try:
                if item.is_dir(follow_symlinks=False):
                    self._folder(folder, item, below)
                    continue
                name = item.name
                going, held = goes(name)
                if going:
                    status = item.stat(follow_symlinks=False)
                    if not stat.S_ISREG(status.st_mode):
                        self._other(path + name, status)
                    elif status.st_mode & 0o004 or self._readable(path + name, status):
                        entries.append(Entry(path + name, FILE, signature(status)))
                elif held is not None:
                    self.held_back.append(held)
            except FileNotFoundError:
                continue
            except OSError as error:
                self.problems.append(Problem(path + item.name, f"cannot be read: {error.strerror}"))
        if not found and path and folder.whole:
            self._empty(path)
        return below

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

    def _folder(self, folder: Folder, item: os.DirEntry[bytes], below: list[Folder]) -> None:
        if (
            _JUNCTION is not None
            and getattr(item.stat(follow_symlinks=False), "st_reparse_tag", 0) == _JUNCTION
        ):
            self.problems.append(Problem(folder.path + item.name, "is a junction"))
            return
        child, held = folder.folder(item.name)
        if held is not None:
            self.held_back.append(held)
        if child is not None:
            below.append(child)

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
            self.entries.append(Entry(path, LINK, signature(status), target))
        else:
            what = _SPECIAL.get(stat.S_IFMT(status.st_mode), "is of an unknown type")
            self.problems.append(Problem(path, what))

    def _empty(self, path: bytes) -> None:
        try:
            status = os.lstat(self.root + path)
        except FileNotFoundError:
            return
        self.entries.append(Entry(path[:-1], FOLDER, signature(status)))


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


def _with_parts(held: HeldBack, entries: list[Entry]) -> HeldBack:
    if not held.folder:
        return held
    start = held.path + b"/"
    at = bisect_left(entries, start, key=lambda entry: entry.path)
    return replace(held, partly=True) if at < len(entries) and entries[at].path.startswith(start) else held
