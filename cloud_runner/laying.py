"""A snapshot on this machine's disk: as a whole, or not at all for whoever would work with it."""

import os
import shutil
from collections.abc import Generator, Iterable, Iterator
from pathlib import Path

from sync.errors import HybridError, Problem
from sync.store.materialise import materialise
from sync.store.nouns import FILE, Entry
from sync.store.reader import Reader
from sync.store.surplus import surplus

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
    left: list[Problem] = []
    for path, is_folder in _surplus(target, entries, spared):
        full = os.path.join(os.fsencode(target), path)
        try:
            (shutil.rmtree if is_folder else os.unlink)(full)
        except OSError as error:
            left.append(Problem(path, f"cannot be removed ({error.strerror})"))
        yield 0.0
    laid = yield from unhurried(materialise(reader, entries, target, escaping_links=True, unseen=True))
    if laid.problems:
        raise Unfit(f"The disk here cannot hold all of the snapshot: {_told(laid.problems)}.")
    return left


def beyond(folder: Path, entries: list[Entry]) -> list[bytes]:
    """What lies in the folder and is not of the entries. A folder that is none of theirs stands for all in it."""
    return [path for path, _ in _surplus(folder, entries, ())]


def _surplus(folder: Path, entries: list[Entry], spared: Iterable[bytes]) -> Iterator[tuple[bytes, bool]]:
    roots = set(spared)
    # As entries they keep the folders that they lie in.
    known = [*entries, *(Entry(path=path, kind=FILE) for path in roots)]
    for path, is_folder in surplus(os.fsencode(folder), known):
        if roots.isdisjoint(_with_parents(path)):
            yield path, is_folder


def _with_parents(path: bytes) -> Iterator[bytes]:
    while path:
        yield path
        path = path.rpartition(b"/")[0]


def _told(problems: list[Problem]) -> str:
    first = [f"{_text(problem.path)} {problem.what}" for problem in problems[:MOST_TOLD]]
    if len(problems) > MOST_TOLD:
        first.append(f"and {len(problems) - MOST_TOLD} more")
    return ", ".join(first)


def _text(path: bytes) -> str:
    text = path.decode("utf-8", "backslashreplace")
    return text if len(text) <= 100 else f"{text[:100]}…"
