"""Hears of changes in a project while they happen, as far as the system tells of them.

What is heard goes into ``Hints``; nothing here looks at a file's content or decides anything. No thread wakes up while
nothing happens. Where nothing is told, or not all, ``how`` says so, and whoever reads the hints has to look now and then.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from sync.local.folders import Folders

from ..tell.status import Need
from .hints import Hints
from .mode import EVENTS, Mode


class _Way(Protocol):
    def start(self) -> None: ...

    def stop(self) -> None: ...

    def renew(self) -> None: ...


class Watching:
    """``folders`` gives the rules in force; it is called from other threads and must not wait for any. ``renew`` is to be
    called when it gives new ones."""

    def __init__(self, root: Path, folders: Callable[[], Folders], hints: Hints) -> None:
        self._root = root
        self._folders = folders
        self._hints = hints
        self._mode = EVENTS
        self._way: _Way | None = None

    @property
    def how(self) -> str:
        """As in ``Status.watch``: ``events``, or ``polling`` and why."""
        return self._mode.how

    @property
    def need(self) -> Need | None:
        """What a person can do to have events."""
        return self._mode.need

    def start(self) -> None:
        """What changes from its return on is heard of. Never raises for what the system refuses: see ``how``."""
        if self._way is not None:
            return
        self._way = self._choose()
        self._way.start()

    def stop(self) -> None:
        """Returns when no thread is left. May be called again, and ``start`` after it."""
        way, self._way = self._way, None
        if way is not None:
            way.stop()

    def renew(self) -> None:
        """To be called when the ignore rules changed, the root came back, or, while ``how`` is polling, now and then:
        what stood in the way of events may be gone. What it has to watch anew is heard of from its return on only, so
        the look at everything comes after it."""
        if self._way is not None:
            self._way.renew()

    def _choose(self) -> _Way:
        # watchdog is loaded here, by whoever watches.
        if sys.platform == "linux":
            from .tree import Tree

            return Tree(self._root, self._folders, self._hints, self._settle)
        else:
            from .library import Stream
            from .recursive import Recursive

            return Recursive(self._root, self._folders, self._hints, self._settle, Stream)

    def _settle(self, mode: Mode) -> None:
        before, self._mode = self._mode, mode
        if mode.why and mode.why != before.why:
            self._hints.doubt(mode.why)
