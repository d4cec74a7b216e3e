"""An SFTP server that is a script at the other end of a channel: no real one can be made to misbehave.

What the script does not mention is not supported by it.
"""

import itertools
import struct
import threading
from collections import deque
from collections.abc import Callable

from sync.ssh.sftp import SftpSession

INIT, OPEN, CLOSE, READ, WRITE, FSTAT, OPENDIR, READDIR, REMOVE = 1, 3, 4, 5, 6, 8, 11, 12, 13
MKDIR, STAT, RENAME, EXTENDED = 14, 17, 18, 200
STATUS, HANDLE, DATA, NAME, ATTRS, EXTENDED_REPLY = 101, 102, 103, 104, 105, 201

Answer = Callable[[int, bytes], bytes]
"""From the number of a request and what follows it to what is sent back: whole packets. Nothing: it hangs up."""

NOT_NOW = b"not now"
"""As an answer: none."""


def s(data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + data


def packet(kind: int, number: int, body: bytes) -> bytes:
    return struct.pack(">IBI", 5 + len(body), kind, number) + body


def status(number: int, code: int) -> bytes:
    return packet(STATUS, number, struct.pack(">I", code) + s(b"said") + s(b"en"))


class Server:
    """The far end of a channel. It takes up a request only when somebody waits to receive.

    asked          what was asked so far: kinds of requests, in order
    round_trips    how often it was sent something after it had answered something
    most_waiting   how many requests there ever were at a time
    rounds         how many requests it waits for before it answers them, for the first so many rounds
    """

    def __init__(self, answers: dict[int, Answer], version: bytes = b"", trickle: int = 0) -> None:
        self.answers = answers
        self.asked: list[int] = []
        self.round_trips = 0
        self.most_waiting = 0
        self.rounds: list[int] = []
        self._left = 0
        self._version = version or struct.pack(">IBI", 5, 2, 3)
        self._in = b""
        self._out = bytearray()
        self._requests: deque[bytes] = deque()
        self._trickle = trickle
        self._answered = True
        self._changed = threading.Condition()

    def session(self, *, early: bool = False) -> SftpSession:
        """A session with it. Where ``early``, the first requests come before it has greeted anybody."""

        def connect(first: Callable[[], bytes]) -> "Server":
            if early:
                self.send(first())
            return self

        return SftpSession(connect)

    def send(self, s: bytes) -> int:
        with self._changed:
            self.round_trips += self._answered
            self._answered = False
            self._in += s
            while len(self._in) >= 4 and len(self._in) >= 4 + int.from_bytes(self._in[:4], "big"):
                size = int.from_bytes(self._in[:4], "big")
                self._requests.append(self._in[4 : 4 + size])
                self.asked.append(self._in[4])
                self._in = self._in[4 + size :]
            self.most_waiting = max(self.most_waiting, len(self._requests))
            self._changed.notify_all()
            return len(s)

    def recv(self, nbytes: int) -> bytes:
        with self._changed:
            while not self._out:
                if not self._left:
                    self._left = self.rounds.pop(0) if self.rounds else 1
                if not self._changed.wait_for(lambda: len(self._requests) >= self._left, timeout=30):
                    raise TimeoutError(f"only {len(self._requests)} requests came")
                self._left -= 1
                answer = self._answer(self._requests.popleft())
                if answer == NOT_NOW:
                    continue
                if not answer:
                    return b""
                self._out += answer
            self._answered = True
            size = self._trickle or nbytes
            data = bytes(self._out[:size])
            del self._out[:size]
            return data

    def close(self) -> None:
        return

    def _answer(self, body: bytes) -> bytes:
        if body[0] == INIT:
            return self._version
        number = int.from_bytes(body[1:5], "big")
        answer = self.answers.get(body[0])
        return answer(number, body[5:]) if answer else status(number, 8)


def done(number: int, _: bytes) -> bytes:
    return status(number, 0)


def holding(content: bytes, most: int, claimed: int | None = None) -> dict[int, Answer]:
    """A file of ``content`` that is given at most so many bytes at a time."""

    def read(number: int, body: bytes) -> bytes:
        at, size = struct.unpack(">QI", body[5:])
        data = content[at : at + min(size, most)]
        return packet(DATA, number, s(data)) if data else status(number, 1)

    size = len(content) if claimed is None else claimed
    return {
        OPEN: lambda number, _: packet(HANDLE, number, s(b"h")),
        FSTAT: lambda number, _: packet(ATTRS, number, struct.pack(">IQI", 5, size, 0o100644)),
        READ: read,
        CLOSE: done,
    }


def listing(*pages: list[tuple[bytes, bytes, bytes]]) -> dict[int, Answer]:
    """A folder that is listed in those pages: name, line of ``ls -l``, attributes."""
    left = list(pages)

    def more(number: int, _: bytes) -> bytes:
        if not left:
            return status(number, 1)
        page = left.pop(0)
        return packet(
            NAME, number, struct.pack(">I", len(page)) + b"".join(s(n) + s(x) + a for n, x, a in page)
        )

    return {
        OPENDIR: lambda number, _: packet(HANDLE, number, s(b"h")),
        READDIR: more,
        CLOSE: done,
    }


def write_new(session: SftpSession, path: str, data: bytes) -> None:
    """Writes a file as a mailbox does. Files that are opened ahead get other names."""
    names = itertools.chain([path], (f"{path}-{number}" for number in itertools.count()))
    session.write_new(session.draft(path, lambda: next(names), len(data)), data)
