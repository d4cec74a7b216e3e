"""A walk of the tree against the files that were published last, both sorted by path, side by side."""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from ..local.entry import Entry
from ..local.noted import Noted, Row, is_as_published, noted_in


class Compared(NamedTuple):
    """changed   files that are new, or not certain to be as they were
    gone      published files that were not found, in order
    recorded  of both, what they looked like when they were published
    """

    changed: list[Entry]
    gone: list[bytes]
    recorded: dict[bytes, Noted]


def compare(
    files: Iterable[list[Entry]], rows: Iterator[Row], on_change: Callable[[], None] = lambda: None
) -> Compared:
    """``on_change`` is called once, as soon as it is certain that there is something to publish."""
    changed: list[Entry] = []
    gone: list[bytes] = []
    recorded: dict[bytes, Noted] = {}
    told = False
    row = next(rows, None)
    for batch in files:
        for entry in batch:
            path = entry.path
            while row is not None and row[0] < path:
                gone.append(row[0])
                recorded[row[0]] = noted_in(row)
                row = next(rows, None)
            if row is None or row[0] != path:
                changed.append(entry)
                is_certain = True
            else:
                is_certain = row[1] != entry.signature[0]
                if not is_as_published(row, entry.signature):
                    changed.append(entry)
                    recorded[path] = noted_in(row)
                row = next(rows, None)
            if is_certain and not told:
                told = True
                on_change()
    while row is not None:
        gone.append(row[0])
        recorded[row[0]] = noted_in(row)
        row = next(rows, None)
    return Compared(changed, gone, recorded)
