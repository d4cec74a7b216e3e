"""How much is held back: a walk of the trees that a scan left out, so done only when somebody wants to know."""

import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from .rules import HeldBack
from .scan import Inside


@dataclass(frozen=True, kw_only=True)
class Measure:
    """``size`` in bytes and number of ``files`` held back at ``path``; at least that, where not ``complete``."""

    path: bytes
    size: int
    files: int
    complete: bool


def measure_held_back(
    root: Path, held_back: Iterable[HeldBack], inside: Inside, limit: int = 200_000
) -> list[Measure]:
    """One measure for each of ``held_back``, in that order. Looks at ``limit`` names at most in all.

    Junk is left out: it is often large and never worth the time. ``inside`` is what goes all the same.
    """
    measures = []
    for held in held_back:
        if held.junk:
            continue
        size, files, left = _measure(os.fsencode(root) + b"/" + held.path, limit)
        going = [what for path, what in inside.items() if held.partly and path.startswith(held.path + b"/")]
        measures.append(
            Measure(
                path=held.path,
                size=max(0, size - sum(size for size, _ in going)),
                files=max(0, files - sum(number for _, number in going)),
                complete=left > 0,
            )
        )
        limit = left
    return measures


def _measure(path: bytes, limit: int) -> tuple[int, int, int]:
    """Bytes and files at ``path``, and what is left of the limit: 0 where it cut the walk short."""
    try:
        status = os.lstat(path)
    except OSError:
        return 0, 0, limit
    if not stat.S_ISDIR(status.st_mode):
        return status.st_size, 1, limit
    size = files = 0
    waiting = [path]
    while waiting and limit > 0:
        try:
            with os.scandir(waiting.pop()) as listing:
                for item in listing:
                    limit -= 1
                    if limit <= 0:
                        break
                    if item.is_dir(follow_symlinks=False):
                        waiting.append(item.path)
                    else:
                        size += item.stat(follow_symlinks=False).st_size
                        files += 1
        except OSError:
            continue  # what cannot be read cannot be pushed either
    return size, files, limit
