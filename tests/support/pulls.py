"""A laptop that pulls from a mailbox in a folder."""

from pathlib import Path

from sync.mailbox import records
from sync.mailbox.layout import RunFolder
from sync.mailbox.records import Accepted, Spec
from sync.mailbox.view import look
from sync.pull.filters import Filters
from sync.pull.pulled import Choice, Pulled
from sync.pull.puller import Puller
from sync.remotes.folder import FolderRemote
from tests.support.mailboxes import LAPTOP, make_mailbox, publish_tree, queue_run
from tests.support.workers import Worker

BASE = "p"


class InMemory:
    """Choices as this laptop would keep them."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, int], Choice] = {}

    def get(self, run: str, shard: int) -> Choice | None:
        return self.kept.get((run, shard))

    def put(self, run: str, shard: int, choice: Choice) -> None:
        self.kept[run, shard] = choice

    def drop(self, run: str, shard: int) -> None:
        self.kept.pop((run, shard), None)


class Killed(BaseException):
    pass


class Home:
    """A mailbox, and a laptop that pulls from it."""

    def __init__(self, tmp_path: Path) -> None:
        self.remote = FolderRemote(str(tmp_path / "mail"))
        self.mail = tmp_path / "mail" / BASE
        self.outputs = tmp_path / "outputs"
        self.choices = InMemory()
        make_mailbox(self.remote, BASE)
        self.snapshot = publish_tree(self.remote, BASE, {"a.py": b"print()"}).name

    def queue(self, run: str = "r1", **fields: object) -> Spec:
        return queue_run(self.remote, BASE, run, self.snapshot, **fields)

    def worker(self, worker: str = "worker22", run: str = "r1") -> Worker:
        return Worker(self.remote, BASE, run, worker)

    def pull(
        self,
        spec: Spec,
        *,
        laptop: str = LAPTOP,
        filters: Filters | None = None,
        partial: bool = True,
        dry_run: bool = False,
    ) -> Pulled:
        puller = Puller(
            self.remote, BASE, laptop=laptop, outputs=self.outputs, choices=self.choices, filters=filters
        )
        return puller.pull(spec, partial=partial, dry_run=dry_run)

    def accepted(self, shard: int = 0, laptop: str = LAPTOP, run: str = "r1") -> Accepted | None:
        name = RunFolder.accepted(shard, laptop)
        if name not in look(self.remote, BASE, RunFolder(run)).names:
            return None
        return records.read(Accepted, self.remote, f"{BASE}/{RunFolder(run).in_folder(name)}")

    def run_files(self, pattern: str, run: str = "r1") -> list[Path]:
        return sorted((self.mail / "runs" / run).glob(pattern))


def tree(folder: Path) -> dict[str, bytes]:
    """Files below ``folder``, by relative path."""
    found = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}
