"""The published tree as a snapshot lists it, kept in memory by who publishes again and again.

Of a hundred thousand files one is saved: then a thousand lines are written anew, and the rest is here. A process that
publishes once has no use for it.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable

from ..store.lines import Block


class Page:
    """The entries from path ``first`` on and before the next page's; ``block`` is None where they have to be written anew."""

    __slots__ = ("block", "first")

    def __init__(self, first: bytes, block: Block | None = None) -> None:
        self.first = first
        self.block = block


class Shelf:
    """Speaks of the tree that the index holds. Clear it when somebody else may have changed that."""

    def __init__(self) -> None:
        self.pages = [Page(b"")]

    @property
    def is_full(self) -> bool:
        """Whether no page has to be written anew."""
        return all(page.block is not None for page in self.pages)

    def clear(self) -> None:
        self.pages = [Page(b"")]

    def ranges(self) -> list[tuple[Page, bytes | None]]:
        """The pages, each with the path before which it ends."""
        return list(zip(self.pages, [*(page.first for page in self.pages[1:]), None], strict=True))

    def changed(self, paths: Iterable[bytes]) -> None:
        """What the index says of these paths is different now."""
        firsts = [page.first for page in self.pages]
        for path in paths:
            self.pages[bisect_right(firsts, path) - 1].block = None


def between(paths: list[bytes], first: bytes, stop: bytes | None) -> list[bytes]:
    """Those of the sorted ``paths`` from ``first`` on and before ``stop``."""
    end = len(paths) if stop is None else bisect_left(paths, stop)
    return paths[bisect_left(paths, first) : end]
