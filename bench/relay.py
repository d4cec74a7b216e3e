"""A line on one machine that is as slow and as long as a real one: passes connections on, late, and counts bytes.

``link`` says how it is called and how it ends. Every byte arrives half the round trip after it has left, and leaves
when what was sent before it, by any connection, has had its time on the line. Both ways are lines of their own.
"""

import argparse
import json
import os
import queue
import signal
import socket
import threading
import time

_READ = 64 * 1024
_IN_FLIGHT = 64
"""Pieces that a connection may have under way in one direction: 4 MiB, as a window of TCP would allow."""


class Way:
    """One direction: its bandwidth is shared by all connections. ``carried``: bytes."""

    def __init__(self, mbit: float) -> None:
        self._rate = mbit * 1e6 / 8
        self._free_at = 0.0
        self._lock = threading.Lock()
        self.carried = 0

    def leaves(self, size: int) -> float:
        """When so many bytes, given now, have left."""
        with self._lock:
            self.carried += size
            if not self._rate:
                return 0.0
            self._free_at = max(self._free_at, time.monotonic()) + size / self._rate
            return self._free_at


class Relay:
    """Passes every connection to ``port`` on to ``to``, both of 127.0.0.1. ``rtt_s`` and ``mbit`` may be 0."""

    def __init__(self, port: int, to: int, rtt_s: float, mbit: float) -> None:
        self._to = to
        self._one_way = rtt_s / 2
        self._listener = socket.create_server(("127.0.0.1", port), backlog=64)
        self.up = Way(mbit)
        self.down = Way(mbit)

    def serve(self) -> None:
        while True:
            near, _ = self._listener.accept()
            threading.Thread(target=self._connect, args=(near,), daemon=True).start()

    def _connect(self, near: socket.socket) -> None:
        time.sleep(2 * self._one_way)  # what it takes to open a connection
        try:
            far = socket.create_connection(("127.0.0.1", self._to))
        except OSError:
            near.close()
            return
        for end in (near, far):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for way, source, sink in ((self.up, near, far), (self.down, far, near)):
            pieces: queue.Queue[tuple[float, bytes]] = queue.Queue(_IN_FLIGHT)
            threading.Thread(target=self._take, args=(way, source, pieces), daemon=True).start()
            threading.Thread(target=self._give, args=(pieces, sink, source), daemon=True).start()

    def _take(self, way: Way, source: socket.socket, pieces: "queue.Queue[tuple[float, bytes]]") -> None:
        data = b"more"
        while data:
            try:
                data = source.recv(_READ)
            except OSError:  # this end is gone: the other is told as it would be of an orderly end
                data = b""
            sent = max(way.leaves(len(data)), time.monotonic())
            pieces.put((sent + self._one_way, data))

    def _give(
        self, pieces: "queue.Queue[tuple[float, bytes]]", sink: socket.socket, source: socket.socket
    ) -> None:
        data = b"more"
        while data:
            due, data = pieces.get()
            if (wait := due - time.monotonic()) > 0:
                time.sleep(wait)
            try:
                if data:
                    sink.sendall(data)
                else:
                    sink.shutdown(socket.SHUT_WR)
            except OSError:  # nobody takes what follows, so nobody need send it
                source.close()
                while data:
                    _, data = pieces.get()


def _port(address: str) -> int:
    host, _, port = address.rpartition(":")
    if host != "127.0.0.1":
        raise argparse.ArgumentTypeError(f"{address} is not of this machine")
    return int(port)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--listen", type=_port, required=True, metavar="127.0.0.1:PORT")
    parser.add_argument("--to", type=_port, required=True, metavar="127.0.0.1:PORT")
    parser.add_argument("--rtt-ms", type=float, default=0.0)
    parser.add_argument("--mbit", type=float, default=0.0, help="bandwidth each way; 0: no limit")
    given = parser.parse_args()

    signal.pthread_sigmask(
        signal.SIG_BLOCK, {signal.SIGTERM}
    )  # in every thread, so that the wait below gets it
    relay = Relay(given.listen, given.to, given.rtt_ms / 1000, given.mbit)
    threading.Thread(target=relay.serve, daemon=True).start()
    print("ready", flush=True)
    signal.sigwait({signal.SIGTERM})
    print(json.dumps({"up": relay.up.carried, "down": relay.down.carried}), flush=True)
    os._exit(0)  # connections that are open end here too


if __name__ == "__main__":
    main()
