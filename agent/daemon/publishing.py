"""The side of the agent that looks at the tree and publishes what changed."""

import contextlib
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from sync.errors import (
    ConfirmationNeeded,
    CorruptMailbox,
    HybridError,
    Locked,
    NewerMailbox,
    RemoteError,
)
from sync.local.folders import Folders
from sync.local.git import Commits
from sync.local.index import Index
from sync.push.changes import Published, refuse_mass_deletion
from sync.push.looking import View
from sync.push.overlay import fill
from sync.push.shelf import Shelf

from .. import pushing
from ..state import State
from ..state import opened as opened_state
from . import quiet, schedule, tidings
from .autorun import AutoRuns
from .ground import AWAY_S, Ground
from .hints import Heard, Hints
from .line import Line
from .publishing_report import Report
from .setbacks import retry_s, setback

AFTER_GIT_S = 30.0
"""Seconds after git was at work until everything is looked at: what it tracks decides what goes."""


@dataclass(kw_only=True)
class _Opened:
    """What is open while the project folder stays the same; ``place`` tells it from another."""

    place: tuple[int, int]
    index: Index
    state: State
    stack: contextlib.ExitStack


class Publishing:
    """For one thread. ``on_publish`` is called after a publication, ``on_view`` when there are new rules."""

    name = "publishing"

    def __init__(
        self,
        ground: Ground,
        hints: Hints,
        *,
        polls: Callable[[], bool],
        on_view: Callable[[Folders], None],
        on_publish: Callable[[], None],
    ) -> None:
        """``polls``: nothing tells of changes, so that the tree has to be looked at every now and then."""
        self._ground = ground
        self._hints = hints
        self._polls = polls
        self._on_view = on_view
        self._on_publish = on_publish
        self._autoruns = AutoRuns(ground.dice)
        self._git = quiet.GitWatch(ground.project.root)
        self._commits = Commits(ground.project.root)
        self._line = Line(ground)
        self._opened: _Opened | None = None
        self._view: View | None = None
        self._shelf = Shelf()
        self._rescan_at = math.inf
        self._retry_at = 0.0
        self._set_back_at = math.inf
        """When something of this machine stood in the way: what is heard since then may have mended it."""
        self._tries = 0
        self._report = Report(ground, self.name)
        self._owed: tuple[Published, frozenset[bytes] | None] | None = None
        """A publication that runs were not yet queued for, and the paths that changed by it, where that is known."""
        self._queue_at: float | None = None
        hints.doubt("the agent has just begun")

    def close(self) -> None:
        self._line.close()
        self._view = None
        self._shelf.clear()
        opened, self._opened = self._opened, None
        if opened is not None:
            opened.stack.close()

    def doubt(self, why: str) -> None:
        self._hints.doubt(why)
        self._line.close()
        self._shelf.clear()
        self._retry_at = 0.0

    def nudged(self) -> None:
        """Another command has reached the mailbox, or has done something to the project. From any thread."""
        self._retry_at = 0.0
        self._hints.doubt("another hybrid command was at work")

    def turn(self) -> float | None:
        now = self._ground.clock.monotonic()
        opened = self._ready()
        if opened is None:
            return AWAY_S
        if self._hints.take_git():
            self._rescan_at = min(self._rescan_at, now + AFTER_GIT_S)
        if now >= self._rescan_at:
            self._rescan_at = math.inf  # until it was done
            self._hints.doubt("it is time for a look at everything")
        heard = self._hints.peek()
        queues = self._queue_at is not None and now >= self._queue_at
        if heard is None and not queues:
            return self._rest(opened, now)
        if now < self._retry_at and not (heard is not None and heard.last > self._set_back_at):
            return self._retry_at - now
        if heard is not None:
            hold = self._git.hold(heard, now)
            self._report.git_need = hold.need
            if hold.seconds > 0:
                return self._hold(opened, heard, hold, now)
            self._hints.forget_open(heard.open)  # they were waited for
        try:
            self._act(opened)
        except HybridError as error:
            return self._set_back(opened, heard, error)
        self._tries = 0
        return 0.0

    def _ready(self) -> _Opened | None:
        """What is open, opened where it is not; None while the project folder is gone."""
        place = self._ground.place()
        if place is None or (self._opened is not None and self._opened.place != place):
            if self._opened is not None:
                self.close()
                self._hints.doubt("the project folder was gone")
            if place is None:
                self._report.away()
                return None
        if self._ground.renew():
            self.close()
            self._hints.doubt("the settings changed")
        if self._opened is None:
            try:
                self._opened = self._open(place)
            except HybridError as error:
                self._set_back(None, None, error)
                return None
        return self._opened

    def _open(self, place: tuple[int, int]) -> _Opened:
        project = self._ground.project
        with contextlib.ExitStack() as stack:
            index, message = pushing.open_index(project)
            stack.enter_context(index)
            state = stack.enter_context(opened_state(project, lambda text: None))
            if message:
                self._ground.trouble(self.name, message, "Nothing has to be done.")
            self._report.published(Published.load(index, project.remote_url))
            return _Opened(place=place, index=index, state=state, stack=stack.pop_all())

    def _rest(self, opened: _Opened, now: float) -> float | None:
        """Nothing is to be done. What makes the next publication quick is done now."""
        if opened.index.count():
            fill(self._shelf, opened.index)
        if self._line.is_cluttered and now >= self._retry_at:
            try:
                self._line.tidy(opened.state, opened.index)
            except HybridError as error:
                return self._set_back(opened, None, error)
            return 0.0
        idle_s = self._line.idle_in()
        if idle_s == 0.0:
            self._line.close()
            idle_s = None
        times = [self._rescan_at - now, idle_s, self._queue_at - now if self._queue_at is not None else None]
        wait_s = min(each for each in times if each is not None)
        return max(0.0, wait_s) if wait_s < math.inf else None

    def _hold(self, opened: _Opened, heard: Heard, hold: quiet.Hold, now: float) -> float:
        if heard.paths and not self._report.offline:
            self._line.begin(opened.index)  # it takes about as long as who writes needs
        if now - heard.first > quiet.MANY_DEBOUNCE_S:
            self._report.held(heard, hold.why)
        return hold.seconds

    def _act(self, opened: _Opened) -> None:
        heard = self._hints.take()
        try:
            with self._ground.project.lock("push") as is_mine_still:
                if not is_mine_still:
                    self._line.doubt()
                    self._shelf.clear()
                if heard is not None:
                    self._publish(opened, heard)
                if self._owed is not None:
                    self._queue_runs(opened, *self._owed)
        except BaseException:
            if heard is not None:
                self._hints.put_back(heard)
            raise
        self._report.out(opened.state, reached=self._line.is_met, more=self._hints.peek() is not None)

    def _publish(self, opened: _Opened, heard: Heard) -> None:
        clock, index = self._ground.clock, opened.index
        began = clock.monotonic()
        near = bool(heard.paths) and not heard.doubt and self._view is not None
        if near:
            assert self._view is not None
            seen = self._view.look_near(index, heard.paths)
        else:
            self._report.doubted(heard)
            self._view = pushing.view(self._ground.project, clock)
            self._on_view(Folders(self._ground.project.root, self._view.rules))
            seen = self._view.look(index, on_change=lambda: self._begin(index))
            took_s = clock.monotonic() - began
            self._rescan_at = clock.monotonic() + schedule.rescan_s(
                polls=self._polls(), took_s=took_s, dice=self._ground.dice
            )
            self._report.problems(seen)
        if seen.nothing_to_do:
            if self._owed is None and seen.before is not None and not near:
                self._owe(seen.before, None)
            return
        self._report.goes(heard, seen)
        refuse_mass_deletion(seen)
        met = self._line.met(index)
        commit = partial(self._commits.now, seen.paths if near else None)
        done = pushing.publish(met, index, seen, clock, self._report, commit=commit, shelf=self._shelf)
        self._line.wrote(done.written)
        if done.unpublished:
            return
        self._owe(done.published, seen.paths)
        self._report.published(done.published)
        self._ground.note(opened.state, tidings.published(done))
        self._on_publish()

    def _begin(self, index: Index) -> None:
        if not self._report.offline:
            self._line.begin(index)

    def _owe(self, published: Published, changed: frozenset[bytes] | None) -> None:
        if self._ground.project.config.auto.run:
            before = self._owed[1] if self._owed is not None else frozenset[bytes]()
            known = changed is not None and before is not None
            self._owed = (published, before | changed if known else None)  # type: ignore[operator]

    def _queue_runs(self, opened: _Opened, published: Published, changed: frozenset[bytes] | None) -> None:
        met = self._line.met(opened.index)
        outcome = self._autoruns.published(met.mailbox, opened.state, opened.index, published, changed)
        for event in outcome.events:
            self._ground.note(opened.state, event)
        self._report.queue_needs = outcome.needs
        self._queue_at = None
        if outcome.again_s is None:
            self._owed = None
        else:
            self._owed = (published, None)
            self._queue_at = self._ground.clock.monotonic() + outcome.again_s
        if outcome.events:
            self._on_publish()

    def _set_back(self, opened: _Opened | None, heard: Heard | None, error: HybridError) -> float:
        self._tries += 1
        wait_s = retry_s(setback(error), error, self._tries, self._ground.dice)
        now = self._ground.clock.monotonic()
        self._retry_at = now + wait_s
        is_of_the_mailbox = isinstance(error, RemoteError | CorruptMailbox | NewerMailbox)
        self._set_back_at = math.inf if is_of_the_mailbox or isinstance(error, Locked) else now
        self._report.set_back(opened.state if opened else None, heard, error)
        if isinstance(error, RemoteError):
            self._line.close()
        elif not isinstance(error, Locked | ConfirmationNeeded):
            self.close()  # perhaps the state was damaged, and was set aside
        if self._owed is not None:
            self._queue_at = now + wait_s
        return wait_s
