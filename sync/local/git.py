"""What git knows about the project: its commit, its ignore files, and what it tracks in spite of them.

The ``git`` command is asked, two short calls per push, because only it reads its configuration exactly (includes,
worktrees, ``~``). Where it is missing or refuses, the answer is "no repository", and ignore files are read from
their usual places.
"""

import os
import subprocess
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

_TIMEOUT_S = 60.0
_MOST_PATHS = 100  # as words of a command, which Windows bounds
# Set while git runs one of its hooks, and then they point away from the project that is asked about.
_REPOSITORY_VARIABLES = (
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_DIR",
    "GIT_INDEX_FILE",
    "GIT_NAMESPACE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_WORK_TREE",
)


@dataclass(frozen=True, kw_only=True)
class Commit:
    """``dirty``: something in the project is changed or new, by git's rules."""

    hash: str
    dirty: bool


@dataclass(frozen=True, kw_only=True)
class IgnoreSettings:
    """Where ignore rules come from, beside the files in the tree.

    files        of the lowest priority first; any may be missing
    above        components of the path from the repository's top down to the project root; empty at the top
    ignore_case  ``core.ignoreCase``
    """

    files: tuple[Path, ...] = ()
    above: tuple[bytes, ...] = ()
    ignore_case: bool = False


def commit(root: Path) -> Commit | None:
    """The commit that is checked out, or None without git, a repository, or a first commit."""
    return Commits(root).now()


class Commits:
    """The commit of one project, asked for again and again: of a large tree git needs to look only where it changed."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._last: Commit | None = None

    def now(self, changed: Collection[bytes] | None = None) -> Commit | None:
        """As ``commit``. ``changed``: nothing else in the project has, since this was last asked."""
        found = _git(self._root, "rev-parse", "--verify", "-q", "HEAD^{commit}")
        if found is None:
            self._last = None
            return None
        head = found.decode("ascii").strip()
        last = self._last
        if changed and len(changed) <= _MOST_PATHS and last is not None and last.hash == head:
            # What was clean is as clean as the rest; what was not may be so no more only as a whole.
            dirty = self._is_dirty(changed) or (last.dirty and self._is_dirty((b".",)))
        else:
            dirty = self._is_dirty((b".",))
        self._last = Commit(hash=head, dirty=dirty)
        return self._last

    def _is_dirty(self, paths: Collection[bytes]) -> bool:
        words = ("--literal-pathspecs", "status", "--porcelain", "-z", "--untracked-files=normal", "--")
        changes = _git(self._root, *words, *(os.fsdecode(path) for path in paths))
        return bool(changes) or changes is None


def ignore_settings(root: Path) -> IgnoreSettings:
    settings = _git(root, "config", "-z", "--type=path", "--get-regexp", r"^core\.(excludesfile|ignorecase)$")
    pairs = (setting.partition(b"\n") for setting in (settings or b"").split(b"\0"))
    values = {key: value for key, _, value in pairs}
    ignore_case = _is_true(values.get(b"core.ignorecase", b""))
    # The path comes last, so that a line break in it does no harm.
    found = _git(root, "rev-parse", "--show-cdup", "--git-path", "info/exclude")
    up, _, exclude = (found or b"\n.git/info/exclude").removesuffix(b"\n").partition(b"\n")
    excludes = values.get(b"core.excludesfile")
    # Git goes to the repository's top before it opens that file.
    personal = _usual_file() if excludes is None else _path(_path(root, up), excludes)
    depth = up.count(b"../")
    parts = tuple(os.fsencode(part) for part in root.resolve().parts)
    return IgnoreSettings(
        files=(personal, _path(root, exclude)),
        above=parts[len(parts) - depth :] if depth else (),
        ignore_case=ignore_case,
    )


def tracked_but_ignored(root: Path) -> frozenset[bytes]:
    """Paths relative to ``root`` that git tracks although an ignore rule matches them: for git, not ignored."""
    paths = _git(root, "ls-files", "-z", "--cached", "--ignored", "--exclude-standard", "--", ".")
    return frozenset((paths or b"").split(b"\0")) - {b""}


def _usual_file() -> Path:
    configuration = os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")
    return Path(configuration) / "git" / "ignore"


def _is_true(value: bytes) -> bool:
    try:
        return int(value) != 0
    except ValueError:
        return value.lower() in (b"true", b"yes", b"on")


def _path(root: Path, path: bytes) -> Path:
    return root / os.fsdecode(path)


def _git(root: Path, *arguments: str) -> bytes | None:
    """What git prints; None where it is missing, refuses, or hangs."""
    environment = {name: value for name, value in os.environ.items() if name not in _REPOSITORY_VARIABLES}
    # Reading must neither take the index lock from the user's own git nor start a file watcher.
    options = ("--no-optional-locks", "-c", "core.fsmonitor=false")
    try:
        done = subprocess.run(
            ["git", *options, *arguments],
            cwd=root,
            env=environment | {"LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_TIMEOUT_S,
            check=False,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None
