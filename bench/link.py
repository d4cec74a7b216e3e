"""The line to the other machine: a proxy that counts, and is as slow and as long as a real line.

It is ``relay``, or the Python script that ``HYBRID_SHAPED_LINK`` names. Either is called with

    --listen 127.0.0.1:P --to 127.0.0.1:Q --rtt-ms MILLISECONDS --mbit MEGABITS

prints ``ready`` once it listens, and on SIGTERM one line of JSON with ``up`` and ``down``, the bytes that went to Q
and back. Every measurement has a proxy of its own, so that the bytes are those of that measurement. What is only
prepared goes over a line without delay or limit.
"""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

VARIABLE = "HYBRID_SHAPED_LINK"
_RELAY = str(Path(__file__).with_name("relay.py"))


@dataclass
class Traffic:
    """Bytes on the wire, known once the line is closed: ``up`` to the server, ``down`` from it."""

    up: int = 0
    down: int = 0


class Link:
    """A way to ``server_port`` of this machine. ``port`` is where programs connect, while the line is open.

    ``rtt_ms`` 0: no delay, ``mbit`` 0: no limit.
    """

    def __init__(self, server_port: int, rtt_ms: float, mbit: float) -> None:
        self._server_port = server_port
        self._rtt_ms = rtt_ms
        self._mbit = mbit
        self._proxy = os.environ.get(VARIABLE) or _RELAY
        self.port = _free_port()

    def __str__(self) -> str:
        if not self._rtt_ms and not self._mbit:
            return "plain loopback, without delay or limit"
        limit = f"{self._mbit:g} Mbit/s each way" if self._mbit else "no limit"
        return f"{self._rtt_ms:g} ms round trip, {limit}"

    @contextmanager
    def open(self, *, plain: bool = False) -> Iterator[Traffic]:
        """The line is there as long as the context lasts. ``plain``: without delay or limit."""
        words = [_RELAY if plain else self._proxy]
        words += ["--listen", f"127.0.0.1:{self.port}", "--to", f"127.0.0.1:{self._server_port}"]
        if not plain:
            words += ["--rtt-ms", str(self._rtt_ms), "--mbit", str(self._mbit)]
        traffic = Traffic()
        proxy = subprocess.Popen([sys.executable, *words], stdout=subprocess.PIPE, text=True)
        assert proxy.stdout is not None
        last: list[str] = []
        try:
            if proxy.stdout.readline().strip() != "ready":
                raise RuntimeError(f"the proxy does not start: {words[0]}")
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
