"""The entries of a tree on their way into a snapshot, as lines of text.

``entries`` has the format and reads it. Here it is written, for a hundred thousand files at a time: by hand, because
a JSON encoder takes several times as long, and with what is known of an unchanged file kept as text.
"""

import functools
import itertools
from collections.abc import Callable, Iterable, Iterator
from json.encoder import encode_basestring_ascii
from typing import NamedTuple

from sync.errors import HybridError

from .entries import LONGEST_LINE, reference, refusal
from .nouns import DIRECTORY, FILE, LINK, Entry, Location


class Content(NamedTuple):
    """A file's content as entries hold it.

    size     bytes
    chunks   JSON ``[[sha256, length], ...]``: what it is
    placed   JSON ``[[sha256, object, block_offset, ...], ...]``: where it lies
    objects  references of the objects that ``placed`` names, each followed by a space
    """

    size: int
    chunks: str
    placed: str
    objects: str


class Line(NamedTuple):
    """One entry: as the snapshot lists it, and as the tree's hash takes it. ``size`` is None where it is no file."""

    entry: str
    tree: str
    size: int | None = None
    objects: tuple[str, ...] = ()


class Block(NamedTuple):
    """Consecutive entries of a tree: as the snapshot lists them, and as the tree's hash takes them.

    number   how many entries there are; of these ``files`` are files, of so many ``bytes`` together
    objects  the mailbox paths of what holds their content; ``SELF`` is not among them
    """

    entries: bytes
    tree: bytes
    number: int
    files: int
    bytes: int
    objects: frozenset[str]


MOST_LINES = 1000
"""Lines in a block."""

Place = Callable[[str], Location]
"""Where the chunk of that SHA-256 lies; the object is ``SELF`` for one in the snapshot that is being written."""


def chunks_text(chunks: Iterable[tuple[str, int]]) -> str:
    """``Content.chunks`` of (SHA-256, length) pairs."""
    texts = ",".join([f'["{sha256}",{length}]' for sha256, length in chunks])
    return f"[{texts}]"


def placed_text(places: Iterable[tuple[str, Location]]) -> str:
    """``Content.placed`` of (SHA-256, location) pairs."""
    texts = ",".join(
        [
            f'["{sha256}","{reference(name)}",{start},{stored},{raw},"{codec}",{offset},{length}]'
            for sha256, (name, start, stored, raw, codec, offset, length) in places
        ]
    )
    return f"[{texts}]"


def content(chunks: list[tuple[str, int]], place: Place) -> Content:
    """A file's content once it is known where it lies."""
    if len(chunks) == 1:  # nearly all files of a large tree; written out because that is four times as fast
        [(sha256, length)] = chunks
        name, start, stored, raw, codec, offset, _ = place(sha256)
        object_, alone = _references(name)
        at = f'[["{sha256}","{object_}",{start},{stored},{raw},"{codec}",{offset},{length}]]'
        return Content(length, f'[["{sha256}",{length}]]', at, alone)
    places = [(sha256, place(sha256)) for sha256, _ in chunks]
    objects = dict.fromkeys([reference(at.object) for _, at in places if at.object])
    return Content(
        sum([length for _, length in chunks]),
        chunks_text(chunks),
        placed_text(places),
        "".join([f"{name} " for name in objects]),
    )


def file_line(path: bytes, executable: bool, what: Content, objects: tuple[str, ...]) -> Line:
    """The line of a file; ``objects`` are the mailbox paths of what ``what.objects`` refers to.

    Raises HybridError where a snapshot cannot hold it.
    """
    size, chunks, placed, _ = what
    name = _name(path)
    entry = f'["f",{name},{executable:d},{size},{placed}]\n'
    if len(entry) > LONGEST_LINE:
        raise HybridError(
            f"A snapshot cannot hold {path.decode('utf-8', 'replace')[:80]}: it is too large ({size:,} bytes).",
            "Split it into several files.",
        )
    return Line(entry, f'["f",{name},{executable:d},{chunks}]\n', size, objects)


def folder_line(path: bytes) -> Line:
    line = f'["d",{_name(path)}]\n'
    return Line(line, line)


def link_line(path: bytes, target: bytes) -> Line:
    line = f'["l",{_name(path)},{_text(target)}]\n'
    return Line(line, line)


def lines(entries: Iterable[Entry], place: Place) -> Iterator[Line]:
    """The lines of entries, sorted by path; of a file's chunks only SHA-256 and length are looked at."""
    for entry in sorted(entries, key=lambda each: each.path):
        if entry.kind == FILE:
            chunks = [(chunk.sha256, chunk.at.length) for chunk in entry.chunks]
            names = tuple({name for sha256, _ in chunks if (name := place(sha256).object)})
            yield file_line(entry.path, entry.executable, content(chunks, place), names)
        elif entry.kind == DIRECTORY:
            yield folder_line(entry.path)
        else:
            assert entry.kind == LINK, entry.kind
            yield link_line(entry.path, entry.target)


def blocks(lines: Iterable[Line]) -> Iterator[Block]:
    """The lines, ``MOST_LINES`` at a time."""
    remaining = iter(lines)
    while batch := list(itertools.islice(remaining, MOST_LINES)):
        sizes = [line.size for line in batch if line.size is not None]
        yield Block(
            "".join([line.entry for line in batch]).encode(),
            "".join([line.tree for line in batch]).encode(),
            len(batch),
            len(sizes),
            sum(sizes),
            frozenset().union(*{line.objects for line in batch}),
        )


@functools.lru_cache(maxsize=1024)
def _references(name: str) -> tuple[str, str]:
    """An object's reference, and ``Content.objects`` of a file that lies in it alone: one text for all of these."""
    found = reference(name)
    return found, f"{found} " if found else ""


def _name(path: bytes) -> str:
    if why := refusal(path):
        shown = path[:80].decode("utf-8", "replace")
        raise HybridError(f"A snapshot cannot hold {shown}..., which {why}.", "Move it to a shorter path.")
    return _text(path)


def _text(raw: bytes) -> str:
    return encode_basestring_ascii(raw.decode("utf-8", "surrogateescape"))
