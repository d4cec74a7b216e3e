"""The durable steps of a process, told before each of them happens: what a kill can fall between.

Seen from outside, by Python's audit events and SQLite's trace, so that the product needs no hooks for tests. A step is
a file that is opened for writing, a name that comes, moves or goes, or a commit. What a step before it wrote is on the
disk of a killed process, so that a stop before one step is also a stop after the last.
"""

import os
import sqlite3
import sys
from collections.abc import Callable
from typing import Any

_PATHS = {
    "os.chmod": (0,),
    "os.link": (1,),
    "os.mkdir": (0,),
    "os.remove": (0,),
    "os.rename": (0, 1),
    "os.rmdir": (0,),
    "os.symlink": (1,),
    "os.truncate": (0,),
    "os.utime": (0,),
}
"""Which arguments of an event are the paths that it changes."""
_COMMITS = (
    "BEGIN",
    "COMMIT",
    "CREATE",
    "PRAGMA JOURNAL_MODE",
    "PRAGMA APPLICATION_ID =",
    "PRAGMA USER_VERSION =",
)


def watch(folder: str, step: Callable[[str], None]) -> None:
    """From now on and for as long as this process lives, calls ``step`` with a name before each step in ``folder``.

    What ``step`` raises, the system call raises; but not from a commit. Relative paths count as in the folder.
    """
    sys.addaudithook(_hook(os.path.realpath(folder), step))
    connect = sqlite3.connect

    def statement(text: str) -> None:
        if text.lstrip().upper().startswith(_COMMITS):
            step(f"sqlite {' '.join(text.split()[:4])}")

    def traced(*words: Any, **options: Any) -> sqlite3.Connection:
        connection = connect(*words, **options)
        connection.set_trace_callback(statement)
        return connection

    sqlite3.connect = traced


def _hook(folder: str, step: Callable[[str], None]) -> Callable[[str, tuple[Any, ...]], None]:
    def inside(path: object) -> str:
        """The path, as it is named in a step; empty where it is elsewhere."""
        if not isinstance(path, str | bytes | os.PathLike):
            return ""
        name = os.fsdecode(path)
        return name.removeprefix(folder + "/") if not os.path.isabs(name) or _is_in(name, folder) else ""

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            writes = arguments[2] & (os.O_WRONLY | os.O_RDWR)
            if writes and (name := inside(arguments[0])):
                step(f"open {name}")
        elif event in _PATHS:
            names = [inside(arguments[n]) for n in _PATHS[event]]
            if all(names):
                step(f"{event.removeprefix('os.')} {' '.join(names)}")

    return hook


def _is_in(path: str, folder: str) -> bool:
    return path.startswith(folder + "/")
