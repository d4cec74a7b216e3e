"""The runner's folders on its own disk. They are a cache: nothing in them is needed once the machine is gone.

<work>/<project>/lock               held while a space is taken or cleared away
<work>/<project>/space/owner.json   who uses it
                      /tree/        the snapshot, laid out; the next run's writes only what differs
                      /made.json    what the set-up made in the tree, which the next run's layout spares
                      /<attempt>/out, ckpt, input, log
                      /<attempt>/child.json   the attempt's process, so that a dead runner's child can be ended
<work>/<project>/space-<worker>/    the same, of a runner that found ``space`` in use
"""

import os
import shutil
from pathlib import Path

from sync.mailbox.layout import Attempt

from . import child, host, json_file
from .locked import locked

SHARED = "space"


class Workspace:
    """``work`` is this machine's folder for scratch. Two runners never use one space."""

    def __init__(self, work: Path, project: str, worker: str) -> None:
        home = work / project
        home.mkdir(parents=True, exist_ok=True)
        with locked(home / "lock"):
            self.path = home / SHARED
            if not _take(self.path):
                self.path = home / f"{SHARED}-{worker}"
                self.path.mkdir(exist_ok=True)
                json_file.write(self.path / "owner.json", _me())
            for left in home.glob(f"{SHARED}-*"):
                if left != self.path and _is_abandoned(left):
                    _end_orphans(left)
                    shutil.rmtree(left, ignore_errors=True)

    @property
    def tree(self) -> Path:
        return self.path / "tree"

    def begin(self, attempt: Attempt) -> Path:
        """An empty folder for the attempt, with ``out`` and ``ckpt`` in it."""
        folder = self.path / str(attempt)
        shutil.rmtree(folder, ignore_errors=True)
        (folder / "out").mkdir(parents=True)
        (folder / "ckpt").mkdir()
        return folder

    def record_child(self, folder: Path, pid: int) -> None:
        json_file.write(folder / "child.json", {"pid": pid, "born": host.born(pid), "boot": host.boot()})

    def remove(self, folder: Path) -> None:
        shutil.rmtree(folder, ignore_errors=True)

    def close(self) -> None:
        """A space that nobody else will come back to goes."""
        if self.path.name != SHARED:
            shutil.rmtree(self.path, ignore_errors=True)


def _take(space: Path) -> bool:
    """Makes the space ours, unless it may be a live runner's."""
    try:
        space.mkdir()
    except FileExistsError:
        owner = json_file.read(space / "owner.json")
        ours = owner.get("pid") == os.getpid() and owner.get("born") == host.born(os.getpid())
        if not ours and not _is_abandoned(space):
            return False
        _end_orphans(space)
    json_file.write(space / "owner.json", _me())
    return True


def _me() -> dict[str, object]:
    return {"pid": os.getpid(), "born": host.born(os.getpid()), "boot": host.boot()}


def _is_abandoned(space: Path) -> bool:
    """Whether its runner is certainly dead. Where the system does not tell processes apart, nothing is certain."""
    owner = json_file.read(space / "owner.json")
    if not host.boot():
        return False
    if owner.get("boot") != host.boot():
        return True
    pid = owner.get("pid")
    return not isinstance(pid, int) or not owner.get("born") or host.born(pid) != owner["born"]


def _end_orphans(space: Path) -> None:
    """Ends what a dead runner's children have left, and removes their folders."""
    for record in space.glob("*/child.json"):
        _end_orphan(json_file.read(record))
    for folder in space.iterdir():
        if folder.is_dir() and folder.name != "tree":
            shutil.rmtree(folder, ignore_errors=True)


def _end_orphan(record: dict[str, object]) -> None:
    """Ends the group of a child whose runner died. Its number is its own while any member of the group lives."""
    pid = record.get("pid")
    if not isinstance(pid, int) or not host.boot() or record.get("boot") != host.boot():
        return
    now = host.born(pid)
    if not now or now == record.get("born"):
        child.kill_group(pid)
