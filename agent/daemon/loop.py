"""Puts the agent together, and lets its two sides go on, each in a thread of its own, until it is told to end."""

import random
import threading
from collections.abc import Callable

from sync.clock import Clock
from sync.local.folders import Folders

from ..project import Project
from .bell import Bell, SystemBell
from .ground import Ground
from .nudge import listening
from .publish.publishing import Publishing
from .runs.homing import Homing
from .side import keep_going
from .tell.board import Board
from .tell.desktop import Desktop
from .tell.record import Record
from .watch.hints import Hints
from .watch.watching import Watching

LONGEST_S = 60.0
"""Seconds after which it is noticed, at the latest, that the machine has slept."""


def run(project: Project, clock: Clock, *, bell: Bell, record: Record, stopping: Callable[[], bool]) -> None:
    """Returns soon after ``stopping`` has become true, of which ``bell`` is rung. ``record.last`` is the status that it
    begins with. Raises OtherProject where the folder has become that of another one."""
    assert record.last is not None
    home_bell = SystemBell()
    board = Board(record.last, clock, record.write, on_needs=home_bell.ring)
    ground = Ground(project=project, clock=clock, board=board, dice=random.Random())
    hints = Hints(clock, bell)
    watch = Watch(ground, hints)
    desktop = Desktop()
    homing = Homing(ground, desktop, was_pushed=lambda: board.status.published is not None)

    def look_home() -> None:
        homing.now()
        home_bell.ring()

    def nudged() -> None:
        """A command has done something that the agent would only notice later."""
        publishing.nudged()
        bell.ring()  # also where there is nothing new to be heard: what was put off is tried at once
        look_home()

    def slept(why: str) -> None:
        homing.slept = why
        home_bell.ring()

    def is_over() -> bool:
        return stopping() or ground.other is not None

    publishing = Publishing(ground, hints, polls=lambda: watch.polls, on_view=watch.use, on_publish=look_home)
    ended = threading.Event()
    thread = threading.Thread(
        target=keep_going, args=(homing, ground, home_bell, ended.is_set), name="homing", daemon=True
    )
    with listening(project.config.project.id, nudged) as port:
        board.tell("loop", port=port)
        thread.start()
        try:
            keep_going(publishing, ground, bell, is_over, longest_s=LONGEST_S, on_jump=slept)
        finally:
            ended.set()
            home_bell.ring()
            watch.stop()
            thread.join()
            desktop.close()
    if ground.other is not None and not stopping():
        raise ground.other


class Watch:
    """The watcher, made when there are rules for the first time, and given new ones from then on."""

    def __init__(self, ground: Ground, hints: Hints) -> None:
        self._ground = ground
        self._hints = hints
        self._folders: Folders | None = None
        self._watching: Watching | None = None

    @property
    def polls(self) -> bool:
        return self._watching is None or self._watching.how != "events"

    def use(self, folders: Folders) -> None:
        """Called before the tree is looked at by these rules, so that nothing is missed in between."""
        self._folders = folders
        if self._watching is None:
            self._watching = Watching(self._ground.project.root, self._rules, self._hints)
            self._watching.start()
        else:
            self._watching.renew()
        self.tell()

    def tell(self) -> None:
        if self._watching is not None:
            need = self._watching.need
            self._ground.board.tell("watching", watch=self._watching.how, needs=(need,) if need else ())

    def stop(self) -> None:
        if self._watching is not None:
            self._watching.stop()

    def _rules(self) -> Folders:
        assert self._folders is not None
        return self._folders
