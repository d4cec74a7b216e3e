"""A project that is watched, and what was heard of it so far."""

import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from agent.daemon.bell import Bell, SystemBell
from agent.daemon.watch.hints import Hints
from agent.daemon.watch.watching import Watching
from sync.clock import SystemClock
from sync.local.folders import Folders
from sync.local.load_rules import load_rules

PATIENCE_S = 20.0


class Watched:
    """``paths`` and ``doubts`` are all that was heard; ``open`` is what was open when something was heard last."""

    def __init__(self, root: Path, bell: Bell | None = None) -> None:
        self.root = root
        self.bell = bell or SystemBell()
        self.hints = Hints(SystemClock(), self.bell)
        self.paths: set[bytes] = set()
        self.doubts: list[str] = []
        self.open: frozenset[bytes] = frozenset()
        self.git = False
        self.folders = Folders(root, load_rules(root))
        self.watching = Watching(root, lambda: self.folders, self.hints)
        self._sentinels = 0

    def __enter__(self) -> "Watched":
        self.watching.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.watching.stop()

    def renew(self) -> None:
        self.folders = Folders(self.root, load_rules(self.root))
        self.watching.renew()

    def until(self, told: Callable[["Watched"], bool]) -> None:
        end = time.monotonic() + PATIENCE_S
        while not told(self):
            left = end - time.monotonic()
            assert left > 0, f"heard only {sorted(self.paths)[:50]}, {self.doubts}, git: {self.git}"
            self.bell.wait(left)
            self._take()

    def all(self) -> set[bytes]:
        """What was heard, with all that happened until now."""
        last = b""
        while last not in self.paths:
            # While a doubt stands, no path is told.
            self._take()
            doubts = len(self.doubts)
            self._sentinels += 1
            last = b"sentinel-%d" % self._sentinels
            (self.root / os.fsdecode(last)).write_bytes(b"")
            self.until(partial(_knows, last, doubts))
        return {path for path in self.paths if not path.startswith(b"sentinel-")}

    def forget(self) -> None:
        self._take()
        self.paths.clear()
        self.doubts.clear()
        self.git = False

    def covers(self, path: bytes) -> bool:
        """Whether who heard it would look at the path: named, below a folder that is, or everything is doubted."""
        parts = path.split(b"/")
        above = {b"/".join(parts[:depth]) for depth in range(1, len(parts) + 1)}
        return bool(self.doubts) or not self.paths.isdisjoint(above)

    def watches(self) -> int:
        """How many the kernel keeps for this process, those on the folders above the project left out."""
        found = 0
        for descriptor in os.listdir("/proc/self/fdinfo"):
            try:
                found += Path("/proc/self/fdinfo", descriptor).read_text().count("inotify wd:")
            except FileNotFoundError:
                continue
        return found - len(self.root.resolve().parents)

    def _take(self) -> None:
        if (heard := self.hints.take()) is not None:
            self.paths |= heard.paths
            self.open = heard.open
            if heard.doubt:
                self.doubts.append(heard.doubt)
        self.git = self.hints.take_git() or self.git


def _knows(path: bytes, doubts: int, so_far: Watched) -> bool:
    return path in so_far.paths or len(so_far.doubts) > doubts
