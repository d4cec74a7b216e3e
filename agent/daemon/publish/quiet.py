"""Whether the tree may be published now: not while somebody is writing, and not in the middle of what git does.

What holds it is told as a clause. A bisection does not hold it: each of its steps is a whole commit, checked out to be
tried. ``REBASE_HEAD`` says nothing, because git leaves it behind; ``rebase-merge`` is what git itself goes by.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from ..tell.status import Need
from ..watch.git import git_folder
from ..watch.hints import Heard
from .git_process import is_at_work

DEBOUNCE_S = 0.3
MANY_DEBOUNCE_S = 1.0
MANY = 200
"""Seconds without a word before anything is published; the second where so many paths, or too many, were heard of."""
OPEN_S = 10.0
"""Seconds without a word after which a file that is still open for writing holds nothing up any more."""
LONGEST_S = 60.0
"""Seconds after the first word for which words and open files can hold it up."""
STALE_S = 180.0
"""Seconds for which the same ``index.lock`` has to be seen before it is asked whether anybody works behind it."""
ASK_AGAIN_S = 60.0
_SOONEST_S, _LATEST_S, _SHARE = 0.1, 30.0, 0.1
"""While git is at work, a look again after a tenth of the time that it has been, within these."""

_OPERATIONS = (
    ("MERGE_HEAD", "a merge of git is not finished"),
    ("rebase-merge", "a rebase of git is not finished"),
    ("rebase-apply", "a rebase or an am of git is not finished"),
    ("CHERRY_PICK_HEAD", "a cherry-pick of git is not finished"),
    ("REVERT_HEAD", "a revert of git is not finished"),
    ("sequencer/todo", "a cherry-pick or a revert of git is not finished"),
)


@dataclass(frozen=True, kw_only=True)
class GitState:
    """``operation`` is a clause, or empty; ``lock`` the ``index.lock`` that is there, and ``mark`` tells it from another."""

    operation: str = ""
    lock: Path | None = None
    mark: tuple[int, int] = (0, 0)


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What of git holds us, by monotonic seconds. ``asked`` is when it was last asked who works behind the lock."""

    state: GitState
    since: float
    asked: float
    abandoned: bool = False


class Hold(NamedTuple):
    """Wait ``seconds`` and ask again, because of ``why``; 0: publish now. ``need`` stands in both cases."""

    seconds: float
    why: str
    need: Need | None


def wait_for_writers(heard: Heard, now: float) -> tuple[float, str]:
    """Seconds until who writes is quiet, and a clause on who that is; 0 where they are, or have been waited for long."""
    many = bool(heard.doubt) or len(heard.paths) >= MANY
    rest = heard.last + (MANY_DEBOUNCE_S if many else DEBOUNCE_S) - now
    why = "files are being changed"
    if heard.open and heard.last + OPEN_S - now > rest:
        rest = heard.last + OPEN_S - now
        name = min(heard.open).decode("utf-8", "backslashreplace")
        more = f" and {len(heard.open) - 1} more are" if len(heard.open) > 1 else " is"
        why = f"{name}{more} still being written"
    # A clock that counts from another moment than ``heard`` must not hold it for longer than the rule says.
    rest = min(rest, heard.first + LONGEST_S - now, OPEN_S)
    return (rest, why) if rest > 0 else (0.0, "")


def watch(before: Seen | None, state: GitState, now: float, at_work: Callable[[Path], bool]) -> Seen | None:
    """What is known of git's doings after a look at them; None where nothing of them holds us."""
    if not state.operation and state.lock is None:
        return None
    if before is None or (before.state.mark, before.state.operation) != (state.mark, state.operation):
        return Seen(state=state, since=now, asked=now)
    if state.lock is None or now - before.since < STALE_S or now - before.asked < ASK_AGAIN_S:
        return Seen(state=state, since=before.since, asked=before.asked, abandoned=before.abandoned)
    return Seen(state=state, since=before.since, asked=now, abandoned=not at_work(state.lock))


def hold(heard: Heard, seen: Seen | None, now: float) -> Hold:
    need = _need(seen.state.lock) if seen and seen.abandoned and seen.state.lock else None
    if seen is not None:
        why = seen.state.operation or ("" if seen.abandoned else "git is at work here")
        if why:
            return Hold(min(max((now - seen.since) * _SHARE, _SOONEST_S), _LATEST_S), why, need)
    return Hold(*wait_for_writers(heard, now), need)


class GitWatch:
    """Looks at the repository that ``root`` lies in, each time it is asked. For one thread."""

    def __init__(self, root: Path, at_work: Callable[[Path], bool] = is_at_work) -> None:
        self._root = root
        self._at_work = at_work
        self._seen: Seen | None = None

    def hold(self, heard: Heard, now: float) -> Hold:
        """``now`` is monotonic, as the times in ``heard``."""
        self._seen = watch(self._seen, git_state(self._root), now, self._at_work)
        return hold(heard, self._seen, now)


def git_state(root: Path) -> GitState:
    """What git is doing with the working tree that ``root`` lies in: some ten calls of ``lstat``, and no process."""
    folder = git_folder(root)
    if folder is None:
        return GitState()
    operation = next((clause for name, clause in _OPERATIONS if _is_there(folder / name)), "")
    lock = folder / "index.lock"
    try:
        found = lock.lstat()
    except OSError:
        return GitState(operation=operation)
    return GitState(operation=operation, lock=lock, mark=(found.st_ino, found.st_mtime_ns))


def _is_there(path: Path) -> bool:
    try:
        path.lstat()
    except OSError:
        return False
    return True


def _need(lock: Path) -> Need:
    return Need(
        key="git-lock",
        what=f"Git was killed while it worked here, and has left {lock} behind.",
        how="Remove that file, once no git is at work here.",
    )
