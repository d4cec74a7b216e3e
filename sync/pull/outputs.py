"""Where a run's outputs lie on this laptop, and what a look at the disk tells about them.

    outputs/<run>/<shard>/           what one attempt of the shard made (outputs/<run>/ for a run without shards)
    outputs/<run>/.partial/<shard>/  what an attempt that has not succeeded (yet) had published

Finished outputs arrive by one rename, so they are here whole or not at all.
"""

import contextlib
import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from ..errors import CorruptMailbox, HybridError, LocalDiskFull, Problem
from ..mailbox import layout
from ..mailbox.records import Spec
from ..store import disk_errors
from ..store.nouns import FILE, Entry

PARTIAL = ".partial"
_PARTIAL_NAME = os.fsencode(PARTIAL)
_SPARE = 64 * 1024 * 1024
"""Bytes of the disk that a pull leaves free."""


class InTheWay(Exception):
    """Something that is not known to be a shard's outputs lies in their place."""

    def __init__(self, place: Path) -> None:
        super().__init__(f"{place} is in the way; move it away and pull again")


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

    def sifted(self, entries: list[Entry]) -> tuple[list[Entry], list[Problem]]:
        """The entries of finished outputs but those that would lie, or lead, where unfinished ones are shown: on a disk,
        too, that takes "A" for "a"."""
        if self.spec.sharded:
            return entries, []
        refused = [entry for entry in entries if entry.path.partition(b"/")[0].lower() == _PARTIAL_NAME]
        problems = [Problem(entry.path, "would lie where unfinished outputs are shown") for entry in refused]
        if refused:
            paths = {entry.path for entry in refused}
            entries = [entry for entry in entries if entry.path not in paths]
        return entries, problems

    def open_partial(self) -> None:
        """Sees to it that unfinished outputs go into a folder of ours: a link in its place is taken away.

        Raises HybridError where that fails.
        """
        folder = self.folder / PARTIAL
        try:
            if folder.is_symlink():
                folder.unlink()
        except OSError as error:
            raise disk_errors.in_words(error, os.fsencode(folder)) from error

    def drop_partial(self, shard: int) -> None:
        if self.spec.sharded and not (self.folder / PARTIAL).is_symlink():
            shutil.rmtree(self.partial(shard), ignore_errors=True)

    def incoming(self, shard: int) -> Path:
        """Where the shard's outputs gather before they are whole."""
        return self.top / f".{self.spec.run}.{self.name(shard)}.incoming"

    def name(self, shard: int) -> str:
        """The folder of a shard: its number, padded so that names sort."""
        return f"{shard:0{max(3, len(str(self.spec.shards - 1)))}d}"

    def is_finished(self, shard: int, *, accepted: bool) -> bool:
        """Whether the outputs of a shard that was chosen are here; ``accepted`` if the mailbox was told so."""
        place = self.place(shard)
        if not place.is_dir() or os.path.lexists(self.incoming(shard)):
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

    def arrive(self, shard: int) -> None:
        """Moves what has gathered for the shard to its place. Raises InTheWay where that holds what is not ours."""
        place = self.place(shard)
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            if not self.spec.sharded:
                shutil.rmtree(place / PARTIAL, ignore_errors=True)
            with contextlib.suppress(FileNotFoundError):
                place.rmdir()
            os.replace(self.incoming(shard), place)
        except OSError as error:
            raise InTheWay(place) from error


def check(spec: Spec) -> None:
    """Raises CorruptMailbox for a spec that would lead its reader astray: a run's id names a folder of this machine."""
    if not re.fullmatch(layout.RUN_ID, spec.run):
        raise CorruptMailbox(f"The spec of a run cannot be true: {spec.run[:80]!r} is no id of a run.")


def is_there(folder: Path, entry: Entry) -> bool:
    """Whether the entry takes up its room in ``folder`` already: a file of that name and size."""
    if entry.kind != FILE:
        return True
    try:
        return os.lstat(os.fsencode(folder) + b"/" + entry.path).st_size == entry.size
    except OSError:
        return False


def make_room(top: Path, target: Path, entries: list[Entry]) -> None:
    """Makes ``top``, and sees to it that the entries fit into ``target``, a folder in it.

    Raises LocalDiskFull, and HybridError where there can be no such folder.
    """
    try:
        top.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(top).free
    except (FileExistsError, NotADirectoryError) as error:
        raise HybridError(f"{top} is no folder, so outputs cannot go there.") from error
    except OSError as error:
        raise disk_errors.in_words(error, os.fsencode(top)) from error
    fresh = not os.path.lexists(target)
    needed = sum(entry.size for entry in entries if fresh or not is_there(target, entry))
    if needed + _SPARE > free:
        raise LocalDiskFull(
            f"{top} has no room for the outputs: {needed:,} bytes are to come, and {free:,} are free.",
            "Free some space, or set [pull] max_size or exclude in hybrid.toml, and pull again.",
        )


def settle(folders: list[Path]) -> None:
    """What was written into ``folders`` survives a power cut from here on, where the system can promise that.

    Linux waits until all is on its disks. macOS may return while the last of it is still on its way, and to wait there
    for one file after the other would cost more than all the rest of a pull.

    Raises LocalDiskFull, and HybridError where it fails.
    """
    if hasattr(os, "sync"):
        os.sync()
        return
    for folder in folders:
        try:
            for path in folder.rglob("*"):
                if path.is_file() and not path.is_symlink():
                    with open(path, "r+b") as file:
                        os.fsync(file.fileno())
        except OSError as error:
            raise disk_errors.in_words(error, os.fsencode(folder)) from error


def remove_empty(*folders: Path) -> None:
    """Takes away folders that hold nothing, and thus stand for nothing."""
    for folder in folders:
        with contextlib.suppress(OSError):
            folder.rmdir()


def _holds_more_than_partial(folder: Path) -> bool:
    return any(child.name != PARTIAL for child in folder.iterdir())
