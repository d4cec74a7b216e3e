"""The client's end of a request: whether it is still there, and waiting that ends when it is not."""

import select
import socket
import threading
import time

_LOOK_S = 0.25


class Gone(Exception):
    """The client hung up, or the server is being stopped."""


class Connection:
    def __init__(self, sock: socket.socket, stopping: threading.Event) -> None:
        self._socket = sock
        self._stopping = stopping

    def pause(self, seconds: float) -> None:
        """Raises Gone as soon as there is nobody to wait for."""
        self.pause_until(time.monotonic() + seconds)

    def pause_until(self, deadline: float) -> None:
        """``deadline`` as time.monotonic() counts. Raises Gone."""
        while True:
            left = deadline - time.monotonic()
            self._look(min(max(left, 0.0), _LOOK_S))
            if left <= 0:
                return

    def check(self) -> None:
        """Raises Gone."""
        self._look(0.0)

    def _look(self, seconds: float) -> None:
        if self._stopping.is_set():
            raise Gone
        try:
            readable, _, _ = select.select([self._socket], [], [], seconds)
            if readable and not self._socket.recv(1, socket.MSG_PEEK):
                raise Gone
        except (OSError, ValueError):  # closed beneath us
            raise Gone from None
        if readable:  # the client's next request is there already, so looking does not wait
            self._stopping.wait(min(seconds, 0.01))
        if self._stopping.is_set():
            raise Gone
