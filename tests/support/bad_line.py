"""A line to a server of this machine that is long, breaks or stalls, as a test wants it."""

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

_BLOCK = 64 * 1024


@dataclass(kw_only=True)
class Fault:
    """What happens to the first connection that comes to it; those after it are good.

    kind   ``cut``: both ends see it reset; ``stall``: nothing passes any more, either way, and nobody is told
    way    in which direction the bytes are counted
    after  it happens before the byte of this number passes, ...
    when   ... and only once this is so
    """

    kind: Literal["cut", "stall"]
    way: Literal["up", "down"] = "up"
    after: int = 0
    when: Callable[[], bool] = lambda: True
    happened: bool = False


@dataclass(eq=False)
class _Way:
    """One direction of one connection: what is under way, with the time at which it is there."""

    name: str
    source: socket.socket
    sink: socket.socket
    passed: int = 0
    in_flight: deque[tuple[float, bytes]] = field(default_factory=deque)


class BadLine:
    """``port`` leads to ``server_port``. ``passed`` counts bytes by direction, ``connections`` those that came."""

    def __init__(self, server_port: int, faults: tuple[Fault, ...], rtt_s: float) -> None:
        self._server_port = server_port
        self._faults = list(faults)
        self._one_way = rtt_s / 2
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.connections = 0
        self.passed = {"up": 0, "down": 0}
        self._ways: list[_Way] = []
        self._stalled: set[socket.socket] = set()
        self._over = threading.Event()
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._thread = threading.Thread(target=self._run, name="bad line")
        self._thread.start()

    def close(self) -> None:
        self._over.set()
        self._thread.join()
        for way in list(self._ways):
            self._end(way)
        self._listener.close()
        self._selector.close()

    def _run(self) -> None:
        while not self._over.is_set():
            due = min(
                (way.in_flight[0][0] for way in self._ways if way.in_flight), default=monotonic() + 0.05
            )
            for key, _ in self._selector.select(max(0.0, min(0.05, due - monotonic()))):
                if key.fileobj is self._listener:
                    self._accept()
                else:
                    self._receive(key.data)
            for way in list(self._ways):
                while way in self._ways and way.in_flight and way.in_flight[0][0] <= monotonic():
                    self._deliver(way, way.in_flight.popleft()[1])

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
        for way in (_Way("up", near, far), _Way("down", far, near)):
            self._ways.append(way)
            self._selector.register(way.source, selectors.EVENT_READ, way)

    def _receive(self, way: _Way) -> None:
        try:
            data = way.source.recv(_BLOCK)
        except OSError:
            data = b""
        if not data:
            self._selector.unregister(way.source)
        way.in_flight.append((monotonic() + self._one_way, data))

    def _deliver(self, way: _Way, data: bytes) -> None:
        if way.source in self._stalled:
            return
        if not data:
            self._end(way)
            return
        fault = self._due(way, len(data))
        if fault:
            data = data[: max(0, fault.after - way.passed)]
        with suppress(OSError):
            way.sink.sendall(data)
        way.passed += len(data)
        self.passed[way.name] += len(data)
        if fault and fault.kind == "stall":
            self._stalled.update((way.source, way.sink))
        elif fault:
            self._end(way)

    def _due(self, way: _Way, size: int) -> Fault | None:
        fault = self._faults[0] if self._faults else None
        if not fault or fault.way != way.name or way.passed + size <= fault.after or not fault.when():
            return None
        self._faults.pop(0)
        fault.happened = True
        return fault

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
    """A line to ``server_port`` with those faults, one after another, each on a connection of its own."""
    line = BadLine(server_port, faults, rtt_s)
    try:
        yield line
    finally:
        line.close()
