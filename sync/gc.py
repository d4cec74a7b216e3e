"""Removes what this laptop put into the mailbox and nothing needs any more.

Only what is provably this laptop's goes: snapshots carry its id in their name, packs in their index. It must run
under the laptop's push lock, so that no pack of a push that is under way is taken for garbage.
"""

import logging
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from .clock import Clock
from .errors import CorruptMailbox, NotFound
from .leftovers import Leftover, abandoned, probes, unfinished
from .mailbox import layout, records
from .mailbox.layout import RunFolder, SnapshotName
from .mailbox.records import Spec
from .mailbox.retention import Kept, keep
from .mailbox.state import OVER, phase, shards
from .mailbox.view import look, run_ids
from .progress import Progress, Silent
from .push.inventory import own_snapshots
from .remotes.base import Remote
from .store.nouns import Root
from .store.pack import FOOTER, PACK_MAGIC, decode_index, read_footer
from .store.reader import Reader

_LOG = logging.getLogger(__name__)


@dataclass(kw_only=True)
class Collected:
    """What was, or would be, removed: mailbox paths and their bytes, snapshots first.

    kept_packs, kept_bytes  packs that snapshots of this laptop need, and the bytes of those and the snapshots
    others                  packs that were found to be another laptop's
    leftovers               what killed programs have left beside the mailbox's files
    unfinished              temporary files that may still be written; paths from the mailbox's root
    """

    kept_snapshots: int = 0
    kept_packs: int = 0
    kept_bytes: int = 0
    removed: list[str] = field(default_factory=list)
    bytes: int = 0
    others: set[str] = field(default_factory=set)
    leftovers: list[Leftover] = field(default_factory=list)
    unfinished: set[str] = field(default_factory=set)


class Collector:
    """``laptop`` is whose things may go. ``created`` in a snapshot's meta is seconds of this laptop's own clock."""

    def __init__(
        self, remote: Remote, base: str, laptop: str, clock: Clock, progress: Progress | None = None
    ) -> None:
        self._remote = remote
        self._base = base
        self._laptop = laptop
        self._clock = clock
        self._reader = Reader(remote, base)
        self._progress = progress or Silent()

    def collect(
        self,
        *,
        last: int,
        days: int,
        mine: Iterable[str] = (),
        others: Iterable[str] = (),
        forget: Callable[[list[str]], None] = lambda names: None,
        seen: Mapping[str, float] | None = None,
        dry_run: bool = False,
    ) -> Collected:
        """Keeps what ``retention.keep`` says, and all that open runs name.

        mine, others  packs that are known to be this laptop's, or another's, so that they need not be looked into
        forget        told what will go before it goes, so that nothing here counts on it any more
        seen          temporary files that earlier collections have told of, and when, on this laptop's wall clock

        Raises CorruptMailbox where a snapshot of this laptop, or a run's spec, is damaged: what they need cannot be
        told then.
        """
        if not self._remote.capabilities.strong_listing:
            # What this laptop wrote last must be in the listings: a pack whose snapshot is missing looks like garbage.
            self._clock.sleep(self._remote.capabilities.settle_s)
        # Newest first, so that no snapshot ever goes before one that leans on it.
        names = own_snapshots(self._remote, self._base, self._laptop)[::-1]
        roots = self._roots(names)
        now = self._clock.wall()
        candidates = [
            Kept(name=name.path, seq=name.seq, created=_created(roots[name.path], now))
            for name in names
            if name.path in roots
        ]
        alive = keep(candidates, now=now, last=last, days=days, named=self._named_by_open_runs())
        needed = alive | {name for path in alive for name in roots[path].objects}
        collected = Collected(kept_snapshots=len(alive))
        sizes = self._sizes(layout.SNAPSHOTS)
        own = {path: sizes.get(path, 0) for path in roots} | self._own_packs(
            needed, set(mine), set(others), collected
        )
        doomed = [path for path in own if path not in needed]
        collected.kept_packs = sum(path in needed and path.startswith(layout.PACKS) for path in own)
        collected.kept_bytes = sum(size for path, size in own.items() if path in needed)
        collected.removed = doomed
        collected.bytes = sum(own[path] for path in doomed)
        if not dry_run and doomed:
            forget(doomed)
            self._remove(doomed)
        found = unfinished(self._remote, self._base)
        old = abandoned(found, seen or {}, now)
        collected.unfinished = {each.path for each in found if each not in old}
        collected.leftovers = [*old, *probes(self._remote, self._base, self._laptop)]
        for leftover in () if dry_run else collected.leftovers:
            leftover.remove(self._remote)
            _LOG.info("removed %s", leftover.path)
        return collected

    def _roots(self, names: list[SnapshotName]) -> dict[str, Root]:
        roots = {}
        self._progress.start("snapshots", len(names), "snapshots")
        for name in names:
            try:
                roots[name.path] = self._reader.root(name.path)
            except NotFound:
                pass  # it went with an earlier collection, and the listing has not noticed yet
            except CorruptMailbox as error:
                raise CorruptMailbox(
                    f"What may go cannot be told: {error}",
                    "Where that state of the project does not matter, remove the file by hand.",
                ) from error
            finally:
                self._reader.forget(name.path)
            self._progress.advance(1)
        self._progress.finish()
        return roots

    def _named_by_open_runs(self) -> set[str]:
        named = set()
        for run_id in run_ids(self._remote, self._base):
            folder = RunFolder(run_id)
            try:
                spec = records.read(Spec, self._remote, f"{self._base}/{layout.spec(run_id)}")
            except NotFound:
                continue  # being queued by another laptop, from a state of its own, or removed
            except CorruptMailbox as error:
                raise CorruptMailbox(
                    f"What may go cannot be told: {error}",
                    f"hybrid rm --force {run_id} removes that run, if it stays so.",
                ) from error
            seen = look(self._remote, self._base, folder)
            states = shards(seen, spec.shards, spec.retries)
            home = all(state.accepted or not state.complete for state in states)
            if not (home and phase(seen, states) in OVER):
                named.add(spec.snapshot)
        return named

    def _own_packs(
        self, needed: set[str], mine: set[str], others: set[str], collected: Collected
    ) -> dict[str, int]:
        """Packs of this laptop, with their sizes: what its snapshots need is its own."""
        found = {}
        sizes = sorted(self._sizes(layout.PACKS).items())
        self._progress.start("packs", len(sizes), "packs")
        for path, size in sizes:
            if path in needed or path in mine:
                found[path] = size
            elif path not in others and layout.is_pack(path.rpartition("/")[2]):
                writer = self._writer(path, size)
                if writer == self._laptop:
                    found[path] = size
                elif writer is not None:
                    collected.others.add(path)
            self._progress.advance(1)
        self._progress.finish()
        return found

    def _sizes(self, folder: str) -> dict[str, int]:
        files = self._remote.list_files(f"{self._base}/{folder}")
        return {f"{folder}/{file.name}": file.size for file in files}

    def _writer(self, path: str, size: int) -> str | None:
        """Whom the pack's own index names; None where it cannot be read: then it is nobody's, and stays."""
        try:
            tail = self._remote.read(f"{self._base}/{path}", max(0, size - FOOTER.size), FOOTER.size)
            at = read_footer(tail, size, path)
            if at.magic != PACK_MAGIC:
                return None
            index = decode_index(at, self._remote.read(f"{self._base}/{path}", at.offset, at.stored), path)
        except (NotFound, CorruptMailbox):
            return None
        writer = index.get("writer")
        return writer if isinstance(writer, str) else None

    def _remove(self, paths: list[str]) -> None:
        """In the order given, snapshots first and the newest of those: nothing may ever name what is not there."""
        self._progress.start("remove", len(paths), "objects")
        for path in paths:
            self._remote.delete(f"{self._base}/{path}")
            _LOG.info("removed %s", path)
            self._progress.advance(1)
        self._progress.finish()


def _created(root: Root, now: float) -> float:
    """When the snapshot was made; one that does not say it counts as new."""
    created = root.meta.get("created")
    try:
        seconds = float(created) if isinstance(created, int | float) else now
    except OverflowError:
        return now
    return seconds if math.isfinite(seconds) else now
