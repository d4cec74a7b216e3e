"""A snapshot on this machine's disk: as a whole, or not at all for whoever would work with it."""

import os
import shutil
from collections.abc import Generator, Iterable
from pathlib import Path

from sync.errors import HybridError, Problem
from sync.store.materialise import materialise
from sync.store.nouns import DIRECTORY, FILE, Entry
from sync.store.reader import Reader

from .pace import unhurried

MOST_TOLD = 3


class Unfit(HybridError):
    """This machine's disk cannot hold all of a snapshot."""


def lay_out(
    reader: Reader, entries: list[Entry], target: Path, spared: Iterable[bytes] = ()
) -> Generator[float, None, list[Problem]]:
    """Makes ``target`` hold ``entries`` and nothing else but the ``spared`` paths, with what lies below them.

    Returns what is too much and could not be removed. Raises what ``materialise`` raises, and Unfit.
    """
    target.mkdir(exist_ok=True)
    left = yield from _clear(target, beyond(target, entries, spared))
    laid = yield from unhurried(materialise(reader, entries, target, escaping_links=True))
    if laid.problems:
        raise Unfit(f"The disk here cannot hold all of the snapshot: {_told(laid.problems)}.")
    return left


def beyond(folder: Path, entries: Iterable[Entry], spared: Iterable[bytes] = ()) -> list[bytes]:
    """What lies in the folder, and is neither of the entries nor spared. Of a folder that is none of theirs, only
    the folder itself. Raises OSError where something cannot be listed."""
    own = set(spared)
    folders = {b""}
    for path, kind in [*((path, FILE) for path in own), *((entry.path, entry.kind) for entry in entries)]:
        if kind == DIRECTORY:
            folders.add(path)
        else:
            own.add(path)
        while (path := path.rpartition(b"/")[0]) not in folders:
            folders.add(path)
    found: list[bytes] = []
    top = os.fsencode(folder)
    waiting = [b""]
    while waiting:
        here = waiting.pop()
        with os.scandir(os.path.join(top, here)) as children:
            for child in children:
                path = here + child.name
                if path in own:
                    continue
                if path in folders and child.is_dir(follow_symlinks=False):
                    waiting.append(path + b"/")
                else:
                    found.append(path)
    return sorted(found)


def _clear(folder: Path, paths: list[bytes]) -> Generator[float, None, list[Problem]]:
    left: list[Problem] = []
    for path in paths:
        full = os.path.join(os.fsencode(folder), path)
        try:
            if os.path.isdir(full) and not os.path.islink(full):
                shutil.rmtree(full)
            else:
                os.unlink(full)
        except OSError as error:
            left.append(Problem(path, f"cannot be removed ({error.strerror})"))
        yield 0.0
    return left


def _told(problems: list[Problem]) -> str:
    first = [f"{_text(problem.path)} {problem.what}" for problem in problems[:MOST_TOLD]]
    if len(problems) > MOST_TOLD:
        first.append(f"and {len(problems) - MOST_TOLD} more")
    return ", ".join(first)


def _text(path: bytes) -> str:
    text = path.decode("utf-8", "backslashreplace")
    return text if len(text) <= 100 else f"{text[:100]}…"
