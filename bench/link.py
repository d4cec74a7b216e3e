"""The line to the other machine: plain loopback, or a proxy that is as slow and as long as a real line.

``HYBRID_SHAPED_LINK`` names the proxy, a Python script called with

    --listen 127.0.0.1:P --to 127.0.0.1:Q --rtt-ms MILLISECONDS --mbit MEGABITS

It prints ``ready`` once it listens, and on SIGTERM one line of JSON with ``up`` and ``down``, the bytes that went to
Q and back. Every measurement has a proxy of its own, so that the bytes are those of that measurement.
"""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

VARIABLE = "HYBRID_SHAPED_LINK"


@dataclass
class Traffic:
    """Bytes on the wire, both ways, known once the line is closed; None where nobody counts."""

    up: int | None = None
    down: int | None = None


class Link:
    """A way to ``server_port`` of this machine. ``port`` is where programs connect."""

    def __init__(self, server_port: int, rtt_ms: float, mbit: float) -> None:
        self._server_port = server_port
        self._rtt_ms = rtt_ms
        self._mbit = mbit
        self._proxy = os.environ.get(VARIABLE, "")
        self.port = _free_port() if self._proxy else server_port

    @property
    def shaped(self) -> bool:
        return bool(self._proxy)

    def __str__(self) -> str:
        if not self.shaped:
            return f"plain loopback, without delay or limit ({VARIABLE} names no proxy)"
        return f"{self._rtt_ms:g} ms round trip, {self._mbit:g} Mbit/s each way"

    @contextmanager
    def open(self) -> Iterator[Traffic]:
        """The line is there as long as the context lasts."""
        traffic = Traffic()
        if not self.shaped:
            yield traffic
            return
        proxy = subprocess.Popen(
            [
                *(sys.executable, self._proxy),
                *("--listen", f"127.0.0.1:{self.port}", "--to", f"127.0.0.1:{self._server_port}"),
                *("--rtt-ms", str(self._rtt_ms), "--mbit", str(self._mbit)),
            ],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert proxy.stdout is not None
        try:
            if proxy.stdout.readline().strip() != "ready":
                raise RuntimeError(f"the proxy that {VARIABLE} names does not start")
            yield traffic
        finally:
            proxy.terminate()
            last = proxy.communicate(timeout=30)[0].strip().splitlines()
        counted = json.loads(last[-1])
        traffic.up, traffic.down = counted["up"], counted["down"]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
