"""Which attempts a pull may take for a shard, as the mailbox tells, and asking for what tells it before it is needed."""

from collections.abc import Iterable, Mapping

from ..errors import CorruptMailbox, HybridError, NewerMailbox, NotFound
from ..mailbox import layout, records
from ..mailbox.layout import OUTPUTS, Attempt, LaptopFile, RunFolder, WorkerSnapshot, parse_run_file
from ..mailbox.records import LARGEST_RECORD, Accepted, Ended
from ..mailbox.state import ShardState
from ..mailbox.view import RunView
from ..store.reader import LARGEST_SNAPSHOT
from .early import Early
from .pulled import Choice

UNUSABLE = (NotFound, CorruptMailbox, NewerMailbox)
"""What makes one attempt unusable, and leaves every other one as good as it was."""
_SMALL_SNAPSHOT = 2 * 1024 * 1024
"""Bytes of a snapshot that is read on the mere suspicion that it will be wanted."""
_SMALL_RECORD = 64 * 1024
"""The same for a record. An honest one is far smaller."""
_FEW_RECORDS = 4
"""Records of one shard that are asked for before they are needed."""


class Candidates:
    """``folder`` is that of ``run`` in the remote, ``sizes`` are those of its files, ``seen`` what their names tell.

    unusable  shard -> why an attempt of it that says it is done cannot be used; grows
    """

    def __init__(
        self, remote: Early, folder: str, run: str, sizes: Mapping[str, int], seen: RunView, laptop: str
    ) -> None:
        self._remote = remote
        self._folder = folder
        self._run = run
        self._sizes = sizes
        self._seen = seen
        self._laptop = laptop
        self._published: dict[Attempt, str] = {}
        for each in sorted(seen.snapshots, key=lambda s: s.seq):
            if each.what == OUTPUTS:
                self._published[each.attempt] = each.name
        self._others: dict[int, list[str]] = {}
        for name in sorted(seen.names):
            match parse_run_file(name):
                case LaptopFile(kind="accepted", who=who, shard=shard) if who != laptop:
                    self._others.setdefault(shard, []).append(name)
        self._suspected: dict[int, list[str]] = {}
        self.unusable: dict[int, str] = {}

    def ask_early(self, state: ShardState, chosen: Choice | None) -> None:
        """For a complete shard that is not here; ``chosen`` is what this laptop knows to have chosen for it."""
        own = RunFolder.accepted(state.number, self._laptop)
        if chosen is not None:
            self._suspect(state, [], chosen.snapshot.rpartition("/")[2])
        elif own in self._sizes:
            self._suspect(state, [own])
        else:
            others = self._others.get(state.number, [])
            done = [RunFolder.attempt("done", attempt) for attempt in state.done]
            # The last that an attempt published is what its record names.
            newest = self._published.get(state.done[0], "") if done and not others else ""
            self._suspect(state, [*others, *done][:_FEW_RECORDS], newest)

    def ask_for_snapshot(self, name: str) -> None:
        if 0 < self._sizes.get(name, 0) <= _SMALL_SNAPSHOT:
            self._remote.read_soon(f"{self._folder}/{name}", 0, LARGEST_SNAPSHOT + 1)

    def forget(self, state: ShardState) -> None:
        """Drops what ``ask_early`` has asked for in vain."""
        for name in self._suspected.pop(state.number, ()):
            self._remote.drop_read(f"{self._folder}/{name}")

    def told(self, shard: int) -> Choice | None:
        """What this laptop has told the others that it accepted."""
        return self._accepted(RunFolder.accepted(shard, self._laptop))

    def of(self, state: ShardState, chosen: Choice | None) -> list[Choice]:
        """What may be taken, best first: what other laptops have taken comes before what they have not."""
        others = [self._accepted(name) for name in self._others.get(state.number, [])]
        done = [self._done(attempt) for attempt in state.done]
        return list(dict.fromkeys(each for each in (chosen, *others, *done) if each is not None))

    def newest(self, wanted: Iterable[int]) -> list[WorkerSnapshot]:
        """The newest outputs that were published of each of the shards, for those of which there are any."""

        def age(each: WorkerSnapshot) -> tuple[int, int, int]:
            return self._seen.claims.get(each.attempt.worker, 0), each.attempt.n, each.seq

        found = {s.attempt.shard: s for s in sorted(self._seen.snapshots, key=age) if s.what == OUTPUTS}
        return [found[shard] for shard in wanted if shard in found]

    def _done(self, attempt: Attempt) -> Choice | None:
        try:
            ended = records.read(Ended, self._remote, f"{self._folder}/{RunFolder.attempt('done', attempt)}")
        except UNUSABLE as error:
            self.unusable[attempt.shard] = why(str(attempt), error)
            return None
        if not layout.is_outputs_of(ended.snapshot, self._run, attempt):
            return None
        return Choice(attempt=str(attempt), snapshot=ended.snapshot)

    def _accepted(self, name: str) -> Choice | None:
        try:
            found = records.read(Accepted, self._remote, f"{self._folder}/{name}")
        except UNUSABLE:
            return None
        attempt = layout.parse_attempt(found.attempt)
        if attempt is None or not layout.is_outputs_of(found.snapshot, self._run, attempt):
            return None
        return Choice(attempt=found.attempt, snapshot=found.snapshot)

    def _suspect(self, state: ShardState, records_: list[str], snapshot: str = "") -> None:
        self._suspected[state.number] = [*records_, snapshot]
        for name in records_:
            if self._sizes.get(name, 0) <= _SMALL_RECORD:
                self._remote.read_soon(f"{self._folder}/{name}", 0, LARGEST_RECORD)
        self.ask_for_snapshot(snapshot)


def why(attempt: str, error: HybridError) -> str:
    """Why the attempt cannot be used, for people."""
    return f"attempt {attempt}: {error} {error.hint}".rstrip()
