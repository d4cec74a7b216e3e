"""Brings a run's outputs home: verified, laid out aside, renamed when finished, accepted exactly once.

    outputs/<run>/<shard>/           what one attempt of the shard made (outputs/<run>/ for a run without shards)
    outputs/<run>/.partial/<shard>/  what an attempt that has not succeeded (yet) had published

A finished folder is never written again: what the user changes in it stays.
"""

import contextlib
import os
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from .errors import CorruptMailbox, HybridError, LocalDiskFull, NotFound, Problem
from .mailbox import layout, records
from .mailbox.inputs import matching
from .mailbox.layout import OUTPUTS, Attempt, RunFolder
from .mailbox.records import Accepted, Ended, Spec
from .mailbox.state import Phase, ShardState, phase, shards
from .mailbox.view import RunView, look
from .progress import Progress, Silent
from .remotes.base import Remote
from .store.materialise import materialise, to_end
from .store.nouns import FILE, Entry, Root
from .store.reader import Reader

PARTIAL = ".partial"
_SPARE = 64 * 1024 * 1024
"""Bytes of the disk that a pull leaves free."""


@dataclass(frozen=True, kw_only=True)
class Choice:
    """The one attempt that this laptop takes for a shard."""

    attempt: str
    snapshot: str


class Choices(Protocol):
    """What this laptop has chosen, durable before anything is laid out, so that a crash never makes it choose twice."""

    def get(self, run: str, shard: int) -> Choice | None: ...

    def put(self, run: str, shard: int, choice: Choice) -> None: ...

    def drop(self, run: str, shard: int) -> None: ...


@dataclass(frozen=True, kw_only=True)
class Filters:
    """Which outputs come home. Patterns as for a run's inputs; without a slash they match names in any folder."""

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    max_size: int | None = None

    def wants(self, entry: Entry) -> bool:
        if entry.kind == FILE and self.max_size is not None and entry.size > self.max_size:
            return False
        if self.include and not any(_names(pattern, entry.path) for pattern in self.include):
            return False
        return not any(_names(pattern, entry.path) for pattern in self.exclude)


@dataclass(kw_only=True)
class Pulled:
    """What a pull found and did. Shards are numbers.

    fetched     accepted and laid out by this pull
    present     accepted before, and still here
    incomplete  shard -> why an attempt that says it is done cannot be used (yet)
    partial     shards of which ``.partial`` shows something
    left_out    files that the filters kept away, and their bytes
    """

    run: str
    phase: Phase
    states: list[ShardState]
    folder: Path
    fetched: list[int] = field(default_factory=list)
    present: list[int] = field(default_factory=list)
    incomplete: dict[int, str] = field(default_factory=dict)
    partial: list[int] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    files: int = 0
    bytes: int = 0
    left_out: int = 0
    left_out_bytes: int = 0


class Puller:
    """Pulls runs of one project. ``base`` is the project's folder in the remote, ``outputs`` a local folder."""

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

    def pull(self, spec: Spec, *, partial: bool = True) -> Pulled:
        """All that can be had of the run now. Doing it again changes nothing.

        Raises what the remote raises, and LocalDiskFull. Content that is damaged or not there is a result.
        """
        folder = RunFolder(spec.run)
        seen = look(self._remote, self._base, folder)
        states = shards(seen, spec.shards, spec.retries)
        pulled = Pulled(
            run=spec.run, phase=phase(seen, states), states=states, folder=self._outputs / spec.run
        )
        for state in states:
            target = self.place(spec, state.number)
            if state.complete:
                self._complete(spec, folder, seen, state, target, pulled)
            elif partial:
                self._partial(spec, folder, seen, state, pulled)
        self._tidy(pulled)
        return pulled

    def place(self, spec: Spec, shard: int) -> Path:
        """Where the shard's finished outputs lie."""
        run = self._outputs / spec.run
        return run / shard_name(spec, shard) if spec.sharded else run

    def _complete(
        self, spec: Spec, folder: RunFolder, seen: RunView, state: ShardState, target: Path, pulled: Pulled
    ) -> None:
        chosen = self._choices.get(spec.run, state.number)
        if chosen is None and state.accepted:
            chosen = self._accepted(folder, state.number)
        if chosen is not None and _is_finished(target, spec.sharded):
            self._mark(folder, seen, state.number, chosen)
            pulled.present.append(state.number)
            return
        candidates = [chosen] if chosen is not None else []
        candidates += [c for a in state.done if (c := self._candidate(folder, a)) and c != chosen]
        for candidate in candidates:
            self._choices.put(spec.run, state.number, candidate)
            try:
                self._lay_out(candidate, target, pulled)
            except (NotFound, CorruptMailbox) as error:
                self._choices.drop(spec.run, state.number)
                pulled.incomplete[state.number] = f"attempt {candidate.attempt}: {error}"
                continue
            pulled.incomplete.pop(state.number, None)
            self._mark(folder, seen, state.number, candidate)
            pulled.fetched.append(state.number)
            shutil.rmtree(
                self._outputs / spec.run / PARTIAL / shard_name(spec, state.number), ignore_errors=True
            )
            return
        pulled.incomplete.setdefault(state.number, "its record cannot be read yet")

    def _candidate(self, folder: RunFolder, attempt: Attempt) -> Choice | None:
        path = f"{self._base}/{folder.in_folder(RunFolder.attempt('done', attempt))}"
        try:
            return Choice(attempt=str(attempt), snapshot=records.read(Ended, self._remote, path).snapshot)
        except (NotFound, CorruptMailbox):
            return None

    def _accepted(self, folder: RunFolder, shard: int) -> Choice | None:
        path = f"{self._base}/{folder.in_folder(RunFolder.accepted(shard, self._laptop))}"
        try:
            found = records.read(Accepted, self._remote, path)
        except (NotFound, CorruptMailbox):
            return None
        return Choice(attempt=found.attempt, snapshot=found.snapshot)

    def _mark(self, folder: RunFolder, seen: RunView, shard: int, choice: Choice) -> None:
        name = RunFolder.accepted(shard, self._laptop)
        if name not in seen.names:
            record = Accepted(attempt=choice.attempt, snapshot=choice.snapshot)
            self._remote.write(f"{self._base}/{folder.in_folder(name)}", records.encode(record))

    def _lay_out(self, choice: Choice, target: Path, pulled: Pulled) -> None:
        aside = self._outputs / f".{target.parent.name}-{target.name}.incoming"
        root, entries = self._read(choice.snapshot)
        wanted = [entry for entry in entries if self._filters.wants(entry)]
        pulled.left_out += len(entries) - len(wanted)
        pulled.left_out_bytes += sum(e.size for e in entries) - sum(e.size for e in wanted)
        self._write(root, wanted, aside, pulled)
        if target.exists():
            # Only what an unfinished attempt had shown of a run without shards can be here.
            shutil.rmtree(target / PARTIAL, ignore_errors=True)
            with contextlib.suppress(OSError):
                target.rmdir()
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.replace(aside, target)
        except OSError as error:
            raise HybridError(
                f"{target} is in the way of the run's outputs ({error.strerror}).",
                "Move it away and pull again.",
            ) from error

    def _partial(
        self, spec: Spec, folder: RunFolder, seen: RunView, state: ShardState, pulled: Pulled
    ) -> None:
        """Shows the newest of what the shard's attempts have published. What cannot be read now is left for later."""
        found = [s for s in seen.snapshots if s.what == OUTPUTS and s.attempt.shard == state.number]
        found.sort(key=lambda s: (seen.claims.get(s.attempt.worker, 0), s.attempt.n, s.seq))
        if not found:
            return
        target = self._outputs / spec.run / PARTIAL / shard_name(spec, state.number)
        try:
            root, entries = self._read(folder.in_folder(found[-1].name))
            self._write(root, [e for e in entries if self._filters.wants(e)], target, pulled)
        except (NotFound, CorruptMailbox):
            return
        pulled.partial.append(state.number)

    def _read(self, snapshot: str) -> tuple[Root, list[Entry]]:
        root = self._reader.root(snapshot)
        return root, self._reader.entries(root)

    def _write(self, root: Root, entries: list[Entry], target: Path, pulled: Pulled) -> None:
        self._outputs.mkdir(parents=True, exist_ok=True)
        needed = sum(entry.size for entry in entries)
        if needed + _SPARE > shutil.disk_usage(self._outputs).free:
            raise LocalDiskFull(
                f"{self._outputs} has no room for {needed / 1e9:.1f} GB of outputs.",
                "Free some space, or set [pull] max_size or exclude in hybrid.toml, and pull again.",
            )
        laid = to_end(materialise(self._reader, entries, target, mirror=True, progress=self._progress))
        self._reader.forget(root.name)
        pulled.problems += laid.problems
        pulled.files += laid.written
        pulled.bytes += laid.bytes

    def _tidy(self, pulled: Pulled) -> None:
        """Takes away what no longer stands for anything: an empty ``.partial``."""
        partial = pulled.folder / PARTIAL
        if partial.is_dir() and not any(partial.iterdir()):
            partial.rmdir()


def shard_name(spec: Spec, shard: int) -> str:
    """The folder of a shard: its number, padded so that names sort."""
    return f"{shard:0{max(3, len(str(spec.shards - 1)))}d}"


def _is_finished(target: Path, sharded: bool) -> bool:
    """Whether the outputs are here. They arrive by one rename, so they are here whole or not at all."""
    if sharded:
        return target.is_dir()
    return target.is_dir() and any(child.name != PARTIAL for child in target.iterdir())


def _names(pattern: str, path: bytes) -> bool:
    """Whether ``pattern`` names the path, or a folder above it."""
    pattern = pattern.rstrip("/")
    if "/" not in pattern:
        pattern = f"**/{pattern}"
    return bool(matching(pattern, [path]) or matching(f"{pattern}/**", [path]))


def run_ids(remote: Remote, base: str, only: Callable[[str], bool] = lambda name: True) -> list[str]:
    """The runs in the mailbox, oldest first."""
    valid = re.compile(layout.RUN_ID)
    return sorted(n for n in remote.list_folders(f"{base}/{layout.RUNS}") if valid.fullmatch(n) and only(n))
