"""What a watch of Linux reports to: a directory of the tree, or a folder beside it."""

import sys
from collections.abc import Callable
from typing import Protocol

from sync.local.rules import Folder

assert sys.platform == "linux"

from .library import InotifyEvent  # noqa: E402

UNWATCHED = -1


class Listens(Protocol):
    def heard(self, at: "Directory", event: InotifyEvent) -> None: ...


class Directory:
    """A folder of the project that is watched, and what its watch reports to; small, because there are many.

        number     of its watch
        has_rules  there was an ignore file in it when it was listed
    below      by name; None where no folder in it is watched, as in most
    """

    __slots__ = ("above", "below", "has_rules", "name", "number", "rules", "tree")

    rules: Folder

    def __init__(self, tree: Listens, above: "Directory | None", name: bytes) -> None:
        self.tree = tree
        self.above = above
        self.name = name
        self.number = UNWATCHED
        self.has_rules = False
        self.below: dict[bytes, Directory] | None = None

    def path(self) -> bytes:
        names: list[bytes] = []
        at = self
        while at.above is not None:
            names.append(at.name)
            at = at.above
        return b"/".join(reversed(names))

    def on_event(self, event: InotifyEvent) -> None:
        self.tree.heard(self, event)

    def on_watch_deleted(self, wd: int) -> None:
        self.number = UNWATCHED

    def on_queue_overflow(self) -> None:
        """The tree hears it once, for all."""


class Bystander:
    """A folder outside the tree. ``heard`` gets its events."""

    def __init__(self, heard: Callable[[InotifyEvent], None]) -> None:
        self.on_event = heard
        self.number = UNWATCHED

    def on_watch_deleted(self, wd: int) -> None:
        self.number = UNWATCHED

    def on_queue_overflow(self) -> None:
        """The tree hears it once, for all."""
