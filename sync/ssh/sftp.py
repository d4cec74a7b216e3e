"""Files over SFTP, version 3, with as few round trips as the protocol allows.

A small write is open - write, sync, close - rename: three; a small read is open - size and content: two. Large
reads keep a bounded window of requests in flight, which neither collapses on a fast link nor overruns a server.
"""

import stat
import struct
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass

from ..clock import Clock
from .sftp_drafts import Draft, Drafts
from .sftp_greeting import Connect
from .sftp_packets import (
    CLOSE,
    EOF,
    EXTENDED,
    EXTENDED_REPLY,
    FAILURE,
    HANDLE,
    NO_SUCH_FILE,
    NOT_A_FOLDER,
    STATUS,
    Fields,
    SftpBroken,
    SftpStatus,
    string,
    text,
)
from .sftp_wire import Call, SftpWire

_OPEN, _READ, _WRITE, _LSTAT, _FSTAT = 3, 5, 6, 7, 8
_OPENDIR, _READDIR, _REMOVE, _MKDIR, _RMDIR, _STAT, _RENAME = 11, 12, 13, 14, 15, 17, 18
_DATA, _NAME, _ATTRS = 103, 104, 105
_FSYNC, _STATVFS = "fsync@openssh.com", "statvfs@openssh.com"

_FOR_READING = struct.pack(">II", 0x01, 0)
_NO_ATTRIBUTES = struct.pack(">I", 0)

_IN_FLIGHT = 64
_AHEAD = 8  # blocks that are asked for before the size of a file is known
_LISTINGS_AHEAD = 16


@dataclass(frozen=True)
class Entry:
    name: str
    size: int
    is_file: bool
    is_folder: bool


@dataclass(frozen=True)
class Space:
    """free      bytes that this user may still write
    writable  false on a file system that is mounted for reading only
    """

    free: int
    writable: bool


class SftpSession:
    """Several threads may share it. Every method raises SftpStatus, which is for its own call only, SftpBroken,
    which every call on the session raises from then on, or what ``connect`` raises.

    Paths are as the server sees them; a relative one starts in the home directory.
    """

    def __init__(self, connect: Connect, clock: Clock | None = None) -> None:
        self.wire = SftpWire(connect, clock)
        self.bytes_per_s = 0.0  # of the last large write
        self._drafts = Drafts(self.wire)
        self._turn = threading.Lock()

    def read(self, path: str, offset: int, length: int | None) -> bytes:
        """A range of a plain file; fewer bytes where it ends."""
        with self.wire.call() as call, _opened(call, _OPEN, string(path) + _FOR_READING) as handle:
            sizing = call.ask(_FSTAT, handle)
            block = self.wire.read_block
            most = _AHEAD * block if length is None else length
            limit, at = offset + most, offset
            entry: Entry | None = None
            pending: deque[tuple[int, int, int]] = deque()
            pieces: list[memoryview] = []
            while True:
                while at < limit and len(pending) < _IN_FLIGHT:
                    pending.append(_ask_range(call, handle, at, min(block, limit - at)))
                    at += pending[-1][2]
                if entry is None:
                    entry = _attributes(call.wait(sizing, _ATTRS))
                    if not entry.is_file:
                        raise SftpStatus(NO_SUCH_FILE, "it is not a plain file")
                    limit = entry.size if length is None else min(entry.size, offset + length)
                    continue
                if not pending or pending[0][1] >= limit:
                    break
                request, start, size = pending.popleft()
                data = _data(call, request, size)
                if not data:
                    raise SftpStatus(FAILURE, "the file became shorter while it was read")
                pieces.append(data)
                missing = min(start + size, limit) - start - len(data)
                if missing > 0:  # a server may give less at a time than it was asked for
                    pending.appendleft(_ask_range(call, handle, start + len(data), missing))
            return b"".join(pieces)

    def draft(self, folder: str, fresh: Callable[[], str], size: int) -> Draft:
        """A new file in ``folder`` for so many bytes, to be written next; ``fresh`` gives paths there, each of them once."""
        return self._drafts.take(folder, fresh, size)

    def write_new(self, draft: Draft, data: bytes) -> None:
        """Gives a new file its content, and forces it to the server's disk where the server can.

        Large ones go one after another: when a connection breaks, few are there by half.
        """
        try:
            self._write_new(draft, data)
        finally:
            self._drafts.end(draft)

    def _write_new(self, draft: Draft, data: bytes) -> None:
        view, asked = memoryview(data), list[int]()
        with self.wire.call() as call:
            handle = draft.opened(call)
            block = self.wire.write_block  # known once something was answered
            try:
                with self._turn if draft.is_large else nullcontext():
                    began = self.wire.clock.monotonic()
                    for at in range(0, len(data), block):
                        part = view[at : at + block]
                        asked.append(call.ask(_WRITE, handle + struct.pack(">QI", at, len(part)), part))
                if _FSYNC in self.wire.extensions:
                    asked.append(call.ask(EXTENDED, string(_FSYNC) + handle))
            finally:
                asked.append(call.ask(CLOSE, handle))
            call.settle(asked)
            if draft.is_large:
                # The last answer is a round trip behind the last byte.
                took = self.wire.clock.monotonic() - began - self.wire.round_trip_s
                self.bytes_per_s = len(data) / max(took, 1e-3)

    def rename(self, old: str, new: str) -> None:
        """Fails where ``new`` is taken: so says the protocol, and OpenSSH keeps to it."""
        with self.wire.call() as call:
            call.exchange(_RENAME, string(old) + string(new), STATUS)

    def remove_soon(self, path: str) -> None:
        """Goes with the next request; nobody looks at the answer."""
        with self.wire.call() as call:
            call.ask(_REMOVE, string(path))

    def look(self, path: str) -> Entry | None:
        """What has that name, itself and not what it may point to; None where nothing has."""
        with self.wire.call() as call:
            return _looked(call, call.ask(_LSTAT, string(path)))

    def entries(self, path: str) -> list[Entry]:
        """What is directly in a folder, in the server's order, with its ``.`` and ``..``."""
        found: list[Entry] = []
        with self.wire.call() as call, _opened(call, _OPENDIR, string(path)) as handle:
            pending = deque(call.ask(_READDIR, handle) for _ in range(_LISTINGS_AHEAD))
            while True:
                try:
                    names = call.wait(pending.popleft(), _NAME)
                except SftpStatus as error:
                    if error.code != EOF:
                        raise
                    return found
                pending.append(call.ask(_READDIR, handle))
                for _ in range(names.u32()):
                    name, long_name = names.string(), names.string()
                    found.append(_attributes(names, text(name), bytes(long_name[:1])))

    def make_folders(self, paths: list[str]) -> None:
        """Makes folders in that order, in one go. One that is there is fine."""
        refused: SftpStatus | None = None
        with self.wire.call() as call:
            asked = [
                (call.ask(_MKDIR, string(path) + _NO_ATTRIBUTES), call.ask(_STAT, string(path)))
                for path in paths
            ]
            for path, (making, looking) in zip(paths, asked, strict=True):
                failure = SftpStatus(FAILURE, f"{path} cannot be made")
                try:
                    call.wait(making, STATUS)
                except SftpStatus as error:
                    failure = error
                found = _looked(call, looking)
                if found and not found.is_folder:
                    failure = SftpStatus(NOT_A_FOLDER, f"{path} is not a folder")
                if not (found and found.is_folder):
                    refused = refused or failure
        if refused:
            raise refused

    def remove_all(self, files: list[str], folders: list[str]) -> None:
        """Removes files, then empty folders, in that order. What is not there is fine."""
        with self.wire.call() as call:
            asked = [call.ask(_REMOVE, string(path)) for path in files]
            asked += [call.ask(_RMDIR, string(path)) for path in folders]
            call.settle(asked, forgiven=NO_SUCH_FILE)

    def space(self, path: str) -> Space | None:
        """What the file system of ``path`` has left, or None where the server cannot say, or has not greeted us yet."""
        if _STATVFS not in self.wire.extensions:
            return None
        with self.wire.call() as call:
            try:
                fields = call.exchange(EXTENDED, string(_STATVFS) + string(path), EXTENDED_REPLY)
            except SftpStatus:
                return None
            numbers = [fields.u64() for _ in range(11)]
        return Space(free=numbers[1] * numbers[4], writable=not numbers[9] & 1)

    def close(self) -> None:
        self.wire.close()


def _handle(call: Call, kind: int, body: bytes) -> bytes:
    return string(call.exchange(kind, body, HANDLE).string())


@contextmanager
def _opened(call: Call, kind: int, body: bytes) -> Iterator[bytes]:
    """A handle, closed with whatever is asked next."""
    handle = _handle(call, kind, body)
    try:
        yield handle
    finally:
        call.ask(CLOSE, handle)


def _ask_range(call: Call, handle: bytes, at: int, size: int) -> tuple[int, int, int]:
    return call.ask(_READ, handle + struct.pack(">QI", at, size)), at, size


def _data(call: Call, request: int, most: int) -> memoryview:
    """At most so many bytes; none at the end of the file."""
    try:
        data = call.wait(request, _DATA).string()
    except SftpStatus as error:
        if error.code != EOF:
            raise
        return memoryview(b"")
    if not 0 < len(data) <= most:
        raise SftpBroken("the server sent a block of an impossible size")
    return data


def _looked(call: Call, request: int) -> Entry | None:
    try:
        return _attributes(call.wait(request, _ATTRS))
    except SftpStatus as error:
        if error.code != NO_SUCH_FILE:
            raise
        return None


def _attributes(fields: Fields, name: str = "", kind_letter: bytes = b"-") -> Entry:
    """Where the server leaves out the kind, it is the first letter of the ``ls -l`` line."""
    flags = fields.u32()
    size = fields.u64() if flags & 1 else 0
    if flags & 2:
        fields.take(8)
    kind = stat.S_IFMT(fields.u32()) if flags & 4 else 0
    if flags & 8:
        fields.take(8)
    if flags & 0x80000000:
        for _ in range(2 * fields.u32()):
            fields.string()
    is_file = kind == stat.S_IFREG if kind else kind_letter == b"-"
    is_folder = kind == stat.S_IFDIR if kind else kind_letter == b"d"
    return Entry(name, size, is_file, is_folder)
