"""Whether anybody works on a run that is waited for, as the mailbox shows it to somebody who looks again and again."""

from sync.errors import CorruptMailbox, NewerMailbox, NotFound
from sync.mailbox import lease
from sync.mailbox.state import Phase
from sync.mailbox.view import RunView

from . import details, last_runner, runs
from .mailbox import Mailbox, Run
from .memory import Memory
from .sizes import duration
from .state import State


class Attendance:
    """For one run that is not over, and for one thread. Measured on this process's own monotonic clock."""

    def __init__(self, mailbox: Mailbox, state: State) -> None:
        self._mailbox = mailbox
        self._state = state
        self._clock = mailbox.clock
        capabilities = mailbox.remote.capabilities
        self._patience_s = lease.patience_s(capabilities.tick_s, capabilities.settle_s)
        self._sign: tuple[object, ...] | None = None
        self._looked_at: float | None = None
        self._missing_s = 0.0
        self._others_at = 0.0
        self._is_told = False

    def missing_s(self, run: Run) -> float:
        """Seconds without a sign of life from any runner that works on ``run``, or will when it is through with another
        one; 0 until they are so many that a runner would take the run over. Raises what the mailbox raises."""
        now = self._clock.monotonic()
        # What is longer was a sleep of this machine, in which there was nothing to be seen.
        passed_s = min(now - self._looked_at, self._patience_s / 3) if self._looked_at is not None else 0.0
        self._looked_at = now
        sign = _sign(run.seen)
        if sign != self._sign:
            self._sign, self._missing_s, self._is_told = sign, 0.0, False
        else:
            self._missing_s += passed_s
        if self._missing_s < self._patience_s:
            return 0.0
        if run.phase is Phase.QUEUED and now >= self._others_at:
            self._others_at = now + self._patience_s
            if self._busy_elsewhere(run):
                self._missing_s = 0.0
        return self._missing_s

    def not_seen(self) -> None:
        """The mailbox is away: a runner could give no sign of life either."""
        self._looked_at = None

    def news(self, run: Run, missing_s: float) -> str:
        """A clause on who is missing since when, and what to do; once, until there is a sign of life."""
        if not missing_s or self._is_told:
            return ""
        self._is_told = True
        known_s = details.silence(Memory(self._state), run.spec.run, run.seen, self._clock.wall())
        if left := details.given_up(self._mailbox, run):
            reason = f"the last one left it: {left}"
        else:
            reason = last_runner.ended(self._state, runs.summary(run, self._mailbox.laptop), is_dead=True)
        because = f" ({reason.rstrip('.')})" if reason else ""
        return (
            f"no runner has been heard of for {duration(max(missing_s, known_s or 0.0))}{because}; "
            f"hybrid up --on {run.spec.target[:80]} goes on with it"
        )

    def _busy_elsewhere(self, run: Run) -> bool:
        """Whether a runner that may take the run is at work on another one."""
        memory = Memory(self._state)
        closed = memory.closed()
        for other in self._mailbox.run_ids():
            if other == run.spec.run or other in closed:
                continue
            try:
                found = self._mailbox.run(other)
            except (NotFound, CorruptMailbox, NewerMailbox):
                continue
            if found.phase is Phase.RUNNING and found.spec.target == run.spec.target:
                silent = details.silence(memory, other, found.seen, self._clock.wall())
                if not details.is_silent(self._mailbox, silent):
                    return True
        return False


def _sign(seen: RunView) -> tuple[object, ...]:
    """What a runner at work changes."""
    holder = lease.holder(seen)
    return holder, lease.next_epoch(seen), seen.ticks.get(holder or "", [0])[-1]
