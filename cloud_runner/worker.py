"""One worker on one run: takes the lease, keeps it by ticks, gives it up.

Long work is generators; each value that one yields is how many seconds may pass until it wants to go on. It may be
dropped at any point, as a killed process would be, and another worker goes on.
"""

import contextlib
import hashlib
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from pathlib import Path

from sync.clock import Clock
from sync.errors import CorruptMailbox, NewerMailbox, NotFound
from sync.mailbox import lease, records
from sync.mailbox.layout import LaptopFile, RunFolder, parse_run_file
from sync.mailbox.records import Ended, Hello, Mark, Spec, Tick
from sync.mailbox.view import RunView, view
from sync.remotes.base import Remote

from . import host
from .child import Child, Command
from .device import Device
from .outage import OUTAGES, Outage

TICKS_KEPT = 100


class Interrupted(Exception):
    """The work must end now; the text says why.

    publish  whether what is there is worth publishing
    again    whether this worker may take the run again later
    """

    def __init__(self, reason: str, *, publish: bool, again: bool = False) -> None:
        super().__init__(reason)
        self.publish = publish
        self.again = again


@dataclass(frozen=True, kw_only=True)
class Place:
    """What a worker has at hand.

    base     the project's folder in the remote
    work     the folder for scratch on this machine's disk
    start    starts a child
    say      one line for the runner's own log
    ending   asked between steps; a text once the runner has been told to end
    tick_s   seconds between ticks; no more than the remote's
    grace_s  seconds that a child has between being asked to end and being ended
    """

    remote: Remote
    base: str
    project: str
    clock: Clock
    work: Path
    devices: list[Device]
    start: Callable[[Command], Child]
    say: Callable[[str], None]
    ending: Callable[[], str]
    tick_s: float
    grace_s: float


class Lease:
    """This worker's hold on one run, and the run's folder as far as it is known here.

    leaving  set while the work on the run is being wound up: then nothing interrupts it any more
    changes  counts what has been learnt about the folder, so that conclusions are drawn again only then
    report   asked for what the next tick says; ``told`` is called once such a tick is in the mailbox
    """

    def __init__(self, place: Place, hello: Hello, run_id: str, silence: lease.Silence) -> None:
        self.place = place
        self.hello = hello
        self.run = run_id
        self.folder = RunFolder(run_id)
        self.silence = silence
        self.epoch = 0
        self.doing = ""
        self.leaving = False
        self.changes = 0
        self.report: Callable[[], Tick] | None = None
        self.told: Callable[[], None] = lambda: None
        self._listed: set[str] = set()
        self._own: set[str] = set()
        self._view: tuple[int, RunView] | None = None
        self._ticks = 0
        self._tick_due = 0.0
        self._outage = Outage(place.clock, place.say)
        self._began = place.clock.monotonic()

    @property
    def worker(self) -> str:
        return self.hello.worker

    @property
    def elapsed(self) -> float:
        """Seconds since the run was taken; waiting for another worker's end is no work on it."""
        return self.place.clock.monotonic() - self._began

    def see(self) -> RunView:
        """The run's folder now; what this worker wrote counts even where the listing lags."""
        names = {file.name for file in self.place.remote.list_files(f"{self.place.base}/{self.folder.path}")}
        # What a laptop has said stays said, also where a listing that lags shows it once and then not again.
        gone = self._listed - names
        names |= {name for name in gone if isinstance(parse_run_file(name), LaptopFile)}
        if names != self._listed:
            self._listed = names
            self.changes += 1
        known = self.known()
        self.silence.observe(known, self.place.clock.monotonic())
        return known

    def known(self) -> RunView:
        """The run's folder as it was last seen, with what this worker wrote since."""
        if self._view is None or self._view[0] != self.changes:
            self._view = (self.changes, view(self._listed | self._own))
        return self._view[1]

    def write(self, name: str, record: object) -> None:
        """Raises Interrupted where the run's folder is gone: the laptop has removed the run."""
        try:
            self.place.remote.write(
                f"{self.place.base}/{self.folder.in_folder(name)}", records.encode(record)
            )
        except NotFound as error:
            raise Interrupted("the run was removed", publish=False) from error
        self._own.add(name)
        self.changes += 1

    def take(self) -> Generator[float, None, bool]:
        """Claims the run; False where another holds it or came first."""
        seen = self.see()
        if lease.holder(seen) != self.worker and not may_take(self.place, self.folder, seen, self.silence):
            return False
        if self.worker in seen.released:
            return False
        settle = self.place.remote.capabilities.settle_s
        self.epoch = lease.next_epoch(seen)
        if 0 < seen.claims.get(self.worker, 0) < self.epoch - 1:
            self._become_another()
        if RunFolder.hello(self.worker) not in self._own:
            self.write(RunFolder.hello(self.worker), self.hello)
        else:
            # Observers measure this worker's silence from its last tick, which may be long ago.
            self._write_tick()
        self.write(RunFolder.claim(self.worker, self.epoch), Mark())
        waited_until = self.place.clock.monotonic() + settle
        while (left := waited_until - self.place.clock.monotonic()) > 0:
            if reason := self.place.ending():
                self.give_up(reason)
                return False
            yield left
        if lease.holder(self.see()) == self.worker:
            self._began = self._tick_due = self.place.clock.monotonic()
            return True
        self.give_up("another worker came first")
        return False

    def _become_another(self) -> None:
        """Goes on under a new id, made of the old one.

        Readers order attempts and checkpoints by their worker's highest epoch. Under the old id, what was made before
        another took over would count as newer than all that the other has made.
        """
        worker = hashlib.sha256(f"{self.worker} overtaken".encode()).hexdigest()[:12]
        self.place.say(f"run {self.run}: goes on as worker {worker}")
        self.hello = replace(self.hello, worker=worker)
        self._ticks = 0

    def give_up(self, reason: str) -> None:
        with contextlib.suppress(Interrupted):  # there is nothing to give up in a run that was removed
            self.write(RunFolder.yields(self.worker, self.epoch), Mark(reason=reason))

    def broken(self, what: Ended) -> None:
        with contextlib.suppress(Interrupted):
            self.write(RunFolder.broken(self.worker, self.epoch), what)

    def check(self, seen: RunView) -> None:
        """Raises Interrupted unless this worker may go on."""
        if self.worker in seen.released:
            raise Interrupted("released by the laptop", publish=True)
        if lease.holder(seen) != self.worker:
            raise Interrupted("another worker has taken over", publish=False, again=True)
        if seen.stopped:
            raise Interrupted("stopped by the laptop", publish=True)

    def beat(self) -> None:
        """Writes a tick if one is due, and looks whether this worker may go on. Rides out an outage."""
        if self.place.clock.monotonic() < self._tick_due:
            return
        try:
            self._write_tick()
            seen = self.see()
        except OUTAGES as error:
            self._outage.endure(error)
            return
        self._outage.over()
        self.check(seen)

    def _write_tick(self) -> None:
        self._ticks += 1
        self._tick_due = self.place.clock.monotonic() + self.place.tick_s
        tick = self.report() if self.report else Tick(n=0, epoch=self.epoch, elapsed=self.elapsed)
        values = {**tick.__dict__, "n": self._ticks, "epoch": self.epoch, "doing": self.doing}
        self.write(RunFolder.tick(self.worker, self._ticks), Tick(**values))
        self.told()
        old = RunFolder.tick(self.worker, self._ticks - TICKS_KEPT)
        if old in self._own:
            self.place.remote.delete(f"{self.place.base}/{self.folder.in_folder(old)}")
            self._own.discard(old)

    def beating(self, steps: Generator[float, None, None], limit_s: float) -> Generator[float, None, None]:
        """Runs ``steps`` with beats between them; interrupts them, once, when the worker may not go on."""
        try:
            wait = next(steps)
            while True:
                try:
                    if not self.leaving:
                        self._may_go_on(limit_s)
                    self.beat()
                except Interrupted as reason:
                    if not self.leaving:
                        wait = steps.throw(reason)
                        continue
                yield min(wait, max(0.0, self._tick_due - self.place.clock.monotonic()))
                wait = next(steps)
        except StopIteration:
            return
        finally:
            steps.close()

    def _may_go_on(self, limit_s: float) -> None:
        if reason := self.place.ending():
            raise Interrupted(reason, publish=True)
        if limit_s and self.elapsed > limit_s:
            raise Interrupted("the run's time limit for one worker is reached", publish=True)


def may_take(place: Place, folder: RunFolder, seen: RunView, silence: lease.Silence) -> bool:
    """Whether nobody alive holds the run: no holder, a holder of this machine that is gone, or a silent one."""
    now = place.clock.monotonic()
    silence.observe(seen, now)
    holding = lease.holder(seen)
    if holding is None:
        return True
    capabilities = place.remote.capabilities
    if silence.of(holding, now) >= lease.patience_s(capabilities.tick_s, capabilities.settle_s):
        return True
    path = f"{place.base}/{folder.in_folder(RunFolder.hello(holding))}"
    try:
        return host.is_dead(records.read(Hello, place.remote, path))
    except (NotFound, CorruptMailbox, NewerMailbox):
        return False


def read_spec(place: Place, folder: RunFolder) -> Spec:
    return records.read(Spec, place.remote, f"{place.base}/{folder.in_folder('spec.json')}")
