"""What a watcher has heard about the tree since it was last asked. Only hints: a look at the disk decides."""

import threading
from dataclasses import dataclass

from sync.clock import Clock

from ..bell import Bell

MOST_PATHS = 2000
"""Paths that are remembered one by one; more than that are looked at by looking at everything."""


@dataclass(frozen=True, kw_only=True)
class Heard:
    """paths   relative to the root, with ``/``; each may be a file, a link or a folder that came, changed or went, and a
            folder stands for all below it
    doubt   why everything has to be looked at, as a clause; empty where ``paths`` are enough
    open    files that were written to and not closed since, where the system tells
    first   monotonic seconds of the first word that was not taken yet, and of the last one
    """

    paths: frozenset[bytes]
    doubt: str
    open: frozenset[bytes]
    first: float
    last: float


class Hints:
    """Threads may share it. ``bell`` is rung with the first word after a ``take`` or a ``put_back``, and when a file
    is closed that somebody may wait for."""

    def __init__(self, clock: Clock, bell: Bell) -> None:
        self._clock = clock
        self._bell = bell
        self._lock = threading.Lock()
        self._paths: set[bytes] = set()
        self._open: set[bytes] = set()
        self._doubt = ""
        self._git = False
        self._first = self._last = 0.0
        self._is_waited_for = False
        """Files that are open were told of since the last ``take``."""
        self._rang = False
        """The bell was rung for what waits to be taken, as far as it was not put back since."""

    def changed(self, path: bytes) -> None:
        self._note(path)

    def written(self, path: bytes) -> None:
        """Somebody writes to the file, and has not closed it yet."""
        self._note(path, opened=path)

    def closed(self, path: bytes) -> None:
        with self._lock:
            is_waited_for = self._is_waited_for and path in self._open
            self._open.discard(path)
        self._note(path)
        if is_waited_for:  # not for each file of a burst: who is woken has no time to hear of the next
            self._bell.ring()

    def doubt(self, why: str) -> None:
        """Words were lost, or there are too many: everything has to be looked at."""
        self._note(None, why)

    def git(self) -> None:
        """Git put something in its folder or took something away: what it was in the middle of may be over. That is no
        word about the tree."""
        with self._lock:
            is_first = not self._git
            self._git = True
        if is_first:
            self._bell.ring()

    def take_git(self) -> bool:
        """Whether ``git`` was said since this was last asked."""
        with self._lock:
            said = self._git
            self._git = False
        return said

    def peek(self) -> Heard | None:
        """What ``take`` would return."""
        with self._lock:
            return self._heard()

    def take(self) -> Heard | None:
        """What was heard since the last ``take``; None where that is nothing. What is open stays known as open."""
        with self._lock:
            heard = self._heard()
            self._paths.clear()
            self._doubt = ""
            self._rang = self._is_waited_for = False
        return heard

    def put_back(self, heard: Heard) -> None:
        """What was taken could not be acted on."""
        with self._lock:
            self._paths |= heard.paths
            self._doubt = self._doubt or heard.doubt
            self._first = heard.first
            self._last = max(self._last, heard.last)
            self._rang = False

    def forget_open(self, paths: frozenset[bytes]) -> None:
        """These are not waited for any longer."""
        with self._lock:
            self._open -= paths

    def _heard(self) -> Heard | None:
        if not self._paths and not self._doubt:
            return None
        self._is_waited_for = self._is_waited_for or bool(self._open)
        return Heard(
            paths=frozenset(self._paths),
            doubt=self._doubt,
            open=frozenset(self._open),
            first=self._first,
            last=self._last,
        )

    def _note(self, path: bytes | None, why: str = "", opened: bytes | None = None) -> None:
        now = self._clock.monotonic()
        with self._lock:
            # A doubt may be that what stood in the way was mended.
            rings, self._rang = not self._rang or bool(why), True
            if not self._paths and not self._doubt:
                self._first = now
            self._last = now
            if opened is not None:
                self._open.add(opened)
            if why:
                self._doubt = why
            if path is not None and not self._doubt:
                self._paths.add(path)
            if len(self._paths) > MOST_PATHS:
                self._doubt = "many files changed at once"
            if self._doubt:
                self._paths.clear()
        if rings:
            self._bell.ring()
