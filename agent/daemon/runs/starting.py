"""Starts runners for runs on which nobody works, where that can be done from here; otherwise asks a person for it."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field

from sync.clock import Clock
from sync.errors import CorruptMailbox, HybridError, Unauthorised, UsageError
from sync.mailbox.state import Phase

from ... import launchers, machines, running
from ...launchers import launcher
from ...launchers.base import Handle, Launcher
from ...machines import Machines
from ...mailbox import Mailbox
from ...own_runs import OwnRuns
from ...sizes import duration
from ...state import State
from ..tell.events import STARTED, Event
from ..tell.status import Need
from .home import OpenRun
from .outcome import Outcome, soonest
from .start_rules import SEVERAL, ask_again_s, backoff_s, progress, refusal, standing, wants_runner

LOCKED_S = 2.0


@dataclass(kw_only=True)
class _Target:
    """What this process knows of one target.

    known     the runs that have waited for it
    at        monotonic seconds before which nothing is done
    failures  in a row, with the last ``error``
    asked     how often in a row its runner was found alive although a run waits
    handle    the runner that was started last, as far as it was seen here
    started   what the runs had got done when we started it; None once that was compared
    """

    known: set[str] = field(default_factory=set)
    at: float = 0.0
    failures: int = 0
    error: HybridError | None = None
    asked: int = 0
    handle: Handle | None = None
    started: int | None = None

    def forget(self) -> None:
        """Something has changed: a new try is worth it at once."""
        self.at, self.failures, self.error, self.asked, self.started = 0.0, 0, None, 0, None


class Starting:
    """For one thread. ``dice`` spreads tries."""

    def __init__(self, clock: Clock, dice: random.Random) -> None:
        self._clock = clock
        self._dice = dice
        self._targets: dict[str, _Target] = {}
        self._happened: list[Event] = []

    def look(self, mailbox: Mailbox, state: State, open_: Sequence[OpenRun]) -> Outcome:
        """``open_`` are the open runs of this laptop. Raises what the mailbox and the state database raise.

        It may take as long as connecting to a machine does.
        """
        known = Machines(state)
        by_target: dict[str, list[OpenRun]] = {}
        for one in open_:
            by_target.setdefault(one.run.spec.target, []).append(one)
        self._targets = {name: its for name, its in self._targets.items() if name in by_target}
        own = OwnRuns(state)
        found = [self._serve(mailbox, known, own, target, runs_) for target, runs_ in by_target.items()]
        happened, self._happened = self._happened, []
        return Outcome(
            events=happened,
            needs=[need for each in found for need in each.needs],
            notes={run: note for each in found for run, note in each.notes.items()},
            again_s=soonest(each.again_s for each in found),
        )

    def forget(self) -> None:
        """The machine has slept, or the settings are new: every target is tried at once."""
        for its in self._targets.values():
            its.forget()

    def _serve(
        self, mailbox: Mailbox, known: Machines, own: OwnRuns, target: str, all_: list[OpenRun]
    ) -> Outcome:
        # Of a run that is not known here, a stranger may have said that it is ours: a person decides about it.
        wanting = [one for one in all_ if wants_runner(one.run, lost=one.lost)]
        waiting = [one for one in wanting if own.holds(one.run.spec)]
        if wanting and not waiting:
            return _by_hand(wanting, "this laptop has not asked for a runner")
        its = self._targets.setdefault(target, _Target())
        if self._has_changed(its, known, target, waiting):
            its.forget()
        if not waiting or any(one.run.phase is Phase.RUNNING and not one.lost for one in all_):
            return Outcome()  # who works there goes on with what waits
        if not mailbox.project.config.auto.start:
            return _by_hand(waiting, "no runner is started by itself")
        paused = known.paused_until(target)
        if paused is not None and all(one.run.spec.created <= paused for one in waiting):
            return Outcome(notes={one.run.spec.run: "paused by hybrid down" for one in waiting})
        try:
            launchers.check(target)
        except UsageError:
            return _by_hand(waiting, "no runner can be started there from here")
        if self._clock.monotonic() >= its.at:
            self._try(mailbox, known, target, its, waiting, sum(progress(one.run) for one in all_))
        return self._outcome(target, its, waiting)

    def _has_changed(self, its: _Target, known: Machines, target: str, waiting: list[OpenRun]) -> bool:
        """Whether there is a run that has not waited before, or somebody else has started a runner."""
        ids = {one.run.spec.run for one in waiting}
        last = known.last(target, 0.0)
        handle = last[0] if last else None
        changed = not ids <= its.known or handle != its.handle
        its.known |= ids
        its.handle = handle
        return changed

    def _try(
        self,
        mailbox: Mailbox,
        known: Machines,
        target: str,
        its: _Target,
        waiting: list[OpenRun],
        done: int,
    ) -> None:
        if mailbox.project.is_locked_elsewhere("push"):
            its.at = self._clock.monotonic() + LOCKED_S  # who is queueing a run will start its runner, too
            return
        try:
            # First, so that what the mailbox raises is not taken for the machine's fault.
            machines.ensure_archive(mailbox)
        except CorruptMailbox as error:
            self._failed(its, error)
            return
        try:
            launch = launcher(target, mailbox.project)
            try:
                self._start(mailbox, known, launch, target, its, waiting, done)
            finally:
                launch.close()
        except HybridError as error:
            self._failed(its, error)
        last = known.last(target, 0.0)
        its.handle = last[0] if last else None

    def _start(
        self,
        mailbox: Mailbox,
        known: Machines,
        launch: Launcher,
        target: str,
        its: _Target,
        waiting: list[OpenRun],
        done: int,
    ) -> None:
        why = refusal(costs_money=launch.costs_money, auto_start=False, budget_left=None)
        if why:
            raise UsageError(f"No runner was started on {target}: {why}.", f"hybrid up --on {target}")
        if any(not each.leaving for each in machines.living(known, launch, target, self._clock)):
            self._alive(its)
            return
        before, its.started = its.started, None
        if before is not None and before == done:
            raise HybridError(f"The last runner on {target} has ended and got nothing done.", _look(waiting))
        if before is not None:
            its.failures = 0
        handle = machines.start(mailbox, known, launch, target, idle_exit=running.IDLE_EXIT_S)
        its.error, its.asked = None, 0
        self._alive(its)
        if handle is None:
            return
        its.started = done
        run = waiting[0].run.spec.run
        self._happened.append(
            Event(
                kind=STARTED,
                text=f"A runner was started on {target} for run {run}.",
                run=run,
                data={"target": target, "pid": handle.pid, "host": handle.host},
            )
        )

    def _alive(self, its: _Target) -> None:
        its.asked += 1
        its.at = self._clock.monotonic() + ask_again_s(its.asked)

    def _failed(self, its: _Target, error: HybridError) -> None:
        its.failures += 1
        its.error = error
        its.asked = 0
        its.at = self._clock.monotonic() + backoff_s(its.failures, self._dice.random())

    def _outcome(self, target: str, its: _Target, waiting: list[OpenRun]) -> Outcome:
        left = max(0.0, its.at - self._clock.monotonic())
        if its.error is None:
            return Outcome(again_s=left)
        note = f"{str(its.error).rstrip('.')}; tried again in {duration(left)}"
        for_people = its.failures >= SEVERAL or isinstance(its.error, UsageError | Unauthorised)
        how = f"{its.error.hint.rstrip('.') or 'See what is wrong'}; then: hybrid up --on {target}"
        need = Need(key=f"start:{target}", what=str(its.error), how=how)
        return Outcome(
            needs=[need] if for_people else [],
            notes={one.run.spec.run: note for one in waiting},
            again_s=left,
        )


def _by_hand(waiting: list[OpenRun], why: str) -> Outcome:
    return Outcome(
        needs=[
            Need(
                key=f"start:{one.run.spec.run}",
                what=standing(one.run),
                how=f"To continue: hybrid up --on {one.run.spec.target}",
            )
            for one in waiting
        ],
        notes={one.run.spec.run: why for one in waiting},
    )


def _look(waiting: list[OpenRun]) -> str:
    return f"hybrid status {waiting[0].run.spec.run}"
