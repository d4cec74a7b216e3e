"""A folder on the runner's disk becomes snapshots in the run's folder of the mailbox."""

import os
import stat
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from pathlib import Path

from sync.mailbox.layout import Attempt, RunFolder
from sync.remotes.base import Remote
from sync.store.nouns import DIRECTORY, FILE, LINK, Entry, Location, Root
from sync.store.writer import SnapshotWriter, placed_elsewhere

BUFFER = 4 * 1024 * 1024
LOG_NAME = b"hybrid.log"
"""The attempt's whole log, beside its outputs."""


@dataclass(frozen=True)
class Found:
    """A path below a folder, as it was seen: ``mark`` changes whenever the file is written."""

    path: bytes
    full: bytes
    kind: str
    executable: bool
    mark: tuple[int, int, int, int]


def walk(folder: Path) -> list[Found]:
    """What can be published of a folder, sorted by path. What is no file, folder or link is left out."""
    found: list[Found] = []
    top = os.fsencode(folder)
    waiting = [b""]
    while waiting:
        prefix = waiting.pop()
        children = list(os.scandir(top + b"/" + prefix if prefix else top))
        if prefix and not children:
            found.append(Found(prefix[:-1], top + b"/" + prefix, DIRECTORY, False, (0, 0, 0, 0)))
        for child in children:
            path = prefix + child.name
            if child.is_dir(follow_symlinks=False):
                waiting.append(path + b"/")
                continue
            status = child.stat(follow_symlinks=False)
            if stat.S_ISLNK(status.st_mode):
                kind = LINK
            elif stat.S_ISREG(status.st_mode):
                kind = FILE
            else:
                continue
            mark = (status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)
            found.append(Found(path, child.path, kind, bool(status.st_mode & 0o100), mark))
    return sorted(found, key=lambda each: each.path)


class Outlet:
    """Content that this worker has put into the run's folder. It refers to nothing else."""

    def __init__(self, remote: Remote, base: str) -> None:
        self._remote = remote
        self._base = base
        self._known: dict[str, Location] = {}
        self._lines: dict[str, list[Root]] = {}

    def known(self, sha256: str) -> Location | None:
        return self._known.get(sha256)

    def put(self, name: str, data: bytes, locations: Mapping[str, Location]) -> None:
        self._remote.write(f"{self._base}/{name}", data)
        self._known.update(locations)

    put_snapshot = put

    def keep(self, line: str, newest: Root) -> None:
        """``newest`` supersedes what was published before in its ``line``: all but the last two go, unless another
        snapshot of this worker leans on them. Call it only between two publications."""
        self._lines.setdefault(line, []).append(newest)
        live = [root for roots in self._lines.values() for root in roots[-2:]]
        leaned_on = {name for root in live for name in root.objects}
        for roots in self._lines.values():
            for old in roots[:-2]:
                if old.name not in leaned_on:
                    roots.remove(old)
                    self._known = {sha: at for sha, at in self._known.items() if at.object != old.name}
                    self._remote.delete(f"{self._base}/{old.name}")


class Publisher:
    """Publishes one folder again and again. ``what`` is OUTPUTS or CHECKPOINT of the layout."""

    def __init__(
        self, outlet: Outlet, run: RunFolder, attempt: Attempt, what: str, folder: Path, log: Path | None
    ) -> None:
        self._outlet = outlet
        self._run = run
        self._attempt = attempt
        self._what = what
        self._folder = folder
        self._log = log
        self._seq = 0
        self._published: list[Found] | None = None
        self._chunks: dict[tuple[bytes, tuple[int, int, int, int]], list[tuple[str, int]]] = {}

    def look(self) -> list[Found]:
        """The folder as it is now. Two equal looks: nothing was written in between."""
        return walk(self._folder)

    def is_new(self, look: list[Found]) -> bool:
        """Whether ``look`` differs from what was published last; an empty folder is nothing to publish."""
        return bool(look) and look != self._published

    def publish(self, pack_size: int, *, final: bool = False) -> Generator[None, None, Root]:
        """One snapshot of the folder. A file that is being written is left out, unless this is the final one.

        Raises OSError where a file of a final snapshot cannot be read, and what the remote raises.
        """
        look = self.look()
        writer = SnapshotWriter(
            self._outlet, writer=self._attempt.worker, pack_folder=self._run.path, pack_size=pack_size
        )
        entries: list[Entry] = []
        for found in look:
            if found.path == LOG_NAME:
                continue  # the name is ours
            if found.kind == FILE:
                entry = yield from self._file(writer, found, final)
                if entry is not None:
                    entries.append(entry)
            elif found.kind == LINK:
                entries.append(Entry(path=found.path, kind=LINK, target=os.readlink(found.full)))
            else:
                entries.append(Entry(path=found.path, kind=DIRECTORY))
        if self._log is not None and self._log.exists():
            entries.append((yield from self._whole_log(writer, self._log)))
        self._seq += 1
        name = self._run.in_folder(self._run.worker_snapshot(self._what, self._attempt, self._seq))
        root = writer.finish(
            name=name,
            kind="outputs" if self._what == "out" else "checkpoint",
            seq=self._seq,
            tree=entries,
            meta={"attempt": str(self._attempt)},
        )
        self._published = look
        self._outlet.keep(f"{self._what} {self._attempt}", root)
        return root

    def _file(self, writer: SnapshotWriter, found: Found, final: bool) -> Generator[None, None, Entry | None]:
        key = (found.path, found.mark)
        chunks = self._chunks.get(key)
        if chunks is None or any(self._outlet.known(sha256) is None for sha256, _ in chunks):
            file = writer.begin_file()
            try:
                with open(found.full, "rb") as source:
                    while buffer := source.read(BUFFER):
                        file.feed(buffer)
                        yield
                    after = os.fstat(source.fileno())
            except OSError:
                if final:
                    raise
                return None
            mark = (after.st_size, after.st_mtime_ns, after.st_ctime_ns, after.st_ino)
            if mark != found.mark and not final:
                return None
            chunks = self._chunks[key] = file.end()
        yield
        return _entry(found.path, chunks, found.executable)

    @staticmethod
    def _whole_log(writer: SnapshotWriter, log: Path) -> Generator[None, None, Entry]:
        file = writer.begin_file()
        left = log.stat().st_size
        with open(log, "rb") as source:
            while left and (buffer := source.read(min(left, BUFFER))):
                left -= len(buffer)
                file.feed(buffer)
                yield
        return _entry(LOG_NAME, file.end(), False)


def _entry(path: bytes, chunks: list[tuple[str, int]], executable: bool) -> Entry:
    return Entry(
        path=path,
        kind=FILE,
        executable=executable,
        size=sum(length for _, length in chunks),
        chunks=tuple(placed_elsewhere(sha256, length) for sha256, length in chunks),
    )
