"""What a folder holds beyond the entries of a snapshot."""

import os
import stat
from collections.abc import Iterable, Iterator

from .nouns import DIRECTORY, Entry


def surplus(target: bytes, entries: Iterable[Entry]) -> Iterator[tuple[bytes, bool]]:
    """Paths below ``target`` that no entry names, each with whether it is a folder, which then stands for all in it.

    Links are followed nowhere. What was told of may be removed before the next step.
    """
    keep = {entry.path: entry.kind for entry in entries}
    folders = {path for path, kind in keep.items() if kind == DIRECTORY}
    for path in keep:
        parent = path.rpartition(b"/")[0]
        while parent and parent not in folders:
            folders.add(parent)
            parent = parent.rpartition(b"/")[0]
    for here, directories, files in os.walk(target):
        base = os.path.relpath(here, target).replace(os.fsencode(os.sep), b"/")
        prefix = b"" if base == b"." else base + b"/"
        for name in list(directories):
            if os.path.islink(os.path.join(here, name)):
                files.append(name)
                directories.remove(name)
            elif prefix + name not in folders:
                directories.remove(name)
                yield prefix + name, True
        for name in files:
            if prefix + name not in keep:
                yield prefix + name, False


def plain_files(path: bytes, is_folder: bool, sizes: set[int]) -> Iterator[tuple[bytes, int]]:
    """The plain files at or below ``path``, a full path, that have one of the sizes, each with its size. What cannot be looked at is
    none."""
    if not sizes:
        return
    paths = [path]
    if is_folder:
        paths = [os.path.join(here, name) for here, _, names in os.walk(path) for name in names]
    for each in paths:
        try:
            status = os.lstat(each)
        except OSError:
            continue
        if stat.S_ISREG(status.st_mode) and status.st_size in sizes:
            yield each, status.st_size
