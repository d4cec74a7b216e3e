"""What a worker would have left in a run's folder, file by file, without running anything."""

from collections.abc import Mapping
from typing import Any

from sync.mailbox import records
from sync.mailbox.layout import CHECKPOINT, OUTPUTS, Attempt, RunFolder
from sync.mailbox.records import Ended, Hello, Mark, Tick
from sync.remotes.base import Remote
from sync.store.lines import blocks, lines
from sync.store.nouns import FILE, Entry, Root
from sync.store.writer import SnapshotWriter, placed_elsewhere

from .mailboxes import DirectOutlet


class Worker:
    """One worker on one run."""

    def __init__(self, remote: Remote, base: str, run: str, worker: str = "worker22") -> None:
        self.remote = remote
        self.base = base
        self.run = RunFolder(run)
        self.id = worker
        self.outlet = DirectOutlet(remote, base)
        self._seq = 0
        self._ticks = 0

    def claim(self, epoch: int = 1, **hello: Any) -> "Worker":
        values = {"host": "elsewhere", "boot": "b", "pid": 1, "born": "x", "target": "local", **hello}
        self._write(RunFolder.hello(self.id), Hello(worker=self.id, **values))
        self._write(RunFolder.claim(self.id, epoch), Mark())
        return self

    def yields(self, epoch: int = 1, reason: str = "every shard is over") -> None:
        self._write(RunFolder.yields(self.id, epoch), Mark(reason=reason))

    def broken(self, epoch: int = 1, **ended: Any) -> None:
        self._write(RunFolder.broken(self.id, epoch), Ended(**ended))
        self.yields(epoch, "set-up failed")

    def tick(self, **fields: Any) -> None:
        self._ticks += 1
        values = {"epoch": 1, "elapsed": 1.0, **fields}
        self._write(RunFolder.tick(self.id, self._ticks), Tick(n=self._ticks, **values))

    def start(self, shard: int = 0, n: int = 1) -> Attempt:
        attempt = Attempt(shard, self.id, n)
        self._write(RunFolder.attempt("start", attempt), Ended())
        return attempt

    def publish(self, attempt: Attempt, files: Mapping[str, bytes], output: bytes = b"") -> Root:
        """Outputs so far, with the log."""
        return self._snapshot(OUTPUTS, attempt, {**files, "hybrid.log": output})

    def checkpoint(self, attempt: Attempt, files: Mapping[str, bytes]) -> Root:
        return self._snapshot(CHECKPOINT, attempt, files)

    def done(self, shard: int = 0, files: Mapping[str, bytes] | None = None, **ended: Any) -> Attempt:
        """A whole attempt that succeeded, from its start on. ``ended`` as for ``end``."""
        return self.end("done", shard, files, **ended)

    def failed(self, shard: int = 0, files: Mapping[str, bytes] | None = None, **ended: Any) -> Attempt:
        return self.end("failed", shard, files, **{"exit": 1, "reason": "exit code 1", **ended})

    def end(
        self,
        kind: str,
        shard: int = 0,
        files: Mapping[str, bytes] | None = None,
        *,
        n: int = 1,
        output: bytes = b"",
        **ended: Any,
    ) -> Attempt:
        """``output`` is what the attempt's log holds; ``ended`` are fields of Ended."""
        attempt = self.start(shard, n)
        snapshot = self.publish(attempt, files or {}, output).name
        values = {
            "snapshot": snapshot,
            "seconds": 2.0,
            "log": output.decode("utf-8", "replace")[-8192:],
            **ended,
        }
        self._write(RunFolder.attempt(kind, attempt), Ended(**values))
        return attempt

    def _snapshot(self, what: str, attempt: Attempt, files: Mapping[str, bytes]) -> Root:
        self._seq += 1
        writer = SnapshotWriter(
            self.outlet,
            writer=self.id,
            pack_folder=self.run.path,
            pack_size=self.remote.capabilities.pack_size,
        )
        entries = []
        for path, content in files.items():
            file = writer.begin_file()
            file.feed(content)
            chunks = tuple(placed_elsewhere(*chunk) for chunk in file.end())
            entries.append(Entry(path=path.encode(), kind=FILE, size=len(content), chunks=chunks))
        name = self.run.in_folder(RunFolder.worker_snapshot(what, attempt, self._seq))
        kind = "outputs" if what == OUTPUTS else "checkpoint"
        return writer.finish(
            name=name, kind=kind, seq=self._seq, tree=lambda place: blocks(lines(entries, place)), meta={}
        )

    def _write(self, name: str, record: Any) -> None:
        self.remote.write(f"{self.base}/{self.run.in_folder(name)}", records.encode(record))
