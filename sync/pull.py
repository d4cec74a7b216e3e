"""Brings a run's outputs home: verified, laid out aside, renamed when finished, accepted exactly once.

A finished folder is never written again: what the user changes in it stays. ``outputs`` says where what lies.
"""

import contextlib
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .errors import CorruptMailbox, HybridError, NewerMailbox, NotFound, Problem
from .filters import Filters
from .mailbox import layout, records
from .mailbox.layout import OUTPUTS, Attempt, LaptopFile, RunFolder, parse_run_file
from .mailbox.records import Accepted, Ended, Spec
from .mailbox.state import ShardState, phase, shards
from .mailbox.view import RunView, look
from .outputs import PARTIAL, InTheWay, Outputs, make_room, settle
from .progress import Progress, Silent
from .pulled import Choice, Choices, Pulled
from .remotes.base import Remote
from .store.materialise import materialise, to_end
from .store.nouns import FILE, Entry
from .store.reader import Reader

_UNUSABLE = (NotFound, CorruptMailbox, NewerMailbox)
"""What makes one attempt unusable, and leaves every other one as good as it was."""


class _Unwritten(Exception):
    """This disk failed to take something of an attempt: no other attempt would fare better."""


@dataclass(frozen=True, kw_only=True)
class _Job:
    """A run that is being pulled. ``others``: shard -> the files in which other laptops say what they accepted."""

    spec: Spec
    path: str
    outputs: Outputs
    seen: RunView
    others: dict[int, list[str]]
    pulled: Pulled
    dry_run: bool


class Puller:
    """Pulls runs of one project. ``base`` is the project's folder in the remote, ``outputs`` a local folder.

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
        progress: Progress | None = None,
    ) -> None:
        self._remote = remote
        self._base = base
        self._laptop = laptop
        self._outputs = outputs
        self._choices = choices
        self._filters = filters or Filters()
        self._progress = progress or Silent()
        self._reader = Reader(remote, base)

    def pull(self, spec: Spec, *, partial: bool = True, dry_run: bool = False) -> Pulled:
        """All that can be had of the run now. Doing it again changes nothing.

        partial  whether to show what unfinished attempts have published
        dry_run  find out what would come, and write nothing anywhere

        Raises what the remote raises, LocalDiskFull, HybridError where nothing can be written here, and CorruptMailbox for a spec that cannot be true. Content that
        is damaged, not there, or of a newer version is a result.
        """
        check(spec)
        folder = RunFolder(spec.run)
        seen = look(self._remote, self._base, folder)
        states = shards(seen, spec.shards, spec.retries)
        outputs = Outputs(self._outputs, spec)
        pulled = Pulled(run=spec.run, phase=phase(seen, states), states=states, folder=outputs.folder)
        job = _Job(
            spec=spec,
            path=f"{self._base}/{folder.path}",
            outputs=outputs,
            seen=seen,
            others=_others(seen, self._laptop),
            pulled=pulled,
            dry_run=dry_run,
        )
        for state in states:
            if state.complete and self._complete(job, state):
                continue
            if partial and not dry_run:
                self._partial(job, state.number)
        if not dry_run and (spec.sharded or not states[0].complete or pulled.incomplete):
            _remove_empty(outputs.folder / PARTIAL, outputs.folder)
        return pulled

    def _complete(self, job: _Job, state: ShardState) -> bool:
        """Whether the shard is here now, whole."""
        shard, pulled = state.number, job.pulled
        mark = RunFolder.accepted(shard, self._laptop)
        told = mark in job.seen.names
        chosen = self._choices.get(job.spec.run, shard)
        if chosen is None and told:
            chosen = self._accepted(job, mark)
        if chosen is not None and job.outputs.is_finished(shard, accepted=told):
            self._finish(job, shard, chosen)
            pulled.present.append(shard)
            return True
        if job.outputs.is_blocked(shard):
            return _blocked(pulled, shard, InTheWay(job.outputs.place(shard)))
        # What this laptop has told the others once is final.
        candidates = [chosen] if told and chosen else self._candidates(job, state, chosen)
        for candidate in candidates:
            try:
                self._take(job, shard, candidate)
            except InTheWay as error:
                return _blocked(pulled, shard, error)
            except _Unwritten as error:
                pulled.unwritten.append(shard)
                pulled.incomplete[shard] = f"{error} could not be written; what is here already is kept"
                return False
            except _UNUSABLE as error:
                pulled.incomplete[shard] = f"attempt {candidate.attempt}: {_why(error)}"
                continue
            pulled.incomplete.pop(shard, None)
            pulled.fetched.append(shard)
            return True
        pulled.incomplete.setdefault(shard, "its record cannot be read yet")
        return False

    def _candidates(self, job: _Job, state: ShardState, chosen: Choice | None) -> list[Choice]:
        """What may be taken for the shard, best first: what other laptops have taken comes before what they have not."""
        others = [self._accepted(job, name) for name in job.others.get(state.number, [])]
        done = [self._done(job, attempt) for attempt in state.done]
        return list(dict.fromkeys(each for each in (chosen, *others, *done) if each is not None))

    def _done(self, job: _Job, attempt: Attempt) -> Choice | None:
        try:
            ended = records.read(Ended, self._remote, f"{job.path}/{RunFolder.attempt('done', attempt)}")
        except _UNUSABLE as error:
            job.pulled.incomplete[attempt.shard] = f"attempt {attempt}: {_why(error)}"
            return None
        if not layout.is_outputs_of(ended.snapshot, job.spec.run, attempt):
            return None
        return Choice(attempt=str(attempt), snapshot=ended.snapshot)

    def _accepted(self, job: _Job, name: str) -> Choice | None:
        try:
            found = records.read(Accepted, self._remote, f"{job.path}/{name}")
        except _UNUSABLE:
            return None
        attempt = layout.parse_attempt(found.attempt)
        if attempt is None or not layout.is_outputs_of(found.snapshot, job.spec.run, attempt):
            return None
        return Choice(attempt=found.attempt, snapshot=found.snapshot)

    def _take(self, job: _Job, shard: int, choice: Choice) -> None:
        """Raises NotFound or CorruptMailbox where the attempt's outputs are not whole in the mailbox."""
        with self._entries(choice.snapshot) as (wanted, left_out):
            if job.dry_run:
                job.pulled.files += sum(entry.kind == FILE for entry in wanted)
                job.pulled.bytes += sum(entry.size for entry in wanted)
            else:
                self._lay_out(job, shard, choice, wanted)
        job.pulled.left_out += sum(entry.kind == FILE for entry in left_out)
        job.pulled.left_out_bytes += sum(entry.size for entry in left_out)
        self._finish(job, shard, choice)

    def _lay_out(self, job: _Job, shard: int, choice: Choice, wanted: list[Entry]) -> None:
        incoming = job.outputs.incoming(shard)
        failures = self._write(wanted, incoming, job.pulled)
        if failures:
            raise _Unwritten(
                f"{len(failures)} file{'s' if len(failures) > 1 else ''} of attempt {choice.attempt}"
            )
        # Until the incoming folder is gone, what was chosen is known not to have arrived.
        self._choices.put(job.spec.run, shard, choice)
        settle(incoming)
        try:
            job.outputs.arrive(shard)
        except InTheWay:
            self._choices.drop(job.spec.run, shard)
            raise

    def _finish(self, job: _Job, shard: int, choice: Choice) -> None:
        """Tells the others, and takes away what stood in for the shard."""
        if job.dry_run:
            return
        name = RunFolder.accepted(shard, self._laptop)
        if name not in job.seen.names:
            record = Accepted(attempt=choice.attempt, snapshot=choice.snapshot)
            self._remote.write(f"{job.path}/{name}", records.encode(record))
        if job.spec.sharded:
            shutil.rmtree(job.outputs.partial(shard), ignore_errors=True)

    def _partial(self, job: _Job, shard: int) -> None:
        """Shows the newest of what the shard's attempts have published. What cannot be read now is left for later."""
        found = [s for s in job.seen.snapshots if s.what == OUTPUTS and s.attempt.shard == shard]
        if not found or job.outputs.is_blocked(shard):
            return
        newest = max(found, key=lambda s: (job.seen.claims.get(s.attempt.worker, 0), s.attempt.n, s.seq))
        target = job.outputs.partial(shard)
        try:
            with self._entries(f"{layout.run(job.spec.run)}/{newest.name}") as (wanted, _):
                self._write(wanted, target, job.pulled)
        except _UNUSABLE:
            _remove_empty(target)
            return
        job.pulled.partial.append(shard)

    @contextlib.contextmanager
    def _entries(self, snapshot: str) -> Iterator[tuple[list[Entry], list[Entry]]]:
        """What the filters want of a snapshot, and what they leave out; its content can be fetched meanwhile."""
        try:
            wanted: list[Entry] = []
            left_out: list[Entry] = []
            for entry in self._reader.entries(self._reader.root(snapshot)):
                (wanted if self._filters.wants(entry) else left_out).append(entry)
            yield wanted, left_out
        finally:
            self._reader.forget(snapshot)

    def _write(self, entries: list[Entry], target: Path, pulled: Pulled) -> list[Problem]:
        """Returns what this disk failed to take, which is among the problems of ``pulled`` too."""
        make_room(self._outputs, target, entries)
        laid = to_end(materialise(self._reader, entries, target, mirror=True, progress=self._progress))
        pulled.problems += laid.problems
        pulled.files += laid.written
        pulled.bytes += laid.bytes
        return laid.failures


def check(spec: Spec) -> None:
    """Raises CorruptMailbox for a spec that would lead its reader astray: a run's id names a folder of this machine."""
    if not re.fullmatch(layout.RUN_ID, spec.run):
        raise CorruptMailbox(f"The spec of a run cannot be true: {spec.run[:80]!r} is no id of a run.")


def _blocked(pulled: Pulled, shard: int, error: InTheWay) -> bool:
    pulled.blocked.append(shard)
    pulled.incomplete[shard] = f"{error}"
    return False


def _why(error: HybridError) -> str:
    return f"{error} {error.hint}".rstrip()


def _others(seen: RunView, laptop: str) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    for name in sorted(seen.names):
        match parse_run_file(name):
            case LaptopFile(kind="accepted", who=who, shard=shard) if who != laptop:
                found.setdefault(shard, []).append(name)
    return found


def _remove_empty(*folders: Path) -> None:
    """Takes away folders that hold nothing, and thus stand for nothing."""
    for folder in folders:
        with contextlib.suppress(OSError):
            folder.rmdir()
