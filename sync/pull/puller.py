"""Brings a run's outputs home: verified, laid out aside, renamed when finished, accepted exactly once.

A finished folder is never written again: what the user changes in it stays. ``outputs`` says where what lies,
``stages`` how many shards are on their way at a time.
"""

import os
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path

from ..errors import LocalDiskFull
from ..mailbox import layout
from ..mailbox.layout import RunFolder, WorkerSnapshot
from ..mailbox.records import Spec
from ..mailbox.state import ShardState, phase, shards
from ..mailbox.view import view
from ..progress import Progress, Silent
from ..remotes.base import Remote
from ..store import here
from ..store.fetch import Fetch
from ..store.materialise import Laid, materialise
from ..store.nouns import FILE, Entry
from ..store.reader import Reader
from .candidates import UNUSABLE, Candidates, why
from .early import Early, looking_ahead
from .filters import Filters
from .lanes import PullLanes, pull_lanes
from .outputs import PARTIAL, InTheWay, Outputs, check, make_room, remove_empty, settle
from .pulled import Choice, Choices, Pulled
from .snapshots import Opened, Snapshots
from .stages import Driver, Pause, Stage, Steps
from .telling import Teller, Telling


class _Unwritten(Exception):
    """This disk failed to take something of an attempt: no other attempt would fare better."""


class Puller:
    """Pulls runs of one project. ``base`` is the project's folder in the remote, ``outputs`` a local folder.

    ``older`` are more folders like ``outputs``: content that lies there need not be fetched. They are only read.

    Only one at a time may work on ``outputs``.
    """

    def __init__(
        self,
        remote: Remote,
        base: str,
        *,
        laptop: str,
        outputs: Path,
        choices: Choices,
        filters: Filters | None = None,
        older: Sequence[Path] = (),
        progress: Progress | None = None,
    ) -> None:
        self.remote = remote
        self.base = base
        self.laptop = laptop
        self.outputs = outputs
        self.choices = choices
        self.filters = filters or Filters()
        self.older = older
        self.progress = progress or Silent()

    def pull(self, spec: Spec, *, partial: bool = True, dry_run: bool = False) -> Pulled:
        """All that can be had of the run now. Doing it again changes nothing.

        partial  whether to show what unfinished attempts have published
        dry_run  find out what would come, and write nothing anywhere

        Raises what the remote raises, LocalDiskFull, HybridError where nothing can be written here, and CorruptMailbox
        for a spec that cannot be true. Content that is damaged, not there, or of a newer version is a result.
        """
        check(spec)
        with pull_lanes(self.remote.capabilities.connections) as lanes:
            return _Pull(self, spec, lanes, dry_run).run(partial)


class _Pull:
    """One pull of one run."""

    def __init__(self, its: Puller, spec: Spec, lanes: PullLanes, dry_run: bool) -> None:
        self._its = its
        self._spec = spec
        self._lanes = lanes
        self._dry_run = dry_run
        self._remote = Early(its.remote, lanes.calls)
        self._reader = Reader(self._remote, its.base, lanes.reads)
        self._path = f"{its.base}/{RunFolder(spec.run).path}"
        self._outputs = Outputs(its.outputs, spec)
        self._older = [Outputs(top, spec) for top in its.older if top != its.outputs]
        sizes = {file.name: file.size for file in self._remote.list_files(self._path)}
        self._seen = view(sizes)
        self._names = set(self._seen.names)
        """What is in the run's folder, with what this laptop has put there since."""
        self._teller = Teller(self._remote, self._path, its.laptop, self._names, lanes)
        self._snapshots = Snapshots(self._reader, RunFolder(spec.run), sizes, its.filters)
        self._candidates = Candidates(self._remote, self._path, spec.run, sizes, self._seen, its.laptop)
        self._full: LocalDiskFull | None = None
        """The first that a shard met."""
        states = shards(self._seen, spec.shards, spec.retries)
        self._pulled = Pulled(
            run=spec.run,
            phase=phase(self._seen, states),
            states=states,
            folder=self._outputs.folder,
            incomplete=self._candidates.unusable,
        )

    def run(self, partial: bool) -> Pulled:
        pulled = self._pulled
        complete = [state for state in pulled.states if state.complete]
        Driver(settle).drive(map(self._complete, self._looking_ahead(complete)))
        if self._full is not None:
            raise self._full
        if not self._dry_run:
            here_now = {*pulled.fetched, *pulled.present}
            if partial:
                self._show_partial([s.number for s in pulled.states if s.number not in here_now])
            if self._spec.sharded or not here_now:
                remove_empty(self._outputs.folder / PARTIAL, self._outputs.folder)
        for shards_ in (pulled.fetched, pulled.present, pulled.partial):
            shards_.sort()
        pulled.seen = view(self._names)
        return pulled

    def _looking_ahead(self, states: list[ShardState]) -> Iterator[ShardState]:
        def ask(state: ShardState) -> None:
            chosen = self._its.choices.get(self._spec.run, state.number)
            if chosen is None or not self._is_finished(state.number):
                self._candidates.ask_early(state, chosen)
                self._ask_for_the_only_one(state.number)

        return looking_ahead(states, self._lanes.calls.count, ask)

    def _ask_for_the_only_one(self, shard: int) -> None:
        """Where the run has published but one snapshot, which is wanted whole, its content is begun to be fetched."""
        places = [self._outputs.incoming(shard), *(each.folder for each in (self._outputs, *self._older))]
        only = len(self._seen.snapshots) == 1 and self._seen.snapshots[0].attempt.shard == shard
        if only and not self._dry_run and not any(map(os.path.lexists, places)):
            self._snapshots.anticipate(self._seen.snapshots[0].name)

    def _is_finished(self, shard: int) -> bool:
        return self._outputs.is_finished(shard, accepted=self._teller.has_told(shard))

    def _complete(self, state: ShardState) -> Steps:
        """Brings a complete shard home; one that does not fit leaves the disk to those that do."""
        try:
            yield from self._bring(state)
        except LocalDiskFull as error:
            self._full = self._full or error
        finally:
            self._candidates.forget(state)

    def _bring(self, state: ShardState) -> Steps:
        """Says among what was pulled how that went."""
        shard, pulled = state.number, self._pulled
        told = self._teller.has_told(shard)
        chosen = self._its.choices.get(self._spec.run, shard)
        if chosen is None and told:
            chosen = self._candidates.told(shard)
        if chosen is not None and self._is_finished(shard):
            pulled.present.append(shard)
            with Telling(self._teller, shard, chosen) as telling:
                if not self._dry_run:
                    telling.home()
            yield from self._tell(telling)
            return
        if self._outputs.is_blocked(shard):
            self._blocked(shard, InTheWay(self._outputs.place(shard)))
            return
        # What this laptop has told the others once is final.
        candidates = [chosen] if told and chosen else self._candidates.of(state, chosen)
        for candidate in candidates:
            try:
                with Telling(self._teller, shard, candidate) as telling:
                    yield from self._take(state, candidate, telling)
            except InTheWay as error:
                self._blocked(shard, error)
            except _Unwritten as error:
                pulled.unwritten.append(shard)
                pulled.incomplete[shard] = f"{error} could not be written; what is here already is kept"
            except UNUSABLE as error:
                pulled.incomplete[shard] = why(candidate.attempt, error)
                continue
            else:
                pulled.incomplete.pop(shard, None)
                pulled.fetched.append(shard)
                yield from self._tell(telling)
            return
        pulled.incomplete.setdefault(shard, "its record cannot be read yet")

    def _take(self, state: ShardState, choice: Choice, telling: Telling) -> Steps:
        """Raises NotFound or CorruptMailbox where the attempt's outputs are not whole in the mailbox."""
        shard, pulled, outputs = state.number, self._pulled, self._outputs
        incoming = outputs.incoming(shard)
        older = [outputs.partial(shard), *(each.place(shard) for each in self._older)]
        there = [folder for folder in (incoming, *older) if folder.is_dir()]
        with self._snapshots.opened(choice.snapshot, all_of_it=not there and not self._dry_run) as opened:
            self._candidates.forget(state)
            opened.wanted, refused = outputs.sifted(opened.wanted)
            pulled.problems += refused
            if self._dry_run:
                self._would_take(opened.wanted, there)
            else:
                telling.begin()
                laid = yield from self._write(opened, incoming, older=older, unseen=True)
        pulled.left_out += opened.left_out
        pulled.left_out_bytes += opened.left_out_bytes
        if self._dry_run:
            return
        opened.wanted.clear()
        if laid.failures:
            files = f"{len(laid.failures)} file{'s' if len(laid.failures) > 1 else ''}"
            raise _Unwritten(f"{files} of attempt {choice.attempt}")
        # Until the incoming folder is gone, what was chosen is known not to have arrived.
        self._its.choices.put(self._spec.run, shard, choice)
        yield Pause(Stage.LAID, laid.bytes, incoming)
        try:
            outputs.arrive(shard)
        except InTheWay:
            self._its.choices.drop(self._spec.run, shard)
            raise
        telling.home()

    def _would_take(self, wanted: list[Entry], there: list[Path]) -> None:
        folders = [os.fsencode(folder) for folder in there]
        for entry in wanted:
            self._pulled.files += entry.kind == FILE
            self._pulled.bytes += entry.size
            if folders and entry.kind == FILE:
                self._pulled.reused += here.found(entry, folders)

    def _tell(self, telling: Telling) -> Steps:
        """Waits until the others are told, and takes away what stood in for the shard."""
        if telling.is_on_its_way:
            yield Pause(Stage.TOLD)
            telling.wait()
        if not self._dry_run:
            self._outputs.drop_partial(telling.shard)

    def _show_partial(self, shards_: list[int]) -> None:
        self._outputs.open_partial()
        published = self._candidates.newest(shard for shard in shards_ if not self._outputs.is_blocked(shard))
        ask = self._candidates.ask_for_snapshot
        width = self._lanes.calls.count
        Driver(settle).drive(map(self._partial, looking_ahead(published, width, lambda each: ask(each.name))))

    def _partial(self, newest: WorkerSnapshot) -> Steps:
        """Shows what an unfinished attempt has published. What cannot be read now is left for later."""
        target = self._outputs.partial(newest.attempt.shard)
        try:
            with self._snapshots.opened(f"{layout.run(self._spec.run)}/{newest.name}") as opened:
                yield from self._write(opened, target)
        except UNUSABLE:
            remove_empty(target)
            return
        self._pulled.partial.append(newest.attempt.shard)

    def _write(
        self, opened: Opened, target: Path, *, older: Sequence[Path] = (), unseen: bool = False
    ) -> Generator[Pause, None, Laid]:
        """What this disk failed to take is among the problems of what was pulled, too."""
        make_room(self._its.outputs, target, opened.wanted)
        steps = materialise(
            self._reader,
            opened.wanted,
            target,
            mirror=True,
            unseen=unseen,
            older=older,
            writers=self._lanes.writers,
            progress=self._its.progress,
        )
        laid = yield from _pausing(steps, opened.held)
        self._pulled.problems += laid.problems
        self._pulled.files += laid.written
        self._pulled.bytes += laid.bytes
        self._pulled.reused += laid.reused
        return laid

    def _blocked(self, shard: int, error: InTheWay) -> None:
        self._pulled.blocked.append(shard)
        self._pulled.incomplete[shard] = f"{error}"


def _pausing(steps: Generator[Fetch | None, None, Laid], held: int) -> Generator[Pause, None, Laid]:
    """Pauses where content is on its way; ``held`` are bytes of memory that are held beside it."""
    while True:
        try:
            fetch = next(steps)
        except StopIteration as stop:
            laid: Laid = stop.value
            return laid
        if fetch is not None:
            yield Pause(Stage.BEGUN, held + fetch.size)
