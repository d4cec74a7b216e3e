"""A TCP line to a server of this machine that is long, breaks, stalls or is away, as a test wants it."""

import selectors
import socket
import struct
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from time import monotonic
from typing import Literal

Kind = Literal["cut", "down", "stall", "silence"]
Way = Literal["up", "down"]
_BLOCK = 64 * 1024
_LOOK_S = 0.05


@dataclass(kw_only=True)
class Fault:
    """What happens to all open connections, once; they are counted together.

    kind   ``cut``: both ends see them reset, and new ones are good; ``down``: so, but no new one is let in until
           the line is repaired; ``stall``: nothing passes on them until then, nobody is told, and new ones are
           good; ``silence``: so, but nothing passes on new ones either
    way    towards the server or from it: in which direction the bytes are counted
    after  it happens before the byte of this number passes, from when it was planned or the fault before happened, ...
    when   ... and only once this is so
    """

    kind: Kind
    way: Way = "up"
    after: int = 0
    when: Callable[[], bool] = lambda: True
    happened: bool = False


@dataclass(eq=False)
class _Way:
    """One direction of one connection: what is under way, with the time at which it is there and its round trip."""

    name: Way
    source: socket.socket
    sink: socket.socket
    stalled: bool = False
    over: bool = False
    in_flight: deque[tuple[float, bytes, int]] = field(default_factory=deque)


class BadLine:
    """``port`` leads to ``server_port``. ``passed`` counts bytes by direction, ``connections`` those that came.

    ``round_trips``: how many of them what came last took, one after another, whatever time passed: what leaves the
    client after an answer was there is counted as asked because of it, and so is the answer to that.
    """

    def __init__(self, server_port: int, faults: tuple[Fault, ...], rtt_s: float) -> None:
        self._server_port = server_port
        self._one_way = rtt_s / 2
        self.connections = 0
        self.passed: dict[Way, int] = {"up": 0, "down": 0}
        self._trip: dict[Way, int] = {"up": 0, "down": 0}
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._taken_up = threading.Event()
        self._ways: list[_Way] = []
        self._broken: Kind | None = None
        self._selector = selectors.DefaultSelector()
        self._listener = self._listen(0)
        self.port: int = self._listener.getsockname()[1]
        self.plan(*faults)
        self._thread = threading.Thread(target=self._run, name="bad line")
        self._thread.start()

    @property
    def round_trips(self) -> int:
        return self._trip["down"]

    def plan(self, *faults: Fault) -> None:
        """One after another; those planned before are forgotten."""
        with self._lock:
            self._faults = list(faults)
            self._counted_from = dict(self.passed)

    def repair(self) -> None:
        """The line is good when this returns; what is planned and has not happened is forgotten."""
        with self._lock:
            self._taken_up.clear()
            self._faults, self._broken = [], None
        self._taken_up.wait()

    def close(self) -> None:
        self._over.set()
        self._thread.join()
        self._end_all()
        self._listener.close()
        self._selector.close()

    def _listen(self, port: int) -> socket.socket:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen(64)
        self._selector.register(listener, selectors.EVENT_READ)
        return listener

    def _run(self) -> None:
        while not self._over.is_set():
            with self._lock:
                self._take_up()
            waiting = (way.in_flight[0][0] for way in self._ways if way.in_flight and not way.stalled)
            due = min(waiting, default=monotonic() + _LOOK_S)
            for key, _ in self._selector.select(max(0.0, min(_LOOK_S, due - monotonic()))):
                if key.fileobj is self._listener:
                    self._accept()
                elif key.data in self._ways:
                    self._receive(key.data)
            with self._lock:
                for way in list(self._ways):
                    while self._is_due(way):
                        self._deliver(way, *way.in_flight.popleft()[1:])

    def _take_up(self) -> None:
        """Makes everything as it is to be now."""
        if self._broken == "down" and self._listener.fileno() >= 0:
            self._selector.unregister(self._listener)
            self._listener.close()
        elif self._broken != "down" and self._listener.fileno() < 0:
            self._listener = self._listen(self.port)
        for way in self._ways:
            way.stalled = way.stalled and self._broken in ("stall", "silence")
            watched = way.source in self._selector.get_map()
            if watched and way.stalled:
                self._selector.unregister(way.source)
            elif not watched and not way.stalled and not way.over:
                self._selector.register(way.source, selectors.EVENT_READ, way)
        self._taken_up.set()

    def _accept(self) -> None:
        near, _ = self._listener.accept()
        self.connections += 1
        try:
            far = socket.create_connection(("127.0.0.1", self._server_port), timeout=5)
        except OSError:
            _reset(near)
            return
        for one in (near, far):
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            one.settimeout(10)
        stalled = self._broken == "silence"
        self._ways += (_Way("up", near, far, stalled), _Way("down", far, near, stalled))

    def _receive(self, way: _Way) -> None:
        try:
            data = way.source.recv(_BLOCK)
        except OSError:
            data = b""
        if not data:
            way.over = True
            self._selector.unregister(way.source)
        trip = self._trip["down"] + 1 if way.name == "up" else self._trip["up"]
        way.in_flight.append((monotonic() + self._one_way, data, trip))

    def _is_due(self, way: _Way) -> bool:
        there = way in self._ways and not way.stalled and way.in_flight
        return bool(there) and way.in_flight[0][0] <= monotonic()

    def _deliver(self, way: _Way, data: bytes, trip: int) -> None:
        if not data:
            self._end(way)
            return
        fault = self._faults[0] if self._faults else None
        rest = b""
        if fault and fault.way == way.name:
            left = max(0, fault.after - self.passed[way.name] + self._counted_from[way.name])
            if left < len(data) and fault.when():
                data, rest = data[:left], data[left:]
        with suppress(OSError):
            way.sink.sendall(data)
        self.passed[way.name] += len(data)
        self._trip[way.name] = max(self._trip[way.name], trip)
        if fault and rest:
            way.in_flight.appendleft((0.0, rest, trip))
            self._break(fault)

    def _break(self, fault: Fault) -> None:
        self._faults.pop(0)
        self._counted_from = dict(self.passed)
        fault.happened = True
        if fault.kind in ("cut", "down"):
            self._end_all()
        else:
            for way in self._ways:
                way.stalled = True
        self._broken = None if fault.kind == "cut" else fault.kind

    def _end_all(self) -> None:
        while self._ways:
            self._end(self._ways[0])

    def _end(self, way: _Way) -> None:
        for one in (way.source, way.sink):
            with suppress(KeyError, ValueError):
                self._selector.unregister(one)
            _reset(one)
        self._ways = [other for other in self._ways if other.source not in (way.source, way.sink)]


def _reset(one: socket.socket) -> None:
    with suppress(OSError):
        one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    one.close()


@contextmanager
def bad_line(server_port: int, *faults: Fault, rtt_s: float = 0.0) -> Iterator[BadLine]:
    """A line to ``server_port`` with those faults, one after another."""
    line = BadLine(server_port, faults, rtt_s)
    try:
        yield line
    finally:
        line.close()
