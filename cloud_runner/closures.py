"""Which attempts that say ``done`` are whole in the mailbox: the machine of a worker may have died too early."""

from collections.abc import Generator

from sync.errors import CorruptMailbox, NewerMailbox, NotFound
from sync.mailbox import layout, records
from sync.mailbox.layout import Attempt, RunFolder
from sync.mailbox.records import Ended
from sync.mailbox.view import RunView
from sync.store.reader import Reader

from .outage import OUTAGES, Outage
from .worker import Lease, Place


class Closures:
    """Reads all that such an attempt names, piece by piece, while there is nothing better to do.

    void  attempts of which something is missing, damaged or beyond this program, and was so for longer than a
          listing may lag
    """

    def __init__(self, lease: Lease, reader: Reader) -> None:
        self._lease = lease
        self._place: Place = lease.place
        self._reader = reader
        self._outage = Outage(lease.place.clock, lease.place.say)
        self._whole: set[Attempt] = set()
        self._missed: dict[Attempt, float] = {}
        self._reading: tuple[Attempt, Generator[None, None, None]] | None = None
        self.void: set[Attempt] = set()

    def step(self, seen: RunView) -> float | None:
        """Does a little. How many seconds may pass before the next step; None where all has been checked.

        This worker's own attempts need no check, and accepted ones are none of a worker's business.
        """
        if self._reading is None:
            attempt = self._next(seen)
            if attempt is None:
                return None
            self._reading = (attempt, self._read(attempt))
        attempt, reading = self._reading
        try:
            next(reading)
            return 0.0
        except StopIteration:
            self._whole.add(attempt)
        except (NotFound, CorruptMailbox, NewerMailbox) as error:
            return self._miss(attempt, error)
        except OUTAGES as error:
            self._reading = None
            self._outage.endure(error)
            return self._place.tick_s
        self._reading = None
        self._outage.over()
        return 0.0

    def _next(self, seen: RunView) -> Attempt | None:
        open_ones = [
            attempt
            for attempt in sorted(seen.done - self._whole - self.void)
            if attempt.worker != self._lease.worker and attempt.shard not in seen.accepted
        ]
        # One that may only be late comes after those that were not looked at yet.
        return min(open_ones, key=lambda attempt: self._missed.get(attempt, 0.0), default=None)

    def _read(self, attempt: Attempt) -> Generator[None, None, None]:
        path = self._lease.folder.in_folder(RunFolder.attempt("done", attempt))
        ended = records.read(Ended, self._place.remote, f"{self._place.base}/{path}")
        if not layout.is_outputs_of(ended.snapshot, self._lease.run, attempt):
            raise CorruptMailbox(f"{path} names what is not its own outputs.")
        root = self._reader.root(ended.snapshot)
        try:
            for _ in self._reader.fetch(
                chunk for entry in self._reader.entries(root) for chunk in entry.chunks
            ):
                yield
        finally:
            self._reader.forget(root.name)

    def _miss(self, attempt: Attempt, error: Exception) -> float:
        self._reading = None
        now = self._place.clock.monotonic()
        settle = self._place.remote.capabilities.settle_s
        if now - self._missed.setdefault(attempt, now) >= settle:
            self._place.say(f"attempt {attempt} is void: {error}")
            self.void.add(attempt)
            return 0.0
        return min(settle, self._place.tick_s)
