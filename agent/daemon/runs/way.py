"""What the agent's own clock and past looks say of a run on its way home. Nothing of it has to survive."""

from sync.clock import Clock
from sync.mailbox import lease
from sync.mailbox.layout import RunFolder
from sync.mailbox.records import Hello, Tick
from sync.mailbox.state import Phase

from ... import details
from ...mailbox import Mailbox, Run
from .pace import pull_again_s

LEFT_EVERY_S = 15.0
"""How long a run takes is asked for so often: it takes some reads."""
_DOUBT_TICKS = 2


class Way:
    """One run. Raises what the mailbox raises.

    here     shards that were seen to be here, by this process
    tried    shards that could not be had when they were last asked for
    swept    the run is over, and what unfinished attempts have left was looked at
    trouble  a clause on what keeps outputs from coming
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._silence = lease.Silence()
        self._hellos: dict[str, Hello | None] = {}
        self._progress = -1
        self._progress_at = clock.monotonic()
        self._left: float | None = None
        self._left_at: float | None = None
        self._given_up: tuple[int, str] = (0, "")
        self._tries = 0
        self._again_at = 0.0
        self.silent_s: float | None = None
        self.dead = False
        self.here: frozenset[int] = frozenset()
        self.tried: frozenset[int] = frozenset()
        self.swept = False
        self.trouble = ""

    def observe(self, mailbox: Mailbox, run: Run) -> None:
        now = self._clock.monotonic()
        ticks = sum(map(len, run.seen.ticks.values()))
        if len(run.seen.names) - ticks != self._progress:
            self._progress = len(run.seen.names) - ticks
            self._progress_at = now
        self._silence.observe(run.seen, now)
        worker = lease.holder(run.seen)
        self.silent_s = None if worker is None else self._silence.of(worker, now)
        doubt_s = _DOUBT_TICKS * mailbox.remote.capabilities.tick_s
        self.dead = (
            worker is not None and (self.silent_s or 0.0) >= doubt_s and self._is_dead(mailbox, run, worker)
        )

    def is_silent(self, mailbox: Mailbox) -> bool:
        """Whether the run's holder is taken for lost."""
        return self.dead or details.is_silent(mailbox, self.silent_s)

    @property
    def quiet_s(self) -> float:
        """For how long nothing but signs of life has come."""
        return self._clock.monotonic() - self._progress_at

    def left_s(self, mailbox: Mailbox, run: Run) -> float | None:
        """About how long the rest takes."""
        now = self._clock.monotonic()
        worker = lease.holder(run.seen)
        ticks = run.seen.ticks.get(worker or "", [])
        if run.phase is not Phase.RUNNING or worker is None or not ticks:
            self._left_at = None
            return None
        if self._left_at is None or now - self._left_at >= LEFT_EVERY_S:
            tick = details.read(Tick, mailbox, run.spec.run, RunFolder.tick(worker, ticks[-1]))
            self._left = details.remaining_s(mailbox, run, tick)
            self._left_at = now
        return None if self._left is None else max(0.0, self._left - (now - self._left_at))

    def given_up(self, mailbox: Mailbox, run: Run) -> str:
        """Why the last worker gave the run back, as a clause."""
        yields = len(run.seen.yields) + sum(run.seen.yields.values())
        if yields != self._given_up[0]:
            self._given_up = (yields, details.given_up(mailbox, run).rstrip("."))
        return self._given_up[1] if run.phase is Phase.QUEUED else ""

    def is_due(self, wanted: frozenset[int], *, over: bool) -> bool:
        """Whether a pull is due: for what is new at once, for what could not be had after a while."""
        if wanted - self.tried:
            return True
        return bool(wanted or (over and not self.swept)) and self.again_s == 0.0

    @property
    def again_s(self) -> float:
        """Seconds until what could not be had is asked for again."""
        return max(0.0, self._again_at - self._clock.monotonic())

    def had(self, here: frozenset[int], *, over: bool) -> None:
        """A pull came to its end, and these are here."""
        self.here = here
        self.swept = over

    def has_all(self) -> None:
        self.tried = frozenset()
        self.trouble = ""
        self._tries = 0
        self._again_at = 0.0

    def lacks(self, wanted: frozenset[int], trouble: str, *, soon_s: float | None = None) -> None:
        """``wanted`` could not be had now. ``soon_s``: nobody is to blame, so that it is asked for after so long."""
        self.trouble = trouble
        if soon_s is None:
            self._tries += 1
            self.tried = wanted
        self._again_at = self._clock.monotonic() + (pull_again_s(self._tries) if soon_s is None else soon_s)

    def _is_dead(self, mailbox: Mailbox, run: Run, worker: str) -> bool:
        from cloud_runner import host

        if worker not in self._hellos:
            self._hellos[worker] = details.read(Hello, mailbox, run.spec.run, RunFolder.hello(worker))
        hello = self._hellos[worker]
        return hello is not None and host.is_dead(hello)
