"""An SFTP server that gives little at a time is served; one that lies breaks the session and nothing else.

The server is a script at the other end of the channel: no real one can be made to misbehave.
"""

import struct
from collections import deque
from collections.abc import Callable

import pytest

from sync.ssh_sftp import SftpSession
from sync.ssh_sftp_wire import NO_SUCH_FILE, SftpBroken, SftpStatus

INIT, OPEN, CLOSE, READ, FSTAT, OPENDIR, READDIR, MKDIR, STAT = 1, 3, 4, 5, 8, 11, 12, 14, 17
STATUS, HANDLE, DATA, NAME, ATTRS = 101, 102, 103, 104, 105

Answer = Callable[[int, bytes], bytes]


def s(data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + data


def packet(kind: int, number: int, body: bytes) -> bytes:
    return struct.pack(">IBI", 5 + len(body), kind, number) + body


def status(number: int, code: int) -> bytes:
    return packet(STATUS, number, struct.pack(">I", code) + s(b"said") + s(b"en"))


class Server:
    """The far end of a channel. ``answers`` maps a kind of request to what is sent back, whole packets.

    It takes up a request only when it is waited for; ``most_waiting`` is how many there ever were.
    """

    def __init__(self, answers: dict[int, Answer], version: bytes = b"", trickle: int = 0) -> None:
        self._answers = answers
        self._version = version or struct.pack(">IBI", 5, 2, 3)
        self._in = b""
        self._out = bytearray()
        self._requests: deque[bytes] = deque()
        self._trickle = trickle
        self.most_waiting = 0

    def send(self, s: bytes) -> int:
        self._in += s
        while len(self._in) >= 4 and len(self._in) >= 4 + int.from_bytes(self._in[:4], "big"):
            size = int.from_bytes(self._in[:4], "big")
            self._requests.append(self._in[4 : 4 + size])
            self._in = self._in[4 + size :]
        self.most_waiting = max(self.most_waiting, len(self._requests))
        return len(s)

    def recv(self, nbytes: int) -> bytes:
        if not self._out:
            body = self._requests.popleft()
            number = int.from_bytes(body[1:5], "big")
            self._out += self._version if body[0] == INIT else self._answers[body[0]](number, body[5:])
        size = self._trickle or nbytes
        data = bytes(self._out[:size])
        del self._out[:size]
        return data

    def close(self) -> None:
        return


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
        CLOSE: lambda number, _: status(number, 0),
    }


CONTENT = bytes(range(256)) * 700


@pytest.mark.parametrize("most", [1000, 32768, 10**6])
@pytest.mark.parametrize(("offset", "length"), [(0, None), (1, 100_000), (150_000, None), (170_000, 99_999)])
def test_a_server_that_gives_little_at_a_time_is_asked_again(
    most: int, offset: int, length: int | None
) -> None:
    session = SftpSession(Server(holding(CONTENT, most), trickle=777))
    end = None if length is None else offset + length
    assert session.read("f", offset, length) == CONTENT[offset:end]


def test_a_claimed_size_allocates_nothing_and_a_short_file_is_noticed() -> None:
    session = SftpSession(Server(holding(b"x" * 100, 32768, claimed=10**6)))
    with pytest.raises(SftpBroken, match="shorter"):
        session.read("f", 0, None)


def test_many_reads_are_in_flight_but_not_all() -> None:
    server = Server(holding(bytes(32768 * 200), 32768))
    assert len(SftpSession(server).read("f", 0, None)) == 32768 * 200
    assert 32 <= server.most_waiting <= 65


@pytest.mark.parametrize(
    ("answer", "what"),
    [
        (lambda n, _: packet(DATA, n, s(b"x" * 40_000)), "impossible size"),
        (lambda n, _: packet(DATA, n, s(b"")), "impossible size"),
        (lambda n, _: packet(DATA, n, struct.pack(">I", 99)), "ends too soon"),
        (lambda n, _: packet(DATA, n + 77, s(b"x")), "nobody asked"),
        (lambda n, _: packet(HANDLE, n, s(b"x")), "something else"),
        (lambda n, _: struct.pack(">I", 2**31), "impossible size"),
        (lambda n, _: struct.pack(">I", 0), "impossible size"),
        (lambda n, _: struct.pack(">IB", 3, DATA) + b"xx", "ends too soon"),
        (lambda n, _: b"", "closed"),
    ],
)
def test_an_answer_that_makes_no_sense_breaks_the_session(answer: Answer, what: str) -> None:
    session = SftpSession(Server({**holding(CONTENT, 32768), READ: answer}))
    with pytest.raises(SftpBroken, match=what):
        session.read("f", 0, None)


@pytest.mark.parametrize("version", [struct.pack(">IBI", 5, 2, 2), struct.pack(">IBI", 5, 101, 3)])
def test_another_protocol_is_refused(version: bytes) -> None:
    with pytest.raises(SftpBroken, match="version 3"):
        SftpSession(Server({}, version))


def test_an_error_in_the_middle_leaves_answers_unread_and_says_so() -> None:
    session = SftpSession(Server({**holding(bytes(10**6), 32768), READ: lambda n, _: status(n, 4)}))
    assert session.wire.is_quiet
    with pytest.raises(SftpStatus, match="said"):
        session.read("f", 0, None)
    assert not session.wire.is_quiet


def listing(*pages: list[tuple[bytes, bytes, bytes]]) -> dict[int, Answer]:
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
        CLOSE: lambda number, _: status(number, 0),
    }


def test_attributes_may_be_few_or_many() -> None:
    everything = struct.pack(">IQIIIIII", 0x8000000F, 5, 1, 1, 0o100600, 9, 9, 1) + s(b"name") + s(b"value")
    nothing = struct.pack(">I", 0)
    session = SftpSession(
        Server(
            listing(
                [(b"a", b"", everything), (b"b", b"drwx b", nothing)],
                [(b"c", b"-rw- c", nothing), (b"d", b"lrwx d", nothing)],
                *([[(b"e%d" % n, b"-", nothing)] for n in range(40)]),
            )
        )
    )
    found = {entry.name: entry for entry in session.entries("p")}
    assert len(found) == 44
    assert (found["a"].is_file, found["a"].size) == (True, 5)
    assert found["b"].is_folder
    assert found["c"].is_file
    assert not found["d"].is_file
    assert not found["d"].is_folder
    assert session.wire.is_quiet


def test_a_folder_that_is_refused_is_named() -> None:
    attributes = struct.pack(">II", 4, 0o100644)
    session = SftpSession(
        Server(
            {
                MKDIR: lambda number, _: status(number, 4),
                STAT: lambda number, body: (
                    packet(ATTRS, number, attributes)
                    if body.endswith(b"/a")
                    else status(number, NO_SUCH_FILE)
                ),
            }
        )
    )
    with pytest.raises(SftpStatus, match="/a is not a folder"):
        session.make_folders(["/a", "/a/b"])
