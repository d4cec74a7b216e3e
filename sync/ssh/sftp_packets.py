"""How SFTP's packets are written and read, and the two ways in which a request fails.

Whatever does not fit is said to be broken; nothing is believed about sizes before the bytes are there.
"""

import struct
from collections.abc import Iterable
from typing import Protocol

OK, EOF, NO_SUCH_FILE, PERMISSION_DENIED, FAILURE = 0, 1, 2, 3, 4
NOT_A_FOLDER = 19  # of a later version of the protocol; here only said by ourselves

INIT, VERSION, CLOSE, STATUS, HANDLE, EXTENDED, EXTENDED_REPLY = 1, 2, 4, 101, 102, 200, 201
_LARGEST_PACKET = 1024 * 1024  # more is no answer to anything asked here
PIECE = 32 * 1024 - 64  # what paramiko puts into one packet for an OpenSSH server
_RECEIVE = 32 * 1024 * 1024


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
    """What is left of a packet. Strings of it are views: they cost no copy and keep the packet alive."""

    def __init__(self, body: memoryview) -> None:
        self._body = body
        self._at = 0

    def __bool__(self) -> bool:
        return self._at < len(self._body)

    def take(self, size: int) -> memoryview:
        start, self._at = self._at, self._at + size
        if self._at > len(self._body):
            raise SftpBroken("the server sent a packet that ends too soon")
        return self._body[start : self._at]

    def u32(self) -> int:
        return int.from_bytes(self.take(4), "big")

    def u64(self) -> int:
        return int.from_bytes(self.take(8), "big")

    def string(self) -> memoryview:
        return self.take(self.u32())


def packet(kind: int, number: int, body: bytes, more: int = 0) -> bytes:
    """A request, of which ``more`` bytes follow."""
    return struct.pack(">IBI", 5 + len(body) + more, kind, number) + body


def string(value: str | bytes | memoryview) -> bytes:
    """A string as a field of a packet; names that are no UTF-8 survive."""
    data = value.encode("utf-8", "surrogateescape") if isinstance(value, str) else value
    return struct.pack(">I", len(data)) + data


def text(data: bytes | memoryview) -> str:
    return str(data, "utf-8", "surrogateescape")


class Stream:
    """Packets over a channel. One thread may send while another receives. Raises SftpBroken."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._parts: list[bytes | memoryview] = []
        self._have = 0
        self._need = 4

    def send(self, parts: Iterable[bytes | memoryview]) -> None:
        """In pieces as large as fit into one packet of the channel, so that few are sent."""
        small = bytearray()
        for part in parts:
            at = 0
            while at < len(part):
                if not small and len(part) - at >= PIECE:
                    self._send(bytes(part[at : at + PIECE]))
                    at += PIECE
                    continue
                room = PIECE - len(small)
                small += part[at : at + room]
                at += room
                if len(small) == PIECE:
                    self._send(bytes(small))
                    small.clear()
        if small:
            self._send(bytes(small))

    def receive(self) -> list[tuple[int, Fields]]:
        """Waits for bytes; then all packets that are complete: kind, and what follows it. There may be none yet."""
        try:
            data = self._channel.recv(_RECEIVE)
        except (OSError, EOFError) as error:
            raise SftpBroken(str(error) or "no answer came in time") from error
        if not data:
            raise SftpBroken("the connection was closed")
        self._parts.append(data)
        self._have += len(data)
        # A large packet is put together once, not each time that a part of it comes.
        return self._complete() if self._have >= self._need else []

    def close(self) -> None:
        self._channel.close()

    def _complete(self) -> list[tuple[int, Fields]]:
        whole = memoryview(b"".join(self._parts) if len(self._parts) > 1 else self._parts[0])
        found, at, self._need = [], 0, 4
        while at + 4 <= self._have:
            size = int.from_bytes(whole[at : at + 4], "big")
            if not 1 <= size <= _LARGEST_PACKET:
                raise SftpBroken("the server sent a packet of an impossible size")
            end = at + 4 + size
            if end > self._have:
                self._need = 4 + size
                break
            found.append((whole[at + 4], Fields(whole[at + 5 : end])))
            at = end
        self._have -= at
        self._parts = [whole[at:]] if self._have else []
        return found

    def _send(self, piece: bytes) -> None:
        try:
            while piece:
                count = self._channel.send(piece)
                if count == 0:
                    raise SftpBroken("the connection was closed")
                piece = piece[count:]
        except (OSError, EOFError) as error:
            raise SftpBroken(str(error) or "nothing could be sent in time") from error
