"""The runners that this project has started, remembered so that none is forgotten: ``.hybrid/state.db``."""

import json
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sync.clock import Clock
from sync.errors import CorruptMailbox, HybridError, RemoteError
from sync.mailbox import layout

from . import ship
from .launchers import launcher
from .launchers.base import EndedAtOnce, Handle, Launch, Launcher, Liveness
from .mailbox import Mailbox
from .project import Project
from .state import State, opened

_SCHEMA = """CREATE TABLE IF NOT EXISTS machines (
    id INTEGER PRIMARY KEY, handle TEXT NOT NULL, started REAL NOT NULL, ended REAL
)"""
_ASKED = "CREATE TABLE IF NOT EXISTS machines_asked_to_end (id INTEGER PRIMARY KEY)"
LAST_LOOK_S = 2.5
"""A runner that lives this long after a spec was written has seen it: idle ones look every second."""
_LOOK_S = 0.1


@dataclass(frozen=True, kw_only=True)
class Machine:
    """A runner that was started; ``started`` is this laptop's wall clock. ``leaving``: it was asked to end."""

    number: int
    handle: Handle
    started: float
    leaving: bool


class Machines:
    def __init__(self, state: State) -> None:
        self._state = state
        state.prepare(_SCHEMA)
        state.prepare(_ASKED)

    def add(self, handle: Handle, now: float, *, ended: bool = False) -> None:
        """``ended``: it is known to have ended."""
        with self._state.writing() as connection:
            connection.execute(
                "INSERT INTO machines (handle, started, ended) VALUES (?, ?, ?)",
                (json.dumps(handle.to_json()), now, now if ended else None),
            )

    def last(self, target: str, since: float) -> tuple[Handle, bool] | None:
        """The runner of this target that was started last, at ``since`` or later, and whether it is known to have
        ended."""
        with self._state.reading() as connection:
            rows = connection.execute(
                "SELECT handle, ended FROM machines WHERE started >= ? ORDER BY id DESC", (since,)
            ).fetchall()
        for text, ended in rows:
            handle = Handle(**json.loads(text))
            if handle.target == target:
                return handle, ended is not None
        return None

    def paused_until(self, target: str) -> float | None:
        """When the last runner of this target had ended that was asked to end, by ``hybrid down``: what was queued before
        waits for a person. Infinite where it was not seen to end yet; None where the last one was not asked."""
        with self._state.reading() as connection:
            rows = connection.execute(
                "SELECT handle, ended, id IN (SELECT id FROM machines_asked_to_end) FROM machines ORDER BY id DESC"
            ).fetchall()
        for text, ended, asked in rows:
            if Handle(**json.loads(text)).target == target:
                return (math.inf if ended is None else float(ended)) if asked else None
        return None

    def open(self) -> list[Machine]:
        """Those that have not been seen to be gone, oldest first."""
        with self._state.reading() as connection:
            rows = connection.execute(
                "SELECT id, handle, started, id IN (SELECT id FROM machines_asked_to_end) FROM machines"
                " WHERE ended IS NULL ORDER BY id"
            ).fetchall()
        return [
            Machine(number=n, handle=Handle(**json.loads(text)), started=at, leaving=bool(leaving))
            for n, text, at, leaving in rows
        ]

    def asked_to_end(self, machine: Machine) -> None:
        with self._state.writing() as connection:
            connection.execute("INSERT OR IGNORE INTO machines_asked_to_end VALUES (?)", (machine.number,))

    def ended(self, machine: Machine, now: float) -> None:
        with self._state.writing() as connection:
            connection.execute("UPDATE machines SET ended = ? WHERE id = ?", (now, machine.number))


@contextmanager
def remembered(project: Project, warn: Callable[[str], None]) -> Iterator[Machines]:
    with opened(project, warn) as state:
        yield Machines(state)


def ensure_archive(mailbox: Mailbox) -> str:
    """Puts this version's runner into the mailbox, if it is not there; returns its SHA-256.

    Raises CorruptMailbox where something else has its name: a machine would execute it.
    """
    archive = ship.build()
    folder, _, name = f"{mailbox.base}/{layout.runner(archive.sha256)}".rpartition("/")
    path = f"{folder}/{name}"
    there = any(file.name == name for file in mailbox.remote.list_files(folder))
    if not there and mailbox.remote.write(path, archive.data):
        return archive.sha256
    if mailbox.remote.read(path, 0, len(archive.data) + 1) != archive.data:
        raise CorruptMailbox(
            f"{path} in the mailbox is not the runner that its name promises, and nothing was started.",
            "Remove that file and try again.",
        )
    return archive.sha256


def living(machines: Machines, launch: Launcher, target: str, clock: Clock) -> list[Machine]:
    """The runners of ``target`` that live; those that are gone are noted."""
    found = []
    for machine in machines.open():
        if machine.handle.target != target:
            continue
        if launch.liveness(machine.handle) is Liveness.GONE:
            machines.ended(machine, clock.wall())
        else:
            found.append(machine)
    return found


def start(
    mailbox: Mailbox,
    machines: Machines,
    launch: Launcher,
    target: str,
    *,
    idle_exit: float,
    is_taken: Callable[[], bool] = lambda: False,
) -> Handle | None:
    """Starts a runner unless one of this target lives and goes on doing so; None where that is the case.

    ``is_taken`` tells whether a runner works already on what it would be started for: then there is no need to wait and see
    whether the one that lives was just about to end. Raises EndedAtOnce where it has failed already, and what the launcher and the mailbox raise.
    """

    def stays() -> bool:
        return any(not machine.leaving for machine in living(machines, launch, target, mailbox.clock))

    if stays() and (_comes_true(is_taken, mailbox.clock) or stays()):
        return None
    name = target.partition(":")[2]
    settings = mailbox.project.config.machines.get(name)
    wanted = Launch(
        project=mailbox.base,
        target=target,
        runner=ensure_archive(mailbox),
        idle_exit=idle_exit,
        work=(settings.work_dir or "") if settings else "",
    )
    try:
        handle = launch.start(wanted)
    except EndedAtOnce as error:
        machines.add(error.handle, mailbox.clock.wall(), ended=True)
        raise
    machines.add(handle, mailbox.clock.wall())
    return handle


def _comes_true(condition: Callable[[], bool], clock: Clock) -> bool:
    """Whether it does within the time in which any runner looks."""
    until = clock.monotonic() + LAST_LOOK_S
    while (left_s := until - clock.monotonic()) > 0:
        if condition():
            return True
        clock.sleep(min(_LOOK_S, left_s))
    return False


def first_reachable(
    targets: tuple[str, ...], project: Project
) -> tuple[str, Launcher | None, HybridError | None]:
    """The first target whose machine answers, with its launcher; else the first of all, and why it does not."""
    refusal: HybridError | None = None
    for target in targets:
        try:
            return target, launcher(target, project), None
        except RemoteError as error:
            refusal = refusal or error
    return targets[0], None, refusal


def is_gone(machines: Machines, project: Project, target: str, clock: Clock) -> bool:
    """Whether no runner of ``target`` that this project started lives any more. Asks the machine."""
    launch = launcher(target, project)
    try:
        return not living(machines, launch, target, clock)
    finally:
        launch.close()
