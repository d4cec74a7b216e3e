"""Files over SFTP, version 3, with as few round trips as the protocol allows.

A small write is open - write, sync, close - rename: three; a small read is open - size and content: two. Large
reads keep a bounded window of requests in flight, which neither collapses on a fast link nor overruns a server.
"""

import stat
import struct
from collections import deque
from dataclasses import dataclass

from .ssh_sftp_wire import (
    EOF,
    FAILURE,
    NO_SUCH_FILE,
    NOT_A_FOLDER,
    Channel,
    Fields,
    SftpBroken,
    SftpStatus,
    SftpWire,
    string,
    text,
)

_OPEN, _CLOSE, _READ, _WRITE, _LSTAT, _FSTAT = 3, 4, 5, 6, 7, 8
_OPENDIR, _READDIR, _REMOVE, _MKDIR, _RMDIR, _REALPATH, _STAT, _RENAME = 11, 12, 13, 14, 15, 16, 17, 18
_STATUS, _HANDLE, _DATA, _NAME, _ATTRS = 101, 102, 103, 104, 105
_EXTENDED, _EXTENDED_REPLY = 200, 201
_LIMITS, _FSYNC, _STATVFS = "limits@openssh.com", "fsync@openssh.com", "statvfs@openssh.com"

_FOR_READING = struct.pack(">II", 0x01, 0)
_FOR_WRITING_A_NEW_FILE = struct.pack(">II", 0x02 | 0x08 | 0x20, 0)  # WRITE, CREAT, EXCL; no attributes
_NO_ATTRIBUTES = struct.pack(">I", 0)

_SAFE_BLOCK = 32 * 1024  # what every server takes
_BEST_BLOCK = 255 * 1024
_IN_FLIGHT = 64


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
    """For one thread at a time. Every method raises SftpStatus or SftpBroken. Paths are as the server sees them."""

    def __init__(self, channel: Channel) -> None:
        self.wire = SftpWire(channel)
        self._read_block = self._write_block = _SAFE_BLOCK
        if _LIMITS in self.wire.extensions:
            limits = self.wire.wait(self.wire.ask(_EXTENDED, string(_LIMITS)), _EXTENDED_REPLY)
            limits.u64()
            self._read_block, self._write_block = (
                min(limits.u64() or _SAFE_BLOCK, _BEST_BLOCK) for _ in range(2)
            )

    def resolve(self, path: str) -> str:
        """The absolute form of ``path``; ``.`` is the home directory."""
        names = self.wire.wait(self.wire.ask(_REALPATH, string(path)), _NAME)
        if names.u32() < 1:
            raise SftpBroken("the server resolved a path to nothing")
        return text(names.string())

    def read(self, path: str, offset: int, length: int | None) -> bytes:
        """A range of a plain file; fewer bytes where it ends."""
        handle = self._open(path, _FOR_READING)
        sizing = self.wire.ask(_FSTAT, handle)
        first = self._read_block if length is None else min(self._read_block, length)
        pending = deque([self._ask_range(handle, offset, first)] if first else [])
        entry = _attributes(self.wire.wait(sizing, _ATTRS))
        if not entry.is_file:
            for request, _, _ in pending:
                self.wire.forget(request)
            self.wire.forget(self.wire.ask(_CLOSE, handle))
            raise SftpStatus(NO_SUCH_FILE, "it is not a plain file")
        end = entry.size if length is None else min(entry.size, offset + length)
        at, pieces = offset + first, {}
        while pending:
            while at < end and len(pending) < _IN_FLIGHT:
                pending.append(self._ask_range(handle, at, min(self._read_block, end - at)))
                at += pending[-1][2]
            request, start, size = pending.popleft()
            data = pieces[start] = self._data(request, size)
            missing = min(start + size, end) - start - len(data)
            if data and missing > 0:  # a server may give less at a time than it was asked for
                pending.appendleft(self._ask_range(handle, start + len(data), missing))
        self.wire.forget(self.wire.ask(_CLOSE, handle))
        content = b"".join(pieces[start] for start in sorted(pieces))
        if len(content) < end - offset:
            raise SftpBroken("the file became shorter while it was read")
        return content

    def write_new(self, path: str, data: bytes) -> None:
        """Makes a file that was not there, and forces it to the server's disk where the server can."""
        handle = self._open(path, _FOR_WRITING_A_NEW_FILE)
        view, asked = memoryview(data), []
        for at in range(0, len(data), self._write_block):
            block = view[at : at + self._write_block]
            asked.append(self.wire.ask(_WRITE, handle + struct.pack(">QI", at, len(block)), block))
        if _FSYNC in self.wire.extensions:
            asked.append(self.wire.ask(_EXTENDED, string(_FSYNC) + handle))
        asked.append(self.wire.ask(_CLOSE, handle))
        self.wire.settle(asked)

    def rename(self, old: str, new: str) -> None:
        """Fails where ``new`` is taken: so says the protocol, and OpenSSH keeps to it."""
        self.wire.settle([self.wire.ask(_RENAME, string(old) + string(new))])

    def remove_soon(self, path: str) -> None:
        """Goes with the next request; nobody looks at the answer."""
        self.wire.forget(self.wire.ask(_REMOVE, string(path)))

    def look(self, path: str) -> Entry | None:
        """What has that name, itself and not what it may point to; None where nothing has."""
        return self._looked(self.wire.ask(_LSTAT, string(path)))

    def entries(self, path: str) -> list[Entry]:
        """What is directly in a folder, in the server's order, with its ``.`` and ``..``."""
        handle = string(self.wire.wait(self.wire.ask(_OPENDIR, string(path)), _HANDLE).string())
        found: list[Entry] = []
        ahead, at_end = 2, False
        pending = deque(self.wire.ask(_READDIR, handle) for _ in range(ahead))
        while pending and not at_end:
            try:
                names = self.wire.wait(pending.popleft(), _NAME)
            except SftpStatus as error:
                if error.code != EOF:
                    raise
                at_end = True
                continue
            for _ in range(names.u32()):
                name, long_name = names.string(), names.string()
                found.append(_attributes(names, name, long_name))
            pending.extend(self.wire.ask(_READDIR, handle) for _ in range(ahead - len(pending)))
            ahead = min(2 * ahead, 16)
        for request in (*pending, self.wire.ask(_CLOSE, handle)):
            self.wire.forget(request)
        return found

    def make_folders(self, paths: list[str]) -> None:
        """Makes folders in that order, in one go. One that is there is fine."""
        asked = [
            (self.wire.ask(_MKDIR, string(path) + _NO_ATTRIBUTES), self.wire.ask(_STAT, string(path)))
            for path in paths
        ]
        refused: SftpStatus | None = None
        for path, (making, looking) in zip(paths, asked, strict=True):
            failure = SftpStatus(FAILURE, f"{path} cannot be made")
            try:
                self.wire.wait(making, _STATUS)
            except SftpStatus as error:
                failure = error
            found = self._looked(looking)
            if found and not found.is_folder:
                failure = SftpStatus(NOT_A_FOLDER, f"{path} is not a folder")
            if not (found and found.is_folder):
                refused = refused or failure
        if refused:
            raise refused

    def remove_all(self, files: list[str], folders: list[str]) -> None:
        """Removes files, then empty folders, in that order. What is not there is fine."""
        asked = [self.wire.ask(_REMOVE, string(path)) for path in files]
        asked += [self.wire.ask(_RMDIR, string(path)) for path in folders]
        self.wire.settle(asked, forgiven=NO_SUCH_FILE)

    def space(self, path: str) -> Space | None:
        """What the file system of ``path`` has left, or None where the server cannot say."""
        if _STATVFS not in self.wire.extensions:
            return None
        try:
            fields = self.wire.wait(
                self.wire.ask(_EXTENDED, string(_STATVFS) + string(path)), _EXTENDED_REPLY
            )
        except SftpStatus:
            return None
        numbers = [fields.u64() for _ in range(11)]
        return Space(free=numbers[1] * numbers[4], writable=not numbers[9] & 1)

    def close(self) -> None:
        self.wire.close()

    def _open(self, path: str, how: bytes) -> bytes:
        return string(self.wire.wait(self.wire.ask(_OPEN, string(path) + how), _HANDLE).string())

    def _ask_range(self, handle: bytes, at: int, size: int) -> tuple[int, int, int]:
        return self.wire.ask(_READ, handle + struct.pack(">QI", at, size)), at, size

    def _data(self, request: int, most: int) -> bytes:
        """At most so many bytes; none at the end of the file."""
        try:
            data = self.wire.wait(request, _DATA).string()
        except SftpStatus as error:
            if error.code != EOF:
                raise
            return b""
        if not 0 < len(data) <= most:
            raise SftpBroken("the server sent a block of an impossible size")
        return data

    def _looked(self, request: int) -> Entry | None:
        try:
            return _attributes(self.wire.wait(request, _ATTRS))
        except SftpStatus as error:
            if error.code != NO_SUCH_FILE:
                raise
            return None


def _attributes(fields: Fields, name: bytes = b"", long_name: bytes = b"-") -> Entry:
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
    is_file = kind == stat.S_IFREG if kind else long_name[:1] == b"-"
    is_folder = kind == stat.S_IFDIR if kind else long_name[:1] == b"d"
    return Entry(text(name), size, is_file, is_folder)
