"""A snapshot on this machine's disk: as a whole, or not at all for whoever would work with it."""

from collections.abc import Generator, Iterable
from pathlib import Path

from sync.errors import HybridError, Problem
from sync.store.materialise import materialise
from sync.store.nouns import Entry
from sync.store.reader import Reader

from .pace import unhurried

MOST_TOLD = 3


class Unfit(HybridError):
    """This machine's disk cannot hold all of a snapshot."""


def lay_out(reader: Reader, entries: Iterable[Entry], target: Path) -> Generator[float, None, None]:
    """Makes ``target`` hold ``entries`` and nothing else. Raises what ``materialise`` raises, and Unfit."""
    laid = yield from unhurried(materialise(reader, entries, target, mirror=True, escaping_links=True))
    if laid.problems:
        raise Unfit(f"The disk here cannot hold all of the snapshot: {_told(laid.problems)}.")


def _told(problems: list[Problem]) -> str:
    first = [f"{_text(problem.path)} {problem.what}" for problem in problems[:MOST_TOLD]]
    if len(problems) > MOST_TOLD:
        first.append(f"and {len(problems) - MOST_TOLD} more")
    return ", ".join(first)


def _text(path: bytes) -> str:
    text = path.decode("utf-8", "backslashreplace")
    return text if len(text) <= 100 else f"{text[:100]}…"
