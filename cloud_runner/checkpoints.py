"""A new attempt goes on from its shard's newest checkpoint that is whole, whichever machine made it."""

import shutil
from collections.abc import Generator
from pathlib import Path

from sync.errors import CorruptMailbox, NewerMailbox, NotFound
from sync.mailbox.layout import CHECKPOINT, WorkerSnapshot
from sync.mailbox.view import RunView
from sync.store.reader import Reader

from .laying import Unfit, lay_out
from .worker import Lease


def newest_first(seen: RunView, shard: int) -> list[WorkerSnapshot]:
    found = [s for s in seen.snapshots if s.what == CHECKPOINT and s.attempt.shard == shard]
    return sorted(
        found, key=lambda s: (seen.claims.get(s.attempt.worker, 0), s.attempt.n, s.seq), reverse=True
    )


def restore(
    lease: Lease, reader: Reader, seen: RunView, shard: int, target: Path
) -> Generator[float, None, None]:
    """Lays the checkpoint out in ``target``, which stays empty where none can be had whole."""
    for snapshot in newest_first(seen, shard):
        try:
            root = reader.root(lease.folder.in_folder(snapshot.name))
            yield from lay_out(reader, reader.entries(root), target)
            reader.forget(root.name)
            return
        except (NotFound, CorruptMailbox, NewerMailbox, Unfit, OSError) as error:
            lease.place.say(f"checkpoint {snapshot.name} is not used: {error}")
            shutil.rmtree(target, ignore_errors=True)
            target.mkdir(exist_ok=True)
