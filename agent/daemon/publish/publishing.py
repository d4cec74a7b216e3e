"""The side of the agent that looks at the tree and publishes what changed."""

import contextlib
import math
from collections.abc import Callable, Iterator
from functools import partial

from sync.errors import ConfirmationNeeded, CorruptMailbox, HybridError, Locked, NewerMailbox, RemoteError
from sync.local.folders import Folders
from sync.local.git import Commits
from sync.local.index import Index
from sync.push.changes import Look, Published, refuse_mass_deletion
from sync.push.looking import View
from sync.push.overlay import fill
from sync.push.shelf import Shelf

from ... import pushing
from ...expected import as_expected
from .. import schedule
from ..ground import AWAY_S, Ground
from ..setbacks import retry_s, setback
from ..tell import tidings
from ..watch.hints import Heard, Hints
from . import quiet
from .line import Line
from .local import Local
from .queueing import Queueing
from .report import Report

TIDY_AGAIN_S = 600.0
"""Seconds between two tries to remove what nobody needs."""
AFTER_GIT_S = 30.0
"""Seconds after git was at work until everything is looked at: what it tracks decides what goes."""


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
        self._queueing = Queueing(ground.dice)
        self._git = quiet.GitWatch(ground.project.root)
        self._commits = Commits(ground.project.root)
        self._line = Line(ground)
        self._opened: Local | None = None
        self._view: View | None = None
        self._shelf = Shelf()
        self._rescan_at = math.inf
        self._retry_at = 0.0
        self._set_back_at = math.inf
        """When something of this machine stood in the way: what is heard since then may have mended it."""
        self._tries = 0
        self._report = Report(ground, self.name)
        self._is_unchecked = False
        """Whether the mailbox still has what was published is to be asked."""
        self._tidy_at = 0.0
        hints.doubt("the agent has just begun")

    def close(self) -> None:
        self._line.close()
        self._view = None
        self._shelf.clear()
        opened, self._opened = self._opened, None
        if opened is not None:
            opened.close()

    def doubt(self, why: str) -> None:
        self._hints.doubt(why)
        self._line.close()
        self._shelf.clear()
        self._is_unchecked = True
        self._retry_at = 0.0

    def nudged(self) -> None:
        """Another command has reached the mailbox, or has done something to the project. From any thread."""
        self._retry_at = 0.0
        self._hints.doubt("another hybrid command was at work")

    def turn(self) -> float | None:
        try:
            with as_expected():
                return self._turn(self._ground.clock.monotonic())
        except HybridError as error:
            return self._set_back(error)

    def _turn(self, now: float) -> float | None:
        place = self._place()
        if place is None:
            return AWAY_S
        if self._opened is None and now < self._retry_at:
            return self._retry_at - now
        opened = self._opened = self._opened or self._open(place)
        if self._hints.take_git():
            self._rescan_at = min(self._rescan_at, now + AFTER_GIT_S)
        if now >= self._rescan_at:
            self._rescan_at = math.inf  # until it was done
            self._hints.doubt("it is time for a look at everything")
        heard = self._hints.peek()
        if heard is None and not self._queueing.is_due(now):
            return self._rest(opened, now)
        if now < self._retry_at and not (heard is not None and heard.last > self._set_back_at):
            return self._retry_at - now
        if heard is not None:
            hold = self._git.hold(heard, now)
            self._report.git_need = hold.need
            if hold.seconds > 0:
                return self._hold(opened, heard, hold, now)
            self._hints.forget_open(heard.open)  # they were waited for
        self._act(opened)
        self._tries = 0
        return 0.0

    def _place(self) -> tuple[int, int] | None:
        """Of the project folder, None while it is gone; what is open is closed where it is of another one."""
        place, opened = self._ground.place(), self._opened
        if opened is not None and opened.place != place:
            self.close()
            self._hints.doubt("the project folder was gone")
        elif opened is not None and opened.memory != self._ground.memory():
            self.close()
            self._hints.doubt("the local state was replaced")
        if place is None:
            self._report.away()
        elif self._ground.renew():
            self.close()
            self._retry_at = 0.0
            self._hints.doubt("the settings changed")
        return place

    def _open(self, place: tuple[int, int]) -> Local:
        opened = Local.opened(self._ground, place)
        if opened.message:
            self._ground.trouble("local state", opened.message, "Nothing has to be done.")
        self._report.published(Published.load(opened.index, self._ground.project.remote_url))
        self._queueing.forget()
        return opened

    def _rest(self, opened: Local, now: float) -> float | None:
        """Nothing is to be done. What makes the next publication quick is done now."""
        if not self._shelf.is_full and opened.index.count():  # an idle turn reads nothing from the disk
            fill(self._shelf, opened.index)
        if self._line.is_cluttered and now >= self._tidy_at:
            self._tidy(opened, now)
        idle_s = self._line.idle_in()
        if idle_s == 0.0:
            self._line.close()
            idle_s = None
        queue_at = self._queueing.at
        times = [self._rescan_at - now, idle_s, queue_at - now if queue_at is not None else None]
        wait_s = min(each for each in times if each is not None)
        return max(0.0, wait_s) if wait_s < math.inf else None

    def _tidy(self, opened: Local, now: float) -> None:
        """Nobody waits for that: where it cannot be done, it is put off."""
        self._tidy_at = now + TIDY_AGAIN_S
        try:
            with self._locked():
                self._line.tidy(opened.state, opened.index)
        except Locked:
            pass
        except (RemoteError, CorruptMailbox, NewerMailbox) as error:
            self._line.close()
            self._ground.trouble(self.name, str(error), error.hint)

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """No other process pushes or collects meanwhile; what one may have changed before is doubted."""
        with self._ground.project.lock("push") as is_mine_still:
            if not is_mine_still:
                self._line.doubt()
                self._shelf.clear()
            yield

    def _hold(self, opened: Local, heard: Heard, hold: quiet.Hold, now: float) -> float:
        if heard.paths and not self._report.offline:
            self._line.begin(opened.index)  # it takes about as long as who writes needs
        if now - heard.first > quiet.MANY_DEBOUNCE_S:
            self._report.held(heard, hold.why)
        return hold.seconds

    def _act(self, opened: Local) -> None:
        heard = self._hints.take()
        try:
            with self._locked():
                if heard is not None:
                    self._publish(opened, heard)
                if self._queueing.is_owed:
                    self._queue_runs(opened)
        except BaseException:
            if heard is not None:
                self._hints.put_back(heard)
            raise
        self._report.out(opened.state, reached=self._line.is_met, more=self._hints.peek() is not None)

    def _publish(self, opened: Local, heard: Heard) -> None:
        clock, index = self._ground.clock, opened.index
        began = clock.monotonic()
        near = heard.paths if not heard.doubt and self._view is not None else None
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
            self._report.held_back(seen)
        self._report.problems(seen.problems, near)
        if self._is_unchecked and seen.nothing_to_do:
            seen = self._checked(index, seen)
        self._is_unchecked = False
        if seen.nothing_to_do:
            if seen.before is not None:
                self._report.published(seen.before)
                self._queueing.found(self._ground.project, seen.before)
            return
        self._report.goes(heard, seen)
        refuse_mass_deletion(seen)
        met = self._line.met(index)
        commit = partial(self._commits.now, seen.paths if near else None)
        done = pushing.publish(met, index, seen, clock, self._report, commit=commit, shelf=self._shelf)
        self._line.wrote(done.written)
        self._report.problems(done.problems, near)
        if done.unpublished:
            self._queueing.found(self._ground.project, done.published)
            return
        self._queueing.published(self._ground.project, done.published, seen.paths)
        self._report.published(done.published)
        self._ground.note(opened.state, tidings.published(done))
        self._on_publish()

    def _begin(self, index: Index) -> None:
        if not self._report.offline:
            self._line.begin(index)

    def _checked(self, index: Index, seen: Look) -> Look:
        """What there is to do, although nothing changed here, because the mailbox has lost some of it meanwhile."""
        assert seen.before is not None
        lost = pushing.missing(self._line.met(index), index, seen.before)
        if not lost:
            return seen
        self._shelf.clear()
        self._ground.trouble(
            self.name, f"The mailbox had lost {lost[0]}, and {len(lost) - 1} more.", "It is sent again."
        )
        return pushing.send_again(index, seen, lost)

    def _queue_runs(self, opened: Local) -> None:
        met = self._line.met(opened.index)
        outcome = self._queueing.queue(met, opened.state, opened.index, self._ground.clock.monotonic())
        for event in outcome.events:
            self._ground.note(opened.state, event)
        self._report.queue_needs = outcome.needs
        if outcome.events:
            self._on_publish()

    def _set_back(self, error: HybridError) -> float:
        opened = self._opened
        if not self._queueing.is_owed and self._hints.peek() is None:
            self._hints.doubt(
                "something stood in the way"
            )  # what was told of it is taken back once nothing does
        self._tries += 1
        wait_s = retry_s(setback(error), error, self._tries, self._ground.dice)
        now = self._ground.clock.monotonic()
        self._retry_at = now + wait_s
        is_of_the_mailbox = isinstance(error, RemoteError | CorruptMailbox | NewerMailbox)
        self._set_back_at = math.inf if is_of_the_mailbox or isinstance(error, Locked) else now
        self._report.set_back(opened.state if opened else None, self._hints.peek(), error)
        if isinstance(error, RemoteError):
            self._line.close()
        elif not isinstance(error, Locked | ConfirmationNeeded):
            self.close()  # perhaps the state was damaged, and was set aside
        if self._queueing.is_owed:
            self._queueing.at = now + wait_s
        return wait_s
