"""Puts a project's rules together: asks git where they are, and reads the ignore files outside the project."""

import os
import stat
from collections.abc import Iterable
from pathlib import Path

from ..errors import Problem
from .git import IgnoreSettings, ignore_settings, tracked_but_ignored
from .ignore import Level, read_rules
from .include import parse_include
from .rules import GIT_RULES, OUR_RULES, Rules, junk_level

# Git's own limit, beyond which it says that the file is excessively large and reads none of it.
LARGEST_IGNORE_FILE = 100 * 1024 * 1024


def load_rules(
    root: Path, include: Iterable[str] = (), outputs: str = "outputs", mailbox: bytes = b""
) -> Rules:
    """``include`` is ``[push] include``, ``outputs`` where results are pulled to, ``mailbox`` as in ``Rules``. Raises
    UsageError where an include cannot be."""
    settings = ignore_settings(root)
    problems: list[Problem] = []
    return Rules(
        include=parse_include(include, settings.ignore_case),
        outside=_outside(root, settings, problems),
        tracked=tracked_but_ignored(root),
        ignore_case=settings.ignore_case,
        problems=problems,
        outputs=os.fsencode(os.path.normpath(outputs).replace(os.sep, "/")),
        mailbox=mailbox,
    )


def place_inside(root: Path, folder: str) -> bytes | None:
    """Where in ``root`` the folder lies, as a path of the scan, empty for ``root`` itself; None where it lies elsewhere.

    Neither has to exist. Links on the way are followed, because the scan finds the folder where it is.
    """
    real = Path(os.path.realpath(folder))
    top = Path(os.path.realpath(root))
    if not real.is_relative_to(top):
        return None
    return b"" if real == top else os.fsencode(real.relative_to(top).as_posix())


def read_ignore_file(path: bytes, follow: bool = False) -> bytes | str:
    """The content, or a clause saying why there is none; empty where there is no such file.

    Like git, does not ``follow`` a symbolic link in the tree.
    """
    flags = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)
    if not follow:
        if os.path.islink(path):
            return "is a symbolic link, which git does not follow for ignore rules"
        flags |= getattr(os, "O_NOFOLLOW", 0)
    try:
        descriptor = os.open(path, flags)
    except (FileNotFoundError, NotADirectoryError):
        return b""
    except OSError as error:
        return f"cannot be read for its ignore rules: {error.strerror}"
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return "is not a file, so there are no ignore rules in it"
        with open(descriptor, "rb", closefd=False) as file:
            data = file.read(LARGEST_IGNORE_FILE + 1)
    except OSError as error:
        return f"cannot be read for its ignore rules: {error.strerror}"
    finally:
        os.close(descriptor)
    return data if len(data) <= LARGEST_IGNORE_FILE else "is too large for a file of ignore rules"


def _outside(root: Path, settings: IgnoreSettings, problems: list[Problem]) -> Level:
    """The level of the project root from files that lie outside it.

    A root that lies in a directory ignored by the repository is a project all the same: it was chosen by name.
    """

    def read(level: Level, path: Path, shown: str, ours: bool, follow: bool) -> Level:
        data = read_ignore_file(os.fsencode(path), follow)
        if isinstance(data, str):
            problems.append(Problem(os.fsencode(shown), data))
            return level
        rules, bad = read_rules(data, shown, ours=ours, ignore_case=settings.ignore_case)
        problems.extend(bad)
        return level.add(rules)

    level = junk_level(settings.ignore_case)
    for path in settings.files:
        shown = os.path.relpath(path, root) if path.is_relative_to(root) else str(path)
        level = read(level, path, shown, ours=False, follow=True)
    for depth, part in enumerate(settings.above):
        up = "../" * (len(settings.above) - depth)
        for name in (GIT_RULES, OUR_RULES):
            shown = up + os.fsdecode(name)
            level = read(level, root / shown, shown, ours=name == OUR_RULES, follow=False)
        level = level.enter(part)
    return level
