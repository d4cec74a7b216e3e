"""The runner's folders on its own disk. They are a cache: nothing in them is needed once the machine is gone.

<work>/<project>/<run>/owner.json          who uses it
                      /tree/               the snapshot, laid out
                      /<attempt>/out, ckpt, input, log
                      /<attempt>/child.json   the attempt's process, so that a dead runner's child can be ended
"""

import json
import os
import shutil
from pathlib import Path

from sync.mailbox.layout import Attempt

from . import child, host


class Workspace:
    def __init__(self, work: Path, project: str, run_id: str, worker: str) -> None:
        """Takes the run's folder, or one of its own where another live runner uses that."""
        self.path = work / project / run_id
        if not self._take():
            self.path = work / project / f"{run_id}.{worker}"
            self._take()

    @property
    def tree(self) -> Path:
        return self.path / "tree"

    def setup_log(self) -> Path:
        return self.path / "setup.log"

    def begin(self, attempt: Attempt) -> Path:
        """An empty folder for the attempt, with ``out`` and ``ckpt`` in it."""
        folder = self.path / str(attempt)
        shutil.rmtree(folder, ignore_errors=True)
        (folder / "out").mkdir(parents=True)
        (folder / "ckpt").mkdir()
        return folder

    def record_child(self, folder: Path, pid: int) -> None:
        _write(folder / "child.json", {"pid": pid, "born": host.born(pid), "boot": host.boot()})

    def remove(self, folder: Path) -> None:
        shutil.rmtree(folder, ignore_errors=True)

    def _take(self) -> bool:
        self.path.mkdir(parents=True, exist_ok=True)
        owner = _read(self.path / "owner.json")
        if owner.get("boot") == host.boot() and owner.get("pid") != os.getpid():
            pid = owner.get("pid")
            if isinstance(pid, int) and owner.get("born") and host.born(pid) == owner["born"]:
                return False
        _write(
            self.path / "owner.json",
            {"pid": os.getpid(), "born": host.born(os.getpid()), "boot": host.boot()},
        )
        for record in self.path.glob("*/child.json"):
            _end_orphan(_read(record))
            shutil.rmtree(record.parent, ignore_errors=True)
        return True


def _end_orphan(record: dict[str, object]) -> None:
    """Ends the group of a child whose runner died. Its number is its own while any member of the group lives."""
    pid = record.get("pid")
    if not isinstance(pid, int) or record.get("boot") != host.boot():
        return
    now = host.born(pid)
    if not now or now == record.get("born"):
        child.kill_group(pid)


def _read(path: Path) -> dict[str, object]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return document if isinstance(document, dict) else {}


def _write(path: Path, document: dict[str, object]) -> None:
    temporary = path.with_name(f"{path.name}.{os.getpid()}")
    temporary.write_text(json.dumps(document), encoding="utf-8")
    os.replace(temporary, path)
