"""The lines of a tree: those of the published files, and over them what is different now, in the order of paths."""

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from ..local.entry import Signature
from ..local.index import Index
from ..store.entries import reference
from ..store.lines import MOST_LINES, Block, Content, Line, blocks, file_line, folder_line, link_line
from .shelf import Page, Shelf, between


class Going(NamedTuple):
    """A file as it is being published: what it looked like when it was read, and its content."""

    signature: Signature
    content: Content


class Lines:
    """The lines of a tree. ``rows`` and ``others`` come over what the index holds, of which the ``gone`` files are left
    out; ``names`` are the mailbox paths of objects by their references."""

    def __init__(
        self,
        index: Index,
        rows: Mapping[bytes, Going],
        gone: AbstractSet[bytes],
        others: Mapping[bytes, bytes],
        names: Mapping[str, str],
    ) -> None:
        self._index = index
        self._rows = rows
        self._gone = gone
        self._others = others
        self._names = names
        self._special = sorted((*rows, *others))
        self._objects: dict[str, tuple[str, ...]] = {}

    def between(self, first: bytes, stop: bytes | None) -> Iterator[Line]:
        return (line for _, line in self._with_paths(first, stop))

    def blocks_between(self, first: bytes, stop: bytes | None) -> Iterator[tuple[bytes, Block]]:
        """Blocks, each with its first path."""
        firsts: list[bytes] = []

        def lines() -> Iterator[Line]:
            for number, (path, line) in enumerate(self._with_paths(first, stop)):
                if number % MOST_LINES == 0:
                    firsts.append(path)
                yield line

        for number, block in enumerate(blocks(lines())):
            yield firsts[number], block

    def _with_paths(self, first: bytes, stop: bytes | None) -> Iterator[tuple[bytes, Line]]:
        special = iter(between(self._special, first, stop))
        ahead = next(special, None)
        for path, executable, what in self._index.contents_between(first, stop):
            while ahead is not None and ahead < path:
                yield ahead, self._line(ahead)
                ahead = next(special, None)
            if ahead == path:
                yield path, self._line(path)
                ahead = next(special, None)
            elif path not in self._gone:
                yield path, file_line(path, executable, what, self._named(what.objects))
        while ahead is not None:
            yield ahead, self._line(ahead)
            ahead = next(special, None)

    def _line(self, path: bytes) -> Line:
        row = self._rows.get(path)
        if row is not None:
            what = row.content
            return file_line(path, row.signature.executable, what, self._named(what.objects))
        target = self._others[path]
        return link_line(path, target) if target else folder_line(path)

    def _named(self, objects: str) -> tuple[str, ...]:
        if objects not in self._objects:
            self._objects[objects] = tuple(self._names[name] for name in objects.split())
        return self._objects[objects]


def fill(shelf: Shelf, index: Index) -> None:
    """Writes the pages that are to be written anew, so that the next push finds them. Who publishes again and again
    calls it when there is nothing else to do."""
    if shelf.is_full:
        return
    names = {reference(name): name for name in index.objects()}
    lines = Lines(index, {}, frozenset(), index.others(), names)
    pages: list[Page] = []
    for page, stop in shelf.ranges():
        if page.block is not None:
            pages.append(page)
            continue
        try:
            pages += [Page(path, block) for path, block in lines.blocks_between(page.first, stop)]
        except (
            KeyError
        ):  # its content lies in an object that the mailbox has lost: the next push stores it anew
            pages.append(page)
    shelf.pages = pages or [Page(b"")]
    shelf.pages[0].first = b""
