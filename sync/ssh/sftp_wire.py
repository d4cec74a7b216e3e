"""Requests and answers of SFTP over one channel that several threads share.

Requests queue up, and leave when an answer is waited for: what does not depend on an answer costs no round trip, and
calls that several threads make at once travel together. There is no thread of its own: of those that wait, one sends
what all have queued and one reads for all, until it has what it needs itself.

Who reads cannot be called back, so nobody reads unless an answer is due: a thread whose own request is still queued
while another sends would wait for ever where the other then has all it needs, and leaves.
"""

import copy
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from ..clock import Clock, SystemClock
from .sftp_greeting import LIMITS_REQUEST, SAFE_BLOCK, Connect, blocks, greet
from .sftp_packets import (
    CLOSE,
    HANDLE,
    OK,
    PIECE,
    STATUS,
    Fields,
    SftpBroken,
    SftpStatus,
    Stream,
    packet,
    string,
    text,
)

_BATCH = 8 * PIECE
_QUEUE = 2 * _BATCH
_FIRST_BYTES = 24 * 1024
_MANY = 32  # answers that may be so large together that the server takes nothing before some are read


class SftpWire:
    """``connect`` is called when the first answer is waited for, so that the first requests can go with the login.

    ``extensions`` are those that the server announced; ``read_block`` and ``write_block`` what it takes at a time.
    ``waits`` counts the round trips of calls: how often one waited for an answer after asking something.
    ``round_trip_s`` is the shortest of them so far, 0 where none was measured.
    """

    def __init__(self, connect: Connect, clock: Clock | None = None) -> None:
        self.extensions: frozenset[str] = frozenset()
        self.read_block = self.write_block = SAFE_BLOCK
        self.waits = 0
        self.round_trip_s = 0.0
        self.clock = clock or SystemClock()
        self._connect = connect
        self._stream: Stream | None = None
        self._changed = threading.Condition()  # guards all below
        # Parts, each with the number of its request.
        self._out: deque[tuple[int, bytes | memoryview]] = deque()
        self._queued = 0
        self._last = LIMITS_REQUEST
        self._wanted: dict[int, bool] = {}
        self._answers: dict[int, tuple[int, Fields]] = {}
        self._sending = self._reading = False
        self._failure: Exception | None = None

    @property
    def was_greeted(self) -> bool:
        """Whether the server has said that it speaks SFTP."""
        return self._stream is not None

    @property
    def failure(self) -> Exception | None:
        """What ended the session."""
        return self._failure

    @property
    def is_quiet(self) -> bool:
        """Whether no call is under way."""
        with self._changed:
            return not self._answers and not any(self._wanted.values())

    @contextmanager
    def call(self) -> Iterator["Call"]:
        """For one thread. What is asked in it and not waited for by its end is nobody's concern any more.

        A request that makes no sense of the server's answer breaks the session for all who share it.
        """
        call = Call(self)
        try:
            yield call
        except SftpBroken as error:
            self.fail(error)
            raise
        finally:
            self._forget(call.open)

    def start(self) -> None:
        """Connects now. Raises what ``connect`` raises, and SftpBroken."""
        while not self.was_greeted:
            self._take_part(lambda: self.was_greeted, may_read=False)

    def fail(self, error: Exception) -> None:
        """Ends the session: every call on it, now and later, raises ``error`` or the one that was first.

        The channel stays open, for closing it might wait for what is stuck in it.
        """
        with self._changed:
            self._failure = self._failure or error
            self._out.clear()
            self._queued = 0
            self._answers.clear()
            self._changed.notify_all()

    def close(self) -> None:
        self.fail(SftpBroken("the session was closed"))
        if self._stream:
            self._stream.close()

    def ask(self, kind: int, body: bytes, tail: memoryview | bytes = b"") -> int:
        """Queues a request; where much is queued already, it first sends that."""
        while self._queued > _QUEUE:
            self._take_part(lambda: self._queued <= _QUEUE, may_read=False)
        with self._changed:
            self._last = self._last % 0xFFFFFFFF + 1
            self._put(self._last, packet(kind, self._last, body, len(tail)), tail)
            self._wanted[self._last] = True
            return self._last

    def answer(self, request: int) -> tuple[int, Fields]:
        """Waits until it is there. Raises SftpBroken, or what ``connect`` raised."""
        self.waits += bool(self._out)
        while True:
            with self._changed:
                if request in self._answers:
                    return self._answers.pop(request)
            self._take_part(lambda: request in self._answers, may_read=True)

    def _take_part(self, done: Callable[[], bool], *, may_read: bool) -> None:
        """Waits until ``done``, or until there is something to do for all; then does that, once.

        Without ``may_read`` it reads only where many answers are due, for that would hold up who wants to send.
        """

        def can_send() -> bool:
            return not self._sending and (bool(self._out) or self._stream is None)

        def something() -> bool:
            can_read = self._stream is not None and not self._reading and self._is_due()
            should_read = may_read or len(self._wanted) > _MANY
            return done() or self._failure is not None or can_send() or (can_read and should_read)

        with self._changed:
            self._changed.wait_for(something)
            if done():
                return
            if self._failure:
                raise copy.copy(self._failure)
            sends = can_send()
            batch = self._next(_BATCH) if sends and self._stream else []
            if sends:
                self._sending = True
            else:
                self._reading = True
        try:
            arrived = self._act(sends, batch)
            with self._changed:
                self._deliver(arrived)
        except BaseException as error:
            # Also where a person interrupts: what was sent or read by half fits nothing that comes after.
            self.fail(error if isinstance(error, Exception) else SftpBroken("it was interrupted"))
            raise
        finally:
            with self._changed:
                if sends:
                    self._sending = False
                else:
                    self._reading = False
                self._changed.notify_all()

    def _is_due(self) -> bool:
        """Whether something that was sent whole is not answered. Requests leave in the order of their numbers."""
        return not self._out or next(iter(self._wanted), None) != self._out[0][0]

    def _act(self, sends: bool, batch: list[bytes | memoryview]) -> list[tuple[int, Fields]]:
        if self._stream is None:
            return self._start()
        if not sends:
            return self._stream.receive()
        self._stream.send(batch)
        return []

    def _start(self) -> list[tuple[int, Fields]]:
        def queued() -> bytes:
            with self._changed:
                return b"".join(self._next(_FIRST_BYTES))

        greeting = greet(self._connect, queued)
        with self._changed:
            self.extensions = greeting.extensions
            if greeting.asked_for_limits:
                self._wanted[LIMITS_REQUEST] = False
            self._stream = greeting.stream
        return greeting.arrived

    def _next(self, most: int) -> list[bytes | memoryview]:
        """Takes whole parts off the queue: one, and then as many as stay within ``most`` bytes."""
        taken: list[bytes | memoryview] = []
        size = 0
        while self._out and (not taken or size + len(self._out[0][1]) <= most):
            taken.append(self._out.popleft()[1])
            size += len(taken[-1])
        self._queued -= size
        return taken

    def _put(self, number: int, *parts: bytes | memoryview) -> None:
        if self._failure is None:
            self._out.extend((number, part) for part in parts if part)
            self._queued += sum(map(len, parts))

    def _deliver(self, arrived: list[tuple[int, Fields]]) -> None:
        for kind, fields in arrived:
            number = fields.u32()
            wanted = self._wanted.pop(number, None)
            if wanted is None:
                raise SftpBroken("the server answered what nobody asked")
            if wanted:
                self._answers[number] = (kind, fields)
            elif number == LIMITS_REQUEST:
                self.read_block, self.write_block = blocks(kind, fields)
            else:
                self._drop(kind, fields)

    def _drop(self, kind: int, fields: Fields) -> None:
        if kind == HANDLE:  # a file was opened after its call was given up
            self._last = self._last % 0xFFFFFFFF + 1
            self._put(self._last, packet(CLOSE, self._last, string(fields.string())))
            self._wanted[self._last] = False

    def _forget(self, requests: Iterable[int]) -> None:
        with self._changed:
            for request in requests:
                if request in self._answers:
                    self._drop(*self._answers.pop(request))
                elif request in self._wanted:
                    self._wanted[request] = False


class Call:
    """What one call on a session asks. ``open`` are the requests that it has not looked at the answer of."""

    def __init__(self, wire: SftpWire) -> None:
        self._wire = wire
        self.open: set[int] = set()

    def ask(self, kind: int, body: bytes, tail: memoryview | bytes = b"") -> int:
        """Queues a request; returns its number."""
        request = self._wire.ask(kind, body, tail)
        self.open.add(request)
        return request

    def wait(self, request: int, expected: int) -> Fields:
        """The answer, which must be of the kind ``expected``. Raises SftpStatus and SftpBroken."""
        kind, fields = self._wire.answer(request)
        self.open.discard(request)
        if kind == STATUS:
            code = fields.u32()
            if code != OK:
                raise SftpStatus(code, text(fields.string()) if fields else "")
        if kind != expected:
            raise SftpBroken("the server answered with something else than was asked for")
        return fields

    def exchange(self, kind: int, body: bytes, expected: int) -> Fields:
        """Asks and waits."""
        measured, began = self._wire.was_greeted, self._wire.clock.monotonic()
        fields = self.wait(self.ask(kind, body), expected)
        if measured:
            took = self._wire.clock.monotonic() - began
            self._wire.round_trip_s = min(self._wire.round_trip_s or took, took)
        return fields

    def settle(self, requests: Iterable[int], forgiven: int = OK) -> None:
        """Waits for all the answers, then raises the first failure."""
        refused: SftpStatus | None = None
        for request in requests:
            try:
                self.wait(request, STATUS)
            except SftpStatus as error:
                if error.code != forgiven:
                    refused = refused or error
        if refused:
            raise refused
