"""An SFTP server that gives little at a time is served; one that lies breaks the session and nothing else."""

import struct

import pytest

from sync.ssh.sftp_packets import NO_SUCH_FILE, SftpBroken, SftpStatus
from tests.support.sftp_script import (
    ATTRS,
    CLOSE,
    DATA,
    EXTENDED,
    EXTENDED_REPLY,
    FSTAT,
    HANDLE,
    MKDIR,
    OPEN,
    READ,
    STAT,
    WRITE,
    Answer,
    Server,
    done,
    holding,
    listing,
    packet,
    s,
    status,
    write_new,
)

CONTENT = bytes(range(256)) * 700


@pytest.mark.parametrize("most", [1000, 32768, 10**6])
@pytest.mark.parametrize(("offset", "length"), [(0, None), (1, 100_000), (150_000, None), (170_000, 99_999)])
def test_a_server_that_gives_little_at_a_time_is_asked_again(
    most: int, offset: int, length: int | None
) -> None:
    session = Server(holding(CONTENT, most), trickle=777).session()
    end = None if length is None else offset + length
    assert session.read("f", offset, length) == CONTENT[offset:end]
    assert session.wire.is_quiet


def test_a_claimed_size_allocates_nothing_and_a_short_file_is_noticed() -> None:
    session = Server(holding(b"x" * 100, 32768, claimed=10**12)).session()
    with pytest.raises(SftpStatus, match="shorter"):
        session.read("f", 0, 10**11)
    assert session.wire.failure is None
    assert session.wire.is_quiet


def test_many_reads_are_in_flight_but_not_all() -> None:
    server = Server(holding(bytes(32768 * 200), 32768))
    assert len(server.session().read("f", 0, None)) == 32768 * 200
    assert 32 <= server.most_waiting <= 66


@pytest.mark.parametrize("size", [1, 32768, 32769, 40 * 32768])
def test_a_range_of_known_length_takes_two_round_trips(size: int) -> None:
    server = Server(holding(bytes(size + 1), 32768))
    session = server.session(early=True)
    assert len(session.read("f", 1, size)) == size
    assert server.round_trips == 2
    assert session.wire.waits == 2


def test_a_file_of_unknown_length_takes_two_round_trips_where_it_is_small() -> None:
    server = Server(holding(bytes(8 * 32768), 32768))
    assert len(server.session(early=True).read("f", 0, None)) == 8 * 32768
    assert server.round_trips == 2


@pytest.mark.parametrize("early", [True, False])
def test_blocks_are_as_large_as_the_server_takes(early: bool) -> None:
    limits = struct.pack(">QQQQ", 0, 100_000, 70_000, 0)
    sizes: list[int] = []

    def write(number: int, body: bytes) -> bytes:
        sizes.append(struct.unpack(">QI", body[5:17])[1])
        return status(number, 0)

    server = Server(
        {
            **holding(bytes(300_000), 10**6),
            EXTENDED: lambda number, _: packet(EXTENDED_REPLY, number, limits),
            WRITE: write,
        },
        version=struct.pack(">IBI", 5 + 30, 2, 3) + s(b"limits@openssh.com") + s(b"1234"),
    )
    session = server.session(early=early)
    assert session.read("f", 0, 300_000) == bytes(300_000)
    assert server.asked.count(READ) == 3
    write_new(session, "f", bytes(150_000))
    assert sizes == [70_000, 70_000, 10_000]


def test_what_a_server_does_not_announce_is_not_asked_for_unless_it_is_known() -> None:
    server = Server(holding(b"x", 1))
    assert server.session().read("f", 0, 1) == b"x"
    assert EXTENDED not in server.asked


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
    session = Server({**holding(CONTENT, 32768), READ: answer}).session()
    with pytest.raises(SftpBroken, match=what):
        session.read("f", 0, None)
    with pytest.raises(SftpBroken, match=what):
        session.look("f")


@pytest.mark.parametrize("version", [struct.pack(">IBI", 5, 2, 2), struct.pack(">IBI", 5, 101, 3)])
@pytest.mark.parametrize("early", [True, False])
def test_another_protocol_is_refused(version: bytes, early: bool) -> None:
    session = Server({}, version).session(early=early)
    with pytest.raises(SftpBroken, match="version 3"):
        session.look("f")
    assert not session.wire.was_greeted


def test_an_error_in_the_middle_leaves_nothing_that_the_next_call_could_mistake() -> None:
    server = Server({**holding(CONTENT, 32768), READ: lambda n, _: status(n, 4)})
    session = server.session()
    with pytest.raises(SftpStatus, match="said"):
        session.read("f", 0, None)
    assert session.wire.is_quiet
    server.answers.update(holding(CONTENT, 32768))
    assert session.read("f", 0, None) == CONTENT
    session.remove_soon("g")
    assert server.asked.count(CLOSE) == 1, "the second one goes with the next request"


def test_what_is_no_plain_file_is_not_read_and_closed() -> None:
    folder = struct.pack(">IQI", 5, 4096, 0o040755)
    server = Server({**holding(CONTENT, 32768), FSTAT: lambda n, _: packet(ATTRS, n, folder)})
    session = server.session()
    for _ in range(2):
        with pytest.raises(SftpStatus, match="not a plain file"):
            session.read("f", 0, None)
    assert server.asked.count(OPEN) == server.asked.count(CLOSE) + 1 == 2


def test_a_block_that_the_server_refuses_fails_the_write_and_its_file_is_closed() -> None:
    refusals = iter([0, 4])
    server = Server({**holding(b"", 1), WRITE: lambda n, _: status(n, next(refusals, 0))})
    session = server.session()
    with pytest.raises(SftpStatus, match="said"):
        write_new(session, "f", bytes(10 * 32768))
    assert server.asked.count(CLOSE) == 1
    assert session.wire.is_quiet


def test_attributes_may_be_few_or_many() -> None:
    everything = struct.pack(">IQIIIIII", 0x8000000F, 5, 1, 1, 0o100600, 9, 9, 1) + s(b"name") + s(b"value")
    nothing = struct.pack(">I", 0)
    pages = listing(
        [(b"a", b"", everything), (b"b", b"drwx b", nothing)],
        [(b"c", b"-rw- c", nothing), (b"d", b"lrwx d", nothing)],
        *([[(b"e%d" % n, b"-", nothing)] for n in range(40)]),
    )
    session = Server(pages).session()
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
    session = Server(
        {
            MKDIR: lambda number, _: status(number, 4),
            STAT: lambda number, body: (
                packet(ATTRS, number, attributes) if body.endswith(b"/a") else status(number, NO_SUCH_FILE)
            ),
            CLOSE: done,
        }
    ).session()
    with pytest.raises(SftpStatus, match="/a is not a folder"):
        session.make_folders(["/a", "/a/b"])
