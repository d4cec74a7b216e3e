"""What a push asks the mailbox before it sends anything, side by side, so that it waits for answers only once."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

from ..mailbox import layout
from ..mailbox.layout import SnapshotName
from ..remotes.base import Remote, RemoteFile
from ..store.lanes import Lanes
from .known import is_snapshot

M = TypeVar("M")


@dataclass(frozen=True, kw_only=True)
class Inventory:
    """mine      this laptop's snapshots, oldest first
    sizes     bytes of each pack and snapshot, by mailbox path
    complete  what is not listed is not there
    """

    mine: list[SnapshotName]
    sizes: Mapping[str, int]
    complete: bool

    def after(self, written: Mapping[str, int]) -> "Inventory":
        """With what this laptop has written since: bytes of each file, by mailbox path."""
        names = (layout.parse_snapshot(path.rpartition("/")[2]) for path in written if is_snapshot(path))
        return replace(
            self,
            mine=sorted({*self.mine, *(name for name in names if name is not None)}),
            sizes={**self.sizes, **written},
        )


def take(remote: Remote, base: str, laptop: str, meet: Callable[[], M]) -> tuple[M, Inventory]:
    """What ``meet`` returns, and the inventory, asked at the same time. Raises what either raises, ``meet`` first."""
    with Lanes(min(3, remote.capabilities.connections)) as lanes:
        met = lanes.start(meet)
        folders = {
            folder: lanes.start(partial(remote.list_files, f"{base}/{folder}"))
            for folder in (layout.SNAPSHOTS, layout.PACKS)
        }
        found = met()
        listed = {folder: files() for folder, files in folders.items()}
    return found, Inventory(
        mine=_own(listed[layout.SNAPSHOTS], laptop),
        sizes={f"{folder}/{file.name}": file.size for folder, files in listed.items() for file in files},
        complete=remote.capabilities.strong_listing,
    )


def own_snapshots(remote: Remote, base: str, laptop: str) -> list[SnapshotName]:
    """This laptop's snapshots in the mailbox, oldest first."""
    return _own(remote.list_files(f"{base}/{layout.SNAPSHOTS}"), laptop)


def _own(files: list[RemoteFile], laptop: str) -> list[SnapshotName]:
    parsed = (layout.parse_snapshot(file.name) for file in files)
    return sorted({name for name in parsed if name is not None and name.laptop == laptop})
