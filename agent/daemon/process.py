"""The agent as a process: one a project, found by the lock that it holds, started and ended from outside.

The lock is the truth of whether an agent lives, as the system lets go of it with its holder. Which process it is tells the
status, by the process's number and the moment of its birth, so that another one is never ended.
"""

import contextlib
import json
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Protocol

from cloud_runner import host
from sync.clock import Clock
from sync.errors import HybridError, Locked

from .. import places
from ..project import Project
from .bell import Bell, SystemBell
from .signals import heeding
from .tell.log import OUTPUT_NAME, Handler, last_output, logging_to
from .tell.record import Record, document, folder, read
from .tell.status import STARTING, STOPPED, Status, Trouble

LOCK: Final = "agent"
START_S: Final = 20.0
"""Seconds that a new agent has to take its lock and to tell of itself."""
PATIENCE_S: Final = 20.0
"""Seconds that an agent has to end in order before it is killed."""
_LOOK_S: Final = 0.05
_INTRODUCTION_S: Final = 2.0
_DEATH_S: Final = 10.0
_WIDEST: Final = 300

_log = logging.getLogger(__name__)


_VARIABLES: Final = ("HYBRID_CONFIG_DIR", "HYBRID_DATA_DIR")


class Loop(Protocol):
    """What an agent does: returns soon after ``stopping`` has become true, of which ``bell`` is rung. ``record.last`` is the
    status that it begins with."""

    def __call__(
        self, project: Project, clock: Clock, *, bell: Bell, record: Record, stopping: Callable[[], bool]
    ) -> None: ...


@dataclass(frozen=True, kw_only=True)
class Living:
    """An agent that lives. While it has not told of itself yet, ``pid`` is 0; ``status`` is None then, and where it is of a
    version that tells other things. ``born`` is empty where the system does not tell."""

    pid: int
    born: str
    status: Status | None


@dataclass(frozen=True, kw_only=True)
class Ended:
    """``killed``: it did not end in order within the time that it had."""

    pid: int
    killed: bool


def place_of(project: Project) -> Path:
    """Where the project's agent keeps its status and its log: also when the project is gone."""
    return folder(project.config.project.id)


def living(project: Project) -> Living | None:
    """The project's agent, of this folder or of a clone of it; None where none lives. Answers at once."""
    if not _is_held(project):
        return None
    told = document(place_of(project)) or {}
    pid, born = told.get("pid"), told.get("born")
    is_its_own = isinstance(pid, int) and told.get("state") != STOPPED and host.born(pid) == born
    if not isinstance(pid, int) or not isinstance(born, str) or not is_its_own:
        return Living(pid=0, born="", status=None)
    return Living(pid=pid, born=born, status=Status.from_json(told))


def run(project: Project, clock: Clock, loop: Loop, *, level: int = logging.INFO) -> None:
    """Is the project's agent, until it is told to end. Raises Locked where there is one, and what ``loop`` raises.

    Only for the main thread, as it hears of signals.
    """
    bell = SystemBell()
    place = place_of(project)
    with project.lock(LOCK):
        record = Record(place)
        with logging_to(Handler(place, level), level=level), heeding(bell) as stopping:
            record.write(_first(project, record.last, clock.wall()))
            _log.info("The agent begins as process %d on %s", os.getpid(), project.root)
            try:
                loop(project, clock, bell=bell, record=record, stopping=stopping)
            except KeyboardInterrupt:
                # Told twice: in the middle of something that takes long. Whatever that was, the next agent goes on with it.
                if not stopping():
                    raise
            except BaseException as error:
                _log.error("The agent ends: %s", error, exc_info=not isinstance(error, HybridError))
                _end(record, clock.wall(), error)
                raise
            _end(record, clock.wall())
            _log.info("The agent ends, as it was told to")


def start(project: Project, clock: Clock, command: Sequence[str] = ()) -> tuple[Living, bool]:
    """The project's agent, and whether it was started by this call. Raises HybridError where it ended at once.

    ``command`` starts one that stays in the foreground; default: ours.
    """
    found = _introduced(project, clock)
    if found is not None:
        return found, False
    place = place_of(project)
    place.mkdir(parents=True, exist_ok=True)
    before = _identity(place)
    process = _spawn(command or foreground(project), place)
    until = clock.monotonic() + START_S
    while True:
        code = process.poll()
        found = living(project)
        if found is not None and found.pid and _identity(place) != before:
            # On Windows the process may be a starter of the one that became the agent.
            is_ours = code is None and (found.pid == process.pid or os.name == "nt")
            if is_ours:
                process.returncode = 0  # it is not waited for: it outlives this process
            else:
                process.kill()  # somebody else was first; it would take over as soon as that one is ended
                process.wait()
            return found, is_ours
        if code is not None and found is None:
            raise _at_once(place)
        if clock.monotonic() >= until:
            process.returncode = 0
            raise HybridError(
                f"The agent was started as process {process.pid} and has told nothing for {START_S:.0f} s.",
                "hybrid agent logs",
            )
        clock.sleep(_LOOK_S)


def stop(project: Project, clock: Clock, *, patience_s: float = PATIENCE_S) -> Ended | None:
    """Asks the project's agent to end, waits until it has, and kills it where that takes too long; None where none lives.

    Raises HybridError where it cannot be told which process it is, or it does not end.
    """
    found = _introduced(project, clock)
    if found is None:
        return None
    if not found.pid:
        raise HybridError(
            "An agent holds the lock of this project, and has not told which process it is.",
            "Do it again in a moment.",
        )
    killed = os.name == "nt"  # there is no other way to end a process of one's own there
    _signal(found.pid, signal.SIGTERM)
    if not _ends(project, clock, found, patience_s / 2):
        _signal(found.pid, signal.SIGTERM)  # the second one interrupts what it is in the middle of
    if not _ends(project, clock, found, patience_s / 2):
        killed = True
        _signal(found.pid, getattr(signal, "SIGKILL", signal.SIGTERM))
        if not _ends(project, clock, found, _DEATH_S):
            raise HybridError(
                f"The agent, process {found.pid}, does not end, although it was killed.",
                "See what it waits for: a disk or a network file system that does not answer, mostly.",
            )
    _note_end(project, clock, found)
    return Ended(pid=found.pid, killed=killed)


def foreground(project: Project) -> tuple[str, ...]:
    """The command that is the project's agent, in the foreground."""
    words = ("-I", "-m", "agent", "-C", str(project.root), "--json", "-q", "agent", "run")
    return (sys.executable, *words)


def own_variables() -> dict[str, str]:
    """The variables that say where this user's files are, as they mean the same in any folder."""
    return {name: os.path.abspath(value) for name in _VARIABLES if (value := os.environ.get(name))}


def _is_held(project: Project) -> bool:
    from filelock import FileLock, Timeout

    path = places.data_folder() / "locks" / f"{project.config.project.id}.{LOCK}.lock"  # as ``Project.lock``
    if not path.exists():
        return False
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return True
    lock.release()
    return False


def _introduced(project: Project, clock: Clock) -> Living | None:
    """As ``living``; one that has just begun, or is about to end, is given a moment."""
    until = clock.monotonic() + _INTRODUCTION_S
    while (found := living(project)) is not None and not found.pid and clock.monotonic() < until:
        clock.sleep(_LOOK_S)
    return found


def _first(project: Project, before: Status | None, now: float) -> Status:
    return Status(
        pid=os.getpid(),
        born=host.born(os.getpid()),
        root=str(project.root),
        state=STARTING,
        started=now,
        written=now,
        published=before.published if before is not None and before.root == str(project.root) else None,
    )


def _end(record: Record, now: float, error: BaseException | None = None) -> None:
    assert record.last is not None
    told = replace(record.last, state=STOPPED, written=now, next_look=None)
    if isinstance(error, Exception):
        what = str(error) if isinstance(error, HybridError) else f"{type(error).__name__}: {error}"
        told = replace(told, trouble=Trouble(at=now, what=what, how=getattr(error, "hint", "")))
    record.write(told)


def _note_end(project: Project, clock: Clock, ended: Living) -> None:
    """What was killed could not tell that it ended."""
    status = read(place_of(project))
    if status is not None and status.pid == ended.pid and status.state != STOPPED:
        with contextlib.suppress(Locked), project.lock(LOCK):  # a new one tells of itself
            _end(Record(place_of(project)), clock.wall())


def _spawn(command: Sequence[str], place: Path) -> subprocess.Popen[bytes]:
    flags = 0
    if os.name == "nt":
        flags = getattr(subprocess, "DETACHED_PROCESS", 0) | getattr(
            subprocess, "CREATE_NEW_PROCESS_GROUP", 0
        )
    with open(place / OUTPUT_NAME, "wb") as out:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            env={**os.environ, **own_variables()},
            cwd=place,  # so that it keeps no folder of the user's from being moved or unmounted
            start_new_session=True,
            creationflags=flags,
        )


def _at_once(place: Path) -> HybridError:
    """Why an agent ended at once, by the last line that it printed: JSON, where it could still say so."""
    line = last_output(place)
    try:
        error = json.loads(line)["error"]
        why, hint = str(error["message"]), str(error["hint"])
    except (ValueError, KeyError, TypeError):
        why, hint = line[:_WIDEST] or "it said nothing", f"All that it said is in {place / OUTPUT_NAME}."
    return HybridError(f"The agent ended at once: {why.rstrip('.')}.", hint)


def _ends(project: Project, clock: Clock, found: Living, wait_s: float) -> bool:
    until = clock.monotonic() + wait_s
    while _is_there(found) or ((now := living(project)) is not None and now.pid in (found.pid, 0)):
        if clock.monotonic() >= until:
            return False
        clock.sleep(_LOOK_S)
    return True


def _is_there(found: Living) -> bool:
    """Whether its process is; False where the system does not tell."""
    return found.born != "" and host.born(found.pid) == found.born


def _signal(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(OSError):  # it has ended by itself
        os.kill(pid, number)


def _identity(place: Path) -> tuple[object, ...]:
    told = document(place) or {}
    return told.get("pid"), told.get("born"), told.get("started")
