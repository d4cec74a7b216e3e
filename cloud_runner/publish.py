"""A folder on the runner's disk becomes snapshots in the run's folder of the mailbox."""

import itertools
import os
import stat
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from sync.mailbox.layout import CHECKPOINT, LOG, Attempt, RunFolder
from sync.store.entries import refusal
from sync.store.lines import blocks, lines
from sync.store.nouns import DIRECTORY, FILE, LINK, Entry, Root
from sync.store.writer import SnapshotWriter, placed_elsewhere

from .outlet import Outlet

BUFFER = 4 * 1024 * 1024
YOUNG_NS = 2_000_000_000
"""A file changed this shortly before it was read may change again without its times telling."""

Mark = tuple[int, int, int, int]


@dataclass(frozen=True)
class Found:
    """A path below a folder, as it was seen: ``mark`` changes whenever the file is written."""

    path: bytes
    full: bytes
    kind: str
    executable: bool
    mark: Mark
    target: bytes = b""


def walk(folder: Path) -> list[Found]:
    """What can be published of a folder, sorted by path.

    What is no file, folder or link is left out, and so is what vanishes meanwhile, or has a path that no snapshot
    takes. Raises OSError where a folder cannot be listed.
    """
    found: list[Found] = []
    top = os.fsencode(folder)
    waiting = [b""]
    while waiting:
        prefix = waiting.pop()
        try:
            children = list(os.scandir(top + b"/" + prefix if prefix else top))
        except FileNotFoundError:
            continue
        if prefix and not children:
            found.append(Found(prefix[:-1], top + b"/" + prefix, DIRECTORY, False, (0, 0, 0, 0)))
        for child in children:
            path = prefix + child.name
            if refusal(path):
                continue
            try:
                if child.is_dir(follow_symlinks=False):
                    waiting.append(path + b"/")
                elif (one := _look(path, child)) is not None:
                    found.append(one)
            except FileNotFoundError:
                continue
    return sorted(found, key=lambda each: each.path)


def _look(path: bytes, child: "os.DirEntry[bytes]") -> Found | None:
    status = child.stat(follow_symlinks=False)
    executable = bool(status.st_mode & 0o100)
    if stat.S_ISLNK(status.st_mode):
        return Found(path, child.path, LINK, False, _mark(status), os.readlink(child.path))
    if stat.S_ISREG(status.st_mode):
        return Found(path, child.path, FILE, executable, _mark(status))
    return None


def _mark(status: os.stat_result) -> Mark:
    return (status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)


def beside_log(look: list[Found]) -> Iterator[tuple[bytes, Found]]:
    """What was found, by the path under which it goes along with a log: what has the log's name is numbered."""
    tops = {found.path.partition(b"/")[0] for found in look}
    free = next(name for n in itertools.count(1) if (name := b"%s.%d" % (LOG, n)) not in tops)
    for found in look:
        top, slash, rest = found.path.partition(b"/")
        path = free + slash + rest if top == LOG else found.path
        if not refusal(path):
            yield path, found


class Publisher:
    """Publishes one folder again and again. ``what`` is OUTPUTS or CHECKPOINT of the layout.

    log  a file that goes along as ``hybrid.log``; what the folder holds of that name then goes by another
    """

    def __init__(
        self, outlet: Outlet, run: RunFolder, attempt: Attempt, what: str, folder: Path, log: Path | None
    ) -> None:
        self._outlet = outlet
        self._run = run
        self._attempt = attempt
        self._what = what
        # A shard's checkpoints supersede one another whichever attempt made them; outputs of attempts never mix.
        self._line = f"{what} {attempt.shard if what == CHECKPOINT else attempt}"
        self._folder = folder
        self._log = log
        self._seq = 0
        self._published: list[Found] | None = None
        self._chunks: dict[tuple[bytes, Mark], list[tuple[str, int]]] = {}

    def look(self) -> list[Found]:
        """The folder as it is now. Two equal looks: nothing was written in between. Raises OSError."""
        return walk(self._folder)

    def is_new(self, look: list[Found]) -> bool:
        """Whether ``look`` differs from what was published last; an empty folder is nothing to publish."""
        return bool(look) and look != self._published

    def publish(self, pack_size: int, *, final: bool = False) -> Generator[None, None, Root | None]:
        """One snapshot of the folder as it is.

        A file that is being written is left out of outputs; a checkpoint with such a file is not published at all,
        and None is returned. ``final`` says that nothing writes any more: then all is taken as it is found.
        Raises OSError where something cannot be read (but for such files), and what the remote raises.
        """
        look = self.look()
        writer = SnapshotWriter(
            self._outlet, writer=self._attempt.worker, pack_folder=self._run.path, pack_size=pack_size
        )
        now = self._disk_now()
        entries: list[Entry] = []
        for path, found in (
            beside_log(look) if self._log is not None else ((each.path, each) for each in look)
        ):
            if found.kind == FILE:
                chunks = yield from self._file(writer, found, final, now)
                if chunks is not None:
                    entries.append(_entry(path, chunks, found.executable))
                elif self._what == CHECKPOINT:
                    return None
            else:
                entries.append(Entry(path=path, kind=found.kind, target=found.target))
        if self._what == CHECKPOINT and not final and self.look() != look:
            return None
        if self._log is not None and self._log.exists():
            entries.append((yield from self._whole_log(writer, self._log)))
        name = self._run.in_folder(self._run.worker_snapshot(self._what, self._attempt, self._seq + 1))
        root = writer.finish(
            name=name,
            kind="checkpoint" if self._what == CHECKPOINT else "outputs",
            seq=self._seq + 1,
            tree=lambda place: blocks(lines(entries, place)),
            meta={"attempt": str(self._attempt)},
        )
        self._seq += 1
        self._published = look
        here = {(found.path, found.mark) for found in look}
        self._chunks = {key: chunks for key, chunks in self._chunks.items() if key in here}
        self._outlet.keep(self._line, root)
        return root

    def _file(
        self, writer: SnapshotWriter, found: Found, final: bool, now: int
    ) -> Generator[None, None, list[tuple[str, int]] | None]:
        key = (found.path, found.mark)
        chunks = self._chunks.get(key)
        if chunks is not None and all(self._outlet.known(sha256) for sha256, _ in chunks):
            return chunks
        file = writer.begin_file()
        try:
            with open(found.full, "rb") as source:
                for buffer in _buffers(source, None):
                    file.feed(buffer)
                    yield
                after = _mark(os.fstat(source.fileno()))
        except OSError:
            if final:
                raise
            return None
        chunks = file.end()
        if after != found.mark and not final:
            return None
        if now - max(found.mark[1], found.mark[2]) > YOUNG_NS:
            self._chunks[key] = chunks
        yield
        return chunks

    def _disk_now(self) -> int:
        """The time that the disk's file system would stamp now, in nanoseconds."""
        stamp = self._folder.parent / "stamp"
        stamp.touch()
        return stamp.stat().st_mtime_ns

    @staticmethod
    def _whole_log(writer: SnapshotWriter, log: Path) -> Generator[None, None, Entry]:
        file = writer.begin_file()
        with open(log, "rb") as source:
            for buffer in _buffers(source, os.fstat(source.fileno()).st_size):
                file.feed(buffer)
                yield
        return _entry(LOG, file.end(), False)


def _buffers(source: BinaryIO, left: int | None) -> Iterator[bytes]:
    """What is in an open file, or its first ``left`` bytes."""
    while buffer := source.read(BUFFER if left is None else min(left, BUFFER)):
        yield buffer
        if left is not None:
            left -= len(buffer)


def _entry(path: bytes, chunks: list[tuple[str, int]], executable: bool) -> Entry:
    return Entry(
        path=path,
        kind=FILE,
        executable=executable,
        size=sum(length for _, length in chunks),
        chunks=tuple(placed_elsewhere(sha256, length) for sha256, length in chunks),
    )
