"""Removes what this laptop put into the mailbox and nothing needs any more.

Only what is provably this laptop's goes: snapshots carry its id in their name, packs in their index. It must run
under the laptop's push lock, so that no pack of a push that is under way is taken for garbage.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from .errors import CorruptMailbox, NotFound
from .mailbox import layout, records
from .mailbox.layout import RunFolder, SnapshotName
from .mailbox.records import Spec
from .mailbox.retention import Kept, keep
from .mailbox.state import Phase, phase, shards
from .mailbox.view import look
from .progress import Progress, Silent
from .pull import run_ids
from .remotes.base import Remote, RemoteFile
from .store.nouns import Root
from .store.pack import read_index
from .store.reader import Reader


@dataclass(kw_only=True)
class Collected:
    """What was, or would be, removed: mailbox paths and their bytes."""

    kept_snapshots: int = 0
    removed: list[str] = field(default_factory=list)
    bytes: int = 0


class Collector:
    """``laptop`` is whose things may go. ``created`` in a snapshot's meta is seconds of this laptop's own clock."""

    def __init__(self, remote: Remote, base: str, laptop: str, progress: Progress | None = None) -> None:
        self._remote = remote
        self._base = base
        self._laptop = laptop
        self._reader = Reader(remote, base)
        self._progress = progress or Silent()

    def collect(
        self, *, now: float, last: int, days: int, mine: Iterable[str] = (), dry_run: bool = False
    ) -> Collected:
        """``mine`` are packs that are known to be this laptop's, so that they need not be looked into.

        Raises CorruptMailbox where a snapshot of this laptop is damaged: what it needs cannot be told then.
        """
        collected = Collected()
        names = self._own_snapshots()
        roots: dict[str, Root] = {}
        self._progress.start("snapshots", len(names), "snapshots")
        for name in names:
            roots[name.path] = self._root(name.path)
            self._progress.advance(1)
        self._progress.finish()
        alive = keep(
            (
                Kept(name=name.path, seq=name.seq, created=float(roots[name.path].meta.get("created", now)))
                for name in names
            ),
            now=now,
            last=last,
            days=days,
            named=self._named_by_open_runs(),
        )
        collected.kept_snapshots = len(alive)
        needed = alive | {name for path in alive for name in roots[path].objects}
        sizes = self._sizes(layout.SNAPSHOTS)
        # Snapshots go before packs: nothing may ever name what is not there.
        for name in sorted(names):
            if name.path not in needed:
                self._remove(name.path, sizes.get(name.path, 0), collected, dry_run)
        known = set(mine)
        for path, size in sorted(self._sizes(layout.PACKS).items()):
            if path not in needed and (path in known or self._is_mine(path)):
                self._remove(path, size, collected, dry_run)
        return collected

    def _own_snapshots(self) -> list[SnapshotName]:
        files = self._remote.list_files(f"{self._base}/{layout.SNAPSHOTS}")
        parsed = (layout.parse_snapshot(file.name) for file in files)
        return sorted({name for name in parsed if name is not None and name.laptop == self._laptop})

    def _root(self, path: str) -> Root:
        root = self._reader.root(path)
        self._reader.forget(path)
        return root

    def _named_by_open_runs(self) -> set[str]:
        named = set()
        for run_id in run_ids(self._remote, self._base):
            folder = RunFolder(run_id)
            try:
                spec = records.read(Spec, self._remote, f"{self._base}/{layout.spec(run_id)}")
            except (NotFound, CorruptMailbox):
                continue
            seen = look(self._remote, self._base, folder)
            states = shards(seen, spec.shards, spec.retries)
            now = phase(seen, states)
            home = all(state.accepted or not state.complete for state in states)
            if not (home and now in (Phase.DONE, Phase.STOPPED, Phase.FAILED)):
                named.add(spec.snapshot)
        return named

    def _sizes(self, folder: str) -> dict[str, int]:
        files: list[RemoteFile] = self._remote.list_files(f"{self._base}/{folder}")
        return {f"{folder}/{file.name}": file.size for file in files}

    def _is_mine(self, path: str) -> bool:
        """Whether the pack's own index names this laptop. What cannot be read is nobody's, and stays."""
        if not layout.is_pack(path.rpartition("/")[2]):
            return False
        try:
            index = read_index(self._remote.read(f"{self._base}/{path}"), path)
        except (NotFound, CorruptMailbox):
            return False
        return index.get("writer") == self._laptop

    def _remove(self, path: str, size: int, collected: Collected, dry_run: bool) -> None:
        if not dry_run:
            self._remote.delete(f"{self._base}/{path}")
        collected.removed.append(path)
        collected.bytes += size
