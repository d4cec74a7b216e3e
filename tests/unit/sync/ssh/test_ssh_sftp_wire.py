"""Several threads share one session: their requests travel together, and no call harms or mistakes another's."""

import struct
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from sync.errors import Unauthorised
from sync.ssh.sftp import SftpSession
from sync.ssh.sftp_packets import SftpBroken, SftpStatus
from tests.support.sftp_script import (
    CLOSE,
    DATA,
    FSTAT,
    HANDLE,
    NOT_NOW,
    OPEN,
    OPENDIR,
    READ,
    READDIR,
    RENAME,
    STATUS,
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


def at_once(*calls: Callable[[], object]) -> list[object]:
    """What each gives or raises, called from as many threads."""

    def outcome(call: Callable[[], object]) -> object:
        try:
            return call()
        except Exception as error:
            return error

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(outcome, calls))


def three_small_calls(session: SftpSession) -> list[object]:
    return at_once(
        lambda: session.read("format.json", 0, None),
        lambda: len(session.entries("snapshots")),
        lambda: len(session.entries("packs")),
    )


def folder_and_file() -> dict[int, Answer]:
    return {**listing([(b"a", b"-", struct.pack(">I", 0))] * 2), **holding(b"{}", 100)}


def test_calls_of_three_threads_cost_two_round_trips_together() -> None:
    server = Server(folder_and_file())
    session = server.session()
    session.wire.start()
    openings, what_follows = 3, (1 + 8) + 16 + 16
    server.rounds = [openings, what_follows]
    content, *lengths = three_small_calls(session)
    assert content == b"{}"
    assert sorted(lengths, key=str) == [0, 2]
    assert server.rounds == []
    assert session.wire.is_quiet


def test_calls_that_come_before_the_connection_go_with_the_login() -> None:
    server = Server(folder_and_file())

    def connect(first: Callable[[], bytes]) -> Server:
        while len(session.wire._wanted) < 3:
            threading.Event().wait(0.001)
        server.send(first())
        return server

    session = SftpSession(connect)
    content, *lengths = three_small_calls(session)
    assert content == b"{}"
    assert sorted(lengths, key=str) == [0, 2]
    assert server.asked[:5].count(OPENDIR) == 2
    assert server.asked[:5].count(OPEN) == 1


def test_a_refused_call_harms_no_other() -> None:
    def open_some(number: int, body: bytes) -> bytes:
        return status(number, 2) if b"missing" in body else packet(HANDLE, number, s(b"h"))

    server = Server({**holding(b"x" * 50_000, 32768), OPEN: open_some})
    session = server.session()
    session.wire.start()
    server.rounds = [4]
    outcomes = at_once(
        *(lambda name=name: session.read(name, 0, None) for name in ("a", "missing", "b", "missing"))  # type: ignore[misc]
    )
    assert [outcomes[0], outcomes[2]] == [b"x" * 50_000] * 2
    assert isinstance(outcomes[1], SftpStatus)
    assert isinstance(outcomes[3], SftpStatus)
    assert session.wire.failure is None
    assert session.wire.is_quiet


@pytest.mark.parametrize("answer", [b"", packet(DATA, 99, s(b"x")), struct.pack(">I", 2**31)])
def test_a_session_that_breaks_fails_every_call_on_it(answer: bytes) -> None:
    server = Server({**holding(b"", 1), OPEN: lambda number, _: answer})
    session = server.session()
    session.wire.start()
    server.rounds = [3]
    outcomes = at_once(*[lambda: session.read("f", 0, None)] * 3)
    assert [type(outcome) for outcome in outcomes] == [SftpBroken] * 3
    assert len({str(outcome) for outcome in outcomes}) == 1


def test_where_connecting_fails_every_call_is_told_why() -> None:
    waiting = threading.Event()

    def connect(_: Callable[[], bytes]) -> Server:
        waiting.wait(5)
        raise Unauthorised("the host key is not known", "look at it")

    session = SftpSession(connect)
    threading.Timer(0.05, waiting.set).start()
    outcomes = at_once(*[lambda: session.look("f")] * 3)
    assert [(str(o), o.hint) for o in outcomes if isinstance(o, Unauthorised)] == [
        ("the host key is not known", "look at it")
    ] * 3


def test_a_call_that_is_given_up_leaves_nothing_behind() -> None:
    """It was given up while its file was being opened: the handle that comes later is closed."""
    server = Server(holding(b"x", 1))
    session = server.session()
    with session.wire.call() as call:
        call.ask(OPEN, s(b"f") + struct.pack(">II", 1, 0))
    assert session.read("g", 0, None) == b"x"
    session.remove_soon("h")
    with pytest.raises(SftpStatus):
        session.rename("a", "b")
    assert server.asked.count(CLOSE) == 2
    assert session.wire.is_quiet
    assert not session.wire._answers


def test_an_interruption_while_reading_breaks_the_session_for_all() -> None:
    def interrupted(number: int, body: bytes) -> bytes:
        raise KeyboardInterrupt

    session = Server({**holding(b"x", 1), FSTAT: interrupted}).session()
    with pytest.raises(KeyboardInterrupt):
        session.read("f", 0, None)
    with pytest.raises(SftpBroken, match="interrupted"):
        session.look("f")


def test_large_writes_go_one_after_another_and_small_calls_between() -> None:
    """Handles tell the files apart: no block of the second before the last of the first."""
    handles = iter([b"first", b"second", b"spare", b"spare"])
    blocks: list[bytes] = []

    def write(number: int, body: bytes) -> bytes:
        blocks.append(body[4 : 4 + int.from_bytes(body[:4], "big")])
        return status(number, 0)

    class Busy(Server):
        """In the middle of the writes it takes nothing until a small call wants something."""

        def send(self, s: bytes) -> int:
            while self.asked.count(WRITE) >= 100 and not asked_in_between:
                small.set()
                asked_in_between.extend(part for _, part in list(session.wire._out) if part[4:5] == b"\x12")
            return super().send(s)

    small = threading.Event()
    asked_in_between: list[object] = []  # 0x12 is a request to rename
    answers = {OPEN: lambda number, _: packet(HANDLE, number, s(next(handles))), WRITE: write}
    server = Busy({**answers, CLOSE: done, RENAME: done})
    session = server.session()
    session.wire.start()
    server.rounds = [4]
    data = bytes(4 * 1024 * 1024)
    at_once(
        lambda: write_new(session, "x", data),
        lambda: write_new(session, "y", data),
        lambda: small.wait(5) and session.rename("a", "b"),
    )
    assert len(blocks) == 256
    assert len(set(blocks[:128])) == len(set(blocks[128:])) == 1
    assert 100 <= server.asked[: server.asked.index(RENAME)].count(WRITE) <= 150
    assert session.bytes_per_s > 0


def test_a_call_that_is_asked_while_another_sends_is_sent_though_the_other_leaves() -> None:
    """The other has its answer before it knows that it has sent all, for the second call read that answer."""

    class Slow(Server):
        """Its sender goes on late: when the other call waits, and what it might wait for is read."""

        def send(self, s: bytes) -> int:
            size = super().send(s)
            if self.asked.count(RENAME) == 1:
                sent.set()
                reads_more.wait(0.3)
            return size

        def recv(self, nbytes: int) -> bytes:
            if session.wire._answers:
                reads_more.set()
            return super().recv(nbytes)

    sent, reads_more = threading.Event(), threading.Event()
    server = Slow({RENAME: done})
    session = server.session()
    session.wire.start()

    def second() -> None:
        sent.wait(5)
        session.rename("c", "d")

    assert at_once(lambda: session.rename("a", "b"), second) == [None, None]
    assert session.wire.is_quiet


def test_who_may_not_queue_more_reads_where_the_server_takes_nothing_before_its_answers_are_read() -> None:
    class Full(Server):
        """It takes no content before somebody receives."""

        def send(self, s: bytes) -> int:
            if self.asked.count(READ) and not received.is_set():
                full.set()
                if not received.wait(5):
                    raise TimeoutError
            return super().send(s)

        def recv(self, nbytes: int) -> bytes:
            if full.is_set():
                received.set()
            return super().recv(nbytes)

    full, received = threading.Event(), threading.Event()
    session = Full({**holding(b"x", 1), WRITE: done}).session()
    session.wire.start()

    def reads_and_writes() -> None:
        with session.wire.call() as call:
            for _ in range(50):
                call.ask(READ, s(b"h") + struct.pack(">QI", 0, 1))
            call.settle([call.ask(WRITE, b"", bytes(size)) for size in (300_000, 900_000)])

    def asks() -> None:
        full.wait(5)
        session.remove_soon("a")

    assert at_once(reads_and_writes, asks) == [None, None]


def test_what_is_queued_for_a_large_write_stays_small() -> None:
    queued: list[int] = []

    class Slow(Server):
        def send(self, s: bytes) -> int:
            queued.append(session.wire._queued)
            return super().send(s)

    server = Slow({**holding(b"", 1), WRITE: done})
    session = server.session()
    write_new(session, "x", bytes(8 * 1024 * 1024))
    assert max(queued) < 1024 * 1024


def test_answers_may_come_in_any_order() -> None:
    late: list[tuple[int, bytes]] = []
    answers = holding(bytes(range(200)) * 400, 32768)
    honest = answers[READ]

    def backwards(number: int, body: bytes) -> bytes:
        late.append((number, body))
        if len(late) < 3:
            return NOT_NOW
        return b"".join(honest(*request) for request in reversed(late))

    server = Server({**answers, READ: backwards, STATUS: done})
    assert server.session().read("f", 0, 80_000) == bytes(range(200)) * 400
    assert READDIR not in server.asked
