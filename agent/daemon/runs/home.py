"""Brings this laptop's runs home: looks at those that are open, pulls what is complete, and grades what is done."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from sync.clock import Clock
from sync.errors import (
    CorruptMailbox,
    HybridError,
    LocalDiskFull,
    Locked,
    NewerMailbox,
    NotFound,
    RemoteError,
)
from sync.mailbox.opening import open_mailbox
from sync.mailbox.state import OVER, Phase, phase, shards
from sync.progress import Silent
from sync.pull.pulled import Pulled

from ... import details, run_facts, runs
from ...mailbox import Mailbox, Run, gone
from ...memory import Memory
from ...pulling import puller
from ...state import State
from ..tell import tidings
from ..tell.events import DONE, FAILED, Event
from ..tell.status import Need, RunLine
from .grading_duty import GradingDuty, Turn
from .home_state import HomeState, Mark
from .outcome import Outcome, soonest
from .pace import look_again_s
from .run_lines import line_of, unreadable
from .way import Way

LOCKED_S = 2.0
LINGERS_S = 3600.0
"""A worker of a run that is over, and that shows no sign of life for so long, is not waited for any more."""


@dataclass(frozen=True, kw_only=True)
class OpenRun:
    """A run of this laptop that is not over. ``lost``: its holder is silent, or known to have ended."""

    run: Run
    lost: bool


@dataclass(frozen=True, kw_only=True)
class Found(Outcome):
    """``lines`` are for the status: all runs of this laptop that were open when the look began, oldest first."""

    lines: list[RunLine] = field(default_factory=list)
    open: list[OpenRun] = field(default_factory=list)


@dataclass(kw_only=True)
class _Look:
    """One look at all runs."""

    mailbox: Mailbox
    state: State
    memory: HomeState
    marks: dict[str, Mark]
    lines: list[RunLine] = field(default_factory=list)
    open: list[OpenRun] = field(default_factory=list)
    needs: list[Need] = field(default_factory=list)
    times: list[float | None] = field(default_factory=list)


class Home:
    """For one thread. ``told`` is to be called once the events of a look are written down, and ``close`` at the end."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._ways: dict[str, Way] = {}
        self._others: set[str] = set()
        self._grading = GradingDuty(clock)
        self._happened: list[Event] = []
        self._marks: dict[str, Mark] = {}
        """What is to be remembered once the events that led to it are written down."""
        self._closing: dict[str, Callable[[Memory], None]] = {}

    def look(self, mailbox: Mailbox, state: State) -> Found:
        """One listing for each open run, and pulls what is new. Raises what the mailbox and the state database raise;
        what had happened by then is in the events of the next look."""
        memory = HomeState(state)
        look = _Look(mailbox=mailbox, state=state, memory=memory, marks=memory.marks() | self._marks)
        ids = mailbox.run_ids()
        if not look.marks.keys() <= set(ids):
            self._forget(look, set(ids))
        closed = Memory(state).closed()
        for run_id in ids:
            if run_id not in self._others and (run_id not in closed or run_id in look.marks):
                self._look_at(look, run_id)
        self._grading.looked()
        return Found(
            lines=look.lines,
            open=look.open,
            needs=look.needs,
            events=list(self._happened),
            again_s=soonest(look.times),
        )

    def told(self, state: State) -> None:
        """The events of the last look are written down: none of them is told again."""
        self._happened.clear()
        table, memory = HomeState(state), Memory(state)
        for run_id, mark in self._marks.items():
            table.put(run_id, mark)
        for run_id, close in self._closing.items():
            close(memory)
            table.drop(run_id)
            self._ways.pop(run_id, None)
        self._marks.clear()
        self._closing.clear()

    def close(self) -> None:
        """Idempotent."""
        self._grading.close()

    def _forget(self, look: _Look, ids: set[str]) -> None:
        """Runs were removed from the mailbox; unless that is away itself, and its folder is empty."""
        try:
            open_mailbox(look.mailbox.remote, look.mailbox.base)
        except NotFound as error:
            raise gone(look.mailbox.project) from error
        for run_id in look.marks.keys() - ids:
            look.memory.drop(run_id)
            del look.marks[run_id]
            for known in (self._ways, self._marks, self._closing):
                known.pop(run_id, None)

    def _look_at(self, look: _Look, run_id: str) -> None:
        mailbox = look.mailbox
        try:
            spec = runs.spec_of(mailbox, run_id)
            if spec.laptop != mailbox.laptop:
                self._others.add(run_id)
                return
            run = mailbox.run(run_id)
        except NotFound:
            return  # not ready yet, or half removed
        except (CorruptMailbox, NewerMailbox) as error:
            look.lines.append(unreadable(run_id, error))
            if run_id in look.marks:
                look.needs.append(Need(key=f"damaged:{run_id}", what=str(error), how=error.hint))
            return
        if run_id not in look.marks:
            look.marks[run_id] = Mark()
            look.memory.put(run_id, Mark())
        way = self._ways.setdefault(run_id, Way(self._clock))
        way.observe(mailbox, run)
        if mailbox.project.config.auto.pull:
            run = self._pull(look, run, way)
        self._conclude(look, run, way)

    def _pull(self, look: _Look, run: Run, way: Way) -> Run:
        """The run as it is after what is new was pulled."""
        over = run.phase in OVER
        wanted = frozenset(state.number for state in run.states if state.complete) - way.here
        if not way.is_due(wanted, over=over):
            return run
        spec = run.spec
        try:
            with puller(look.mailbox, look.state, Silent()) as pulling:
                pulled = pulling.pull(spec, partial=over)
        except Locked:
            way.lacks(wanted, "another hybrid process is at work on the outputs", soon_s=LOCKED_S)
            return run
        except (NotFound, CorruptMailbox, NewerMailbox) as error:
            way.lacks(wanted, _clause(error))
            return run
        except RemoteError:
            raise
        except HybridError as error:
            way.lacks(wanted, _clause(error))
            key = "disk" if isinstance(error, LocalDiskFull) else f"pull:{spec.run}"
            look.needs.append(Need(key=key, what=str(error), how=error.hint))
            return run
        except OSError as error:
            what = f"The outputs of run {spec.run} cannot be written: {error.strerror or error}"
            way.lacks(wanted, what)
            how = f"See who may write to {error.filename or 'the project'}."
            look.needs.append(Need(key=f"pull:{spec.run}", what=f"{what}.", how=how))
            return run
        states = shards(pulled.seen, spec.shards, spec.retries)
        run = Run(spec=spec, seen=pulled.seen, states=states, phase=phase(pulled.seen, states))
        way.had(frozenset(pulled.present) | frozenset(pulled.fetched), over=over)
        if pulled.incomplete:
            way.lacks(frozenset(pulled.incomplete), _incomplete(pulled))
        else:
            way.has_all()
        event = tidings.pulled(spec, pulled)
        if event is not None and event.kind not in (DONE, FAILED):
            self._happened.append(event)
        elif event is not None and run.phase is not Phase.STOPPED:
            self._end(look, run, run.phase.value, event)
        return run

    def _conclude(self, look: _Look, run: Run, way: Way) -> None:
        mailbox, run_id = look.mailbox, run.spec.run
        auto = mailbox.project.config.auto
        over = run.phase in OVER
        if over and run.phase is not Phase.STOPPED and not auto.pull:
            self._end(
                look, run, run.phase.value, tidings.ended(run, is_here=not runs.not_here(run, mailbox.laptop))
            )
        if run.phase is Phase.SETUP_FAILED:
            epoch = max(run.seen.broken.values())
            if look.marks[run_id].ended != (what := f"set-up {epoch}"):
                self._end(look, run, what, tidings.setup_failed(run, details.setup_failure(mailbox, run)))
        lost = way.is_silent(mailbox)
        home = over and not way.trouble and runs.is_closed(run, mailbox.laptop)
        note = way.trouble or _lost(way, lost, over=over) or way.given_up(mailbox, run)
        again_s = look_again_s(
            run.phase, silent=lost, quiet_s=way.quiet_s, tick_s=mailbox.remote.capabilities.tick_s
        )
        if over and way.trouble:
            again_s = way.again_s
        elif over and not home and auto.pull and (way.silent_s or 0.0) < LINGERS_S:
            again_s = look_again_s(Phase.RUNNING, silent=lost, quiet_s=way.quiet_s, tick_s=0.0)
        elif over and not home and not auto.pull:
            note = note or "its outputs are not here"
        turn = self._grade(look, run, way, home=home)
        note = note or turn.doing
        if home:
            again_s = turn.again_s
            if not turn.doing:
                run_facts.remember(mailbox, look.state, run.spec, run.seen)
                self._closing[run_id] = _closer(run, mailbox.laptop)
        look.lines.append(line_of(run, mailbox.laptop, way.left_s(mailbox, run), note))
        look.times += [again_s, turn.again_s]
        if not over:
            look.open.append(OpenRun(run=run, lost=lost))

    def _grade(self, look: _Look, run: Run, way: Way, *, home: bool) -> Turn:
        """What the grading does; where the run is home and nothing is being done, nothing is left to do."""
        mark = look.marks[run.spec.run]
        turn = self._grading.turn(look.mailbox.project, run, way.here, mark.graded, is_home=home)
        if turn.need is not None:
            look.needs.append(turn.need)
        if turn.event is not None:
            self._happened.append(turn.event)
            self._marks[run.spec.run] = look.marks[run.spec.run] = replace(mark, graded=turn.graded)
        return turn

    def _end(self, look: _Look, run: Run, what: str, event: Event) -> None:
        """Tells of the end of a run, once."""
        mark = look.marks[run.spec.run]
        if mark.ended != what:
            self._happened.append(event)
            self._marks[run.spec.run] = look.marks[run.spec.run] = replace(mark, ended=what)


def _closer(run: Run, laptop: str) -> Callable[[Memory], None]:
    told = runs.summary(run, laptop).to_json()
    return lambda memory: memory.close(run.spec.run, told)


def _lost(way: Way, lost: bool, *, over: bool) -> str:
    if over or not lost:
        return ""
    return "its worker has ended" if way.dead else "its worker gives no sign of life"


def _incomplete(pulled: Pulled) -> str:
    shard, why = min(pulled.incomplete.items())
    more = len(pulled.incomplete) - 1
    return f"shard {shard}{f' and {more} more' if more else ''} cannot be had: {why.rstrip('.')}"


def _clause(error: HybridError) -> str:
    return str(error).rstrip(".")
