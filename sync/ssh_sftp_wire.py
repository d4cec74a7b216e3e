"""SFTP's packets over one channel: requests queue up and leave together when an answer is waited for.

So what does not depend on an answer costs no round trip. Whatever the server sends that does not fit breaks the
session; nothing is believed about sizes before the bytes are there.
"""

import struct
from collections.abc import Iterable
from typing import Protocol

OK, EOF, NO_SUCH_FILE, PERMISSION_DENIED, FAILURE = 0, 1, 2, 3, 4
NOT_A_FOLDER = 19  # of a later version of the protocol; here only said by ourselves

_INIT, _VERSION, _STATUS = 1, 2, 101
_LARGEST_PACKET = 1024 * 1024  # more is no answer to anything asked here
_FLUSH_AT = 1024 * 1024
_SEND = 32 * 1024


class Channel(Protocol):
    """The part of a paramiko channel that is needed here."""

    def send(self, s: bytes) -> int: ...
    def recv(self, nbytes: int) -> bytes: ...
    def close(self) -> None: ...


class SftpStatus(Exception):
    """The server answered with an error: one of the codes above, or another. The session goes on."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message or f"status {code}")
        self.code = code


class SftpBroken(Exception):
    """The session cannot be used any more: the connection broke, stalled, or made no sense."""


class Fields:
    """What is left of a packet."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._at = 0

    def __bool__(self) -> bool:
        return self._at < len(self._body)

    def take(self, size: int) -> bytes:
        start, self._at = self._at, self._at + size
        if self._at > len(self._body):
            raise SftpBroken("the server sent a packet that ends too soon")
        return self._body[start : self._at]

    def u32(self) -> int:
        return int.from_bytes(self.take(4), "big")

    def u64(self) -> int:
        return int.from_bytes(self.take(8), "big")

    def string(self) -> bytes:
        return self.take(self.u32())


def string(value: str | bytes) -> bytes:
    """A string as a field of a packet; names that are no UTF-8 survive."""
    data = value.encode("utf-8", "surrogateescape") if isinstance(value, str) else value
    return struct.pack(">I", len(data)) + data


def text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


class SftpWire:
    """For one thread at a time. ``extensions`` are those that the server announced.

    ``requests`` counts what was asked so far, ``waits`` how often an answer had to be waited for after asking.
    """

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._out = bytearray()
        self._in = bytearray()
        self._last = 0
        self._answers: dict[int, tuple[int, Fields]] = {}
        self._asked: set[int] = set()
        self._unwanted: set[int] = set()
        self.requests = 0
        self.waits = 0
        self._out += struct.pack(">IBI", 5, _INIT, 3)
        kind, fields = self._receive()
        if kind != _VERSION or fields.u32() < 3:
            raise SftpBroken("the server speaks no SFTP of version 3")
        self.extensions: set[str] = set()
        while fields:
            self.extensions.add(text(fields.string()))
            fields.string()

    @property
    def is_quiet(self) -> bool:
        """Whether no answer is still to be looked at, so that the session can serve another call."""
        return not self._answers and self._asked <= self._unwanted

    def ask(self, kind: int, body: bytes, tail: memoryview | bytes = b"") -> int:
        """Queues a request; returns its number, for ``wait`` or ``forget``."""
        self._last = (self._last + 1) & 0xFFFFFFFF
        self._out += struct.pack(">IBI", 5 + len(body) + len(tail), kind, self._last)
        self._out += body
        self._out += tail
        self._asked.add(self._last)
        self.requests += 1
        if len(self._out) >= _FLUSH_AT:
            self._flush()
        return self._last

    def forget(self, request: int) -> None:
        """Nobody will wait for this answer."""
        if self._answers.pop(request, None) is None:
            self._unwanted.add(request)

    def wait(self, request: int, expected: int) -> Fields:
        """The answer, which must be of the kind ``expected``. Raises SftpStatus and SftpBroken."""
        self.waits += bool(self._out)
        while request not in self._answers:
            kind, fields = self._receive()
            number = fields.u32()
            if number not in self._asked:
                raise SftpBroken("the server answered what nobody asked")
            self._asked.remove(number)
            if number in self._unwanted:
                self._unwanted.remove(number)
            else:
                self._answers[number] = (kind, fields)
        kind, fields = self._answers.pop(request)
        if kind == _STATUS:
            code = fields.u32()
            if code != OK:
                raise SftpStatus(code, text(fields.string()) if fields else "")
        if kind != expected:
            raise SftpBroken("the server answered with something else than was asked for")
        return fields

    def settle(self, requests: Iterable[int], forgiven: int = OK) -> None:
        """Waits for all the answers, then raises the first failure, so that no answer is left unread."""
        refused: SftpStatus | None = None
        for request in requests:
            try:
                self.wait(request, _STATUS)
            except SftpStatus as error:
                if error.code != forgiven:
                    refused = refused or error
        if refused:
            raise refused

    def close(self) -> None:
        self._channel.close()

    def _receive(self) -> tuple[int, Fields]:
        self._flush()
        size = int.from_bytes(self._take(4), "big")
        if not 1 <= size <= _LARGEST_PACKET:
            raise SftpBroken("the server sent a packet of an impossible size")
        return self._take(1)[0], Fields(self._take(size - 1))

    def _take(self, size: int) -> bytes:
        while len(self._in) < size:
            try:
                data = self._channel.recv(_FLUSH_AT)
            except (OSError, EOFError) as error:
                raise SftpBroken(str(error) or "no answer came in time") from error
            if not data:
                raise SftpBroken("the connection was closed")
            self._in += data
        with memoryview(self._in) as buffer:
            taken = bytes(buffer[:size])
        del self._in[:size]
        return taken

    def _flush(self) -> None:
        data, sent = memoryview(bytes(self._out)), 0
        self._out.clear()
        try:
            while sent < len(data):
                count = self._channel.send(bytes(data[sent : sent + _SEND]))
                if count == 0:
                    raise SftpBroken("the connection was closed")
                sent += count
        except (OSError, EOFError) as error:
            raise SftpBroken(str(error) or "nothing could be sent in time") from error
