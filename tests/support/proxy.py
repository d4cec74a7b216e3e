"""A TCP line to a port of this machine that breaks when it is told to: cut, stalled, or down for a while."""

import contextlib
import selectors
import socket
import struct
import threading
from collections.abc import Iterator
from typing import Literal

Fault = Literal["cut", "down", "stall"]
"""All open connections end; they do, and no new one is let in; nothing passes any more, and nothing ends."""
Way = Literal["up", "down"]

_PIECE = 16 * 1024
_RESET = struct.pack("ii", 1, 0)  # an end of a connection that no reader takes for the end of the data


class Line:
    """``up`` and ``down`` count the bytes that have passed, towards the server and from it, over all connections."""

    def __init__(self, to: int) -> None:
        self.passed: dict[Way, int] = {"up": 0, "down": 0}
        self.fault: Fault | None = None
        """The planned fault, once it has happened."""
        self._to = to
        self._plan: tuple[Fault, Way, int] | None = None
        self._lock = threading.Lock()
        self._peers: dict[socket.socket, tuple[socket.socket, Way]] = {}
        self._selector = selectors.DefaultSelector()
        self._wake, self._woken = socket.socketpair()
        self._selector.register(self._woken, selectors.EVENT_READ)
        self._listener = self._listen(0)
        self.port: int = self._listener.getsockname()[1]
        self._ends = False
        self._thread = threading.Thread(target=self._serve, name="line")
        self._thread.start()

    def plan(self, fault: Fault, way: Way, after: int) -> None:
        """Breaks once so many bytes more have passed that ``way``."""
        with self._lock:
            self.fault = None
            self._plan = (fault, way, self.passed[way] + after)

    def restore(self) -> None:
        with self._lock:
            self._plan = self.fault = None
        self._wake.send(b"x")

    def close(self) -> None:
        self._ends = True
        self._wake.send(b"x")
        self._thread.join()

    def _listen(self, port: int) -> socket.socket:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen(64)
        self._selector.register(listener, selectors.EVENT_READ)
        return listener

    def _serve(self) -> None:
        try:
            while not self._ends:
                self._keep_listening()
                for key, _ in self._selector.select():
                    end = key.fileobj
                    assert isinstance(end, socket.socket)
                    if end is self._woken:
                        end.recv(100)
                    elif end is self._listener:
                        self._accept()
                    elif end in self._peers:
                        self._carry(end)
        finally:
            self._end_all()
            for each in (self._listener, self._wake, self._woken):
                each.close()
            self._selector.close()

    def _keep_listening(self) -> None:
        down = self.fault == "down"
        if down and self._listener.fileno() >= 0:
            self._selector.unregister(self._listener)
            self._listener.close()
        elif not down and self._listener.fileno() < 0:
            self._listener = self._listen(self.port)
        stalled = self.fault == "stall"
        for end in self._peers:
            watched = end in self._selector.get_map()
            if stalled and watched:
                self._selector.unregister(end)
            elif not stalled and not watched:
                self._selector.register(end, selectors.EVENT_READ)

    def _accept(self) -> None:
        near, _ = self._listener.accept()
        far = socket.create_connection(("127.0.0.1", self._to))
        for end in (near, far):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self.fault != "stall":
                self._selector.register(end, selectors.EVENT_READ)
        self._peers[near], self._peers[far] = (far, "up"), (near, "down")

    def _carry(self, end: socket.socket) -> None:
        other, way = self._peers[end]
        with self._lock:
            plan = self._plan
        left = plan[2] - self.passed[way] if plan and plan[1] == way else _PIECE
        try:
            data = end.recv(max(1, min(_PIECE, left)))
            if data and left > 0:
                other.sendall(data)
                self.passed[way] += len(data)
        except OSError:
            data = b""
        if not data:
            self._end(end)
        if plan and plan[1] == way and self.passed[way] >= plan[2]:
            self._break(plan[0])

    def _break(self, fault: Fault) -> None:
        with self._lock:
            self._plan, self.fault = None, fault
        if fault != "stall":
            self._end_all()

    def _end_all(self) -> None:
        while self._peers:
            self._end(next(iter(self._peers)))

    def _end(self, end: socket.socket) -> None:
        for each in (end, self._peers[end][0]):
            if each in self._selector.get_map():
                self._selector.unregister(each)
            with contextlib.suppress(OSError):
                each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            each.close()
            del self._peers[each]


@contextlib.contextmanager
def line_to(port: int) -> Iterator[Line]:
    line = Line(port)
    try:
        yield line
    finally:
        line.close()
