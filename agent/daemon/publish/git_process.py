"""Whether a git process is at work in a working tree. Asked rarely, as it looks at every process.

Nothing in a lock of git says whose it is. Where it cannot be found out, the answer is yes.
"""

import contextlib
import os
import subprocess
import sys
from pathlib import Path

_TIMEOUT_S = 10.0
_PROCESSES = Path("/proc")
# They stay for hours, and change nothing in the tree.
_LASTING = ("cat-file", "credential-cache--daemon", "fsmonitor--daemon")
_LISTS = {"win32": ("tasklist", "/fo", "csv", "/nh")}
_LIST = ("ps", "-axo", "comm=")


def is_at_work(lock: Path) -> bool:
    """Whether a process may still work behind the ``index.lock``: one that has it open, or a git in its working tree.

    Elsewhere than on Linux, any git of this machine counts.
    """
    if not _PROCESSES.joinpath("self", "cwd").exists():
        return _any_git()
    return any(_works_behind(each, lock) for each in _PROCESSES.iterdir() if each.name.isdigit())


def _works_behind(process: Path, lock: Path) -> bool:
    """False for processes that end meanwhile, and for other people's, which nobody but root can look into."""
    with contextlib.suppress(OSError):
        words = (process / "cmdline").read_bytes().split(b"\0")
        if _is_git(os.fsdecode(words[0])) and not any(each.encode() in words for each in _LASTING):
            place = Path(os.readlink(process / "cwd"))
            # A worktree's own folder, and that of a submodule, name their tree; the usual one lies in it.
            if any(place.is_relative_to(tree) for tree in (*_trees(lock.parent), lock.parent)):
                return True
        resolved = os.path.realpath(lock)
        for each in os.listdir(process / "fd"):
            with contextlib.suppress(OSError):
                if os.readlink(process / "fd" / each) == resolved:
                    return True
    return False


def _trees(folder: Path) -> tuple[Path, ...]:
    """The working trees that a git folder may belong to."""
    found = [folder.parent] if folder.name == ".git" else []
    with contextlib.suppress(OSError, ValueError):
        found.append(Path((folder / "gitdir").read_text(encoding="utf-8").strip()).parent)
    # A submodule's says where its tree is in its settings, relative to itself.
    with contextlib.suppress(OSError, ValueError):
        for line in (folder / "config").read_text(encoding="utf-8").splitlines():
            name, _, value = line.partition("=")
            if name.strip() == "worktree":
                found.append(folder / value.strip())
    return tuple(each.resolve() for each in found)


def _is_git(program: str) -> bool:
    name = os.path.basename(program).lower().removesuffix(".exe")
    return name == "git" or name.startswith("git-")


def _any_git() -> bool:
    try:
        listed = subprocess.run(
            _LISTS.get(sys.platform, _LIST),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_TIMEOUT_S,
            check=True,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return True
    return any(_is_git(line.split('",')[0].strip(' "')) for line in listed.splitlines())
