"""Where a run's outputs lie on this laptop, and what a look at the disk tells about them.

    outputs/<run>/<shard>/           what one attempt of the shard made (outputs/<run>/ for a run without shards)
    outputs/<run>/.partial/<shard>/  what an attempt that has not succeeded (yet) had published

Finished outputs arrive by one rename, so they are here whole or not at all.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from .mailbox.records import Spec
from .store.nouns import FILE, Entry

PARTIAL = ".partial"
LOG = b"hybrid.log"
"""The whole log of an attempt, among its outputs."""


@dataclass(frozen=True)
class Outputs:
    """The outputs of one run below ``top``."""

    top: Path
    spec: Spec

    @property
    def folder(self) -> Path:
        return self.top / self.spec.run

    def place(self, shard: int) -> Path:
        """Where the shard's finished outputs lie."""
        return self.folder / self.name(shard) if self.spec.sharded else self.folder

    def partial(self, shard: int) -> Path:
        return self.folder / PARTIAL / self.name(shard)

    def incoming(self, shard: int) -> Path:
        """Where the shard's outputs gather before they are whole."""
        return self.top / f".{self.spec.run}.{self.name(shard)}.incoming"

    @property
    def outgoing(self) -> Path:
        """Where the partial outputs of a run without shards go when the finished ones take their place."""
        return self.top / f".{self.spec.run}.outgoing"

    def name(self, shard: int) -> str:
        """The folder of a shard: its number, padded so that names sort."""
        return f"{shard:0{max(3, len(str(self.spec.shards - 1)))}d}"

    def is_finished(self, shard: int, *, accepted: bool) -> bool:
        """Whether the outputs of a shard that was chosen are here; ``accepted`` if the mailbox was told so."""
        place = self.place(shard)
        if not place.is_dir():
            return False
        # Before that, an empty folder of a run without shards is what was left of its partial outputs.
        return self.spec.sharded or accepted or _holds_more_than_partial(place)

    def is_blocked(self, shard: int) -> bool:
        """Whether the place is taken, by what is not known to be the shard's outputs."""
        if os.path.lexists(self.folder) and not self.folder.is_dir():
            return True
        place = self.place(shard)
        if not os.path.lexists(place):
            return False
        return not place.is_dir() or self.spec.sharded or _holds_more_than_partial(place)


def is_there(folder: Path, entry: Entry) -> bool:
    """Whether the entry takes up its room in ``folder`` already: a file of that name and size."""
    if entry.kind != FILE:
        return True
    try:
        return os.lstat(os.fsencode(folder) + b"/" + entry.path).st_size == entry.size
    except OSError:
        return False


def settle() -> None:
    """What was written survives a power cut from here on, where the system can promise that."""
    if hasattr(os, "sync"):
        os.sync()


def _holds_more_than_partial(folder: Path) -> bool:
    return any(child.name != PARTIAL for child in folder.iterdir())
