"""A real llama-server as a child process on a loopback port, with a model of random weights."""

import os
import socket
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx

_PATIENCE_S = 60.0
MODEL = "tiny"


class LlamaServer:
    """``load`` starts it, and starts it anew where the context is to be another; ``close`` ends it.

    ``context`` is in tokens for each of ``slots``. ``folder`` gets its log.
    """

    def __init__(self, program: Path, model: Path, folder: Path, *, slots: int = 2) -> None:
        self._program = program
        self._model = model
        self._log = folder / "llama-server.log"
        self._slots = slots
        self._process: subprocess.Popen[bytes] | None = None
        self._port = 0
        self.context = 0
        self.loads = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def load(self, context: int) -> None:
        if self._process and self.context == context:
            return
        self.close()
        self._port = _free_port()
        arguments = {
            "--model": self._model,
            "--alias": MODEL,
            "--host": "127.0.0.1",
            "--port": self._port,
            "--ctx-size": context * self._slots,
            "--parallel": self._slots,
            "--threads": 1,
            "--threads-http": 4,
            "--cache-ram": 0,  # else what a slot forgets comes back from memory, and its count is not the slot's
        }
        command = [
            str(self._program),
            "--no-ui",
            "--offline",
            *(str(each) for pair in arguments.items() for each in pair),
        ]
        # LLAMA_ARG_... of whoever runs the tests would change what is tested.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("LLAMA_")}
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
        self._wait()
        self.context = context
        self.loads += 1

    def post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        reply = httpx.post(self.url + path, json=body, timeout=_PATIENCE_S, trust_env=False)
        found: dict[str, Any] = reply.json()
        return found

    def close(self) -> None:
        process, self._process = self._process, None
        if process:
            process.terminate()
            process.wait(_PATIENCE_S)

    def _wait(self) -> None:
        deadline = time.monotonic() + _PATIENCE_S
        while True:
            assert self._process and self._process.poll() is None, self._log.read_text(errors="replace")
            assert time.monotonic() < deadline, self._log.read_text(errors="replace")
            try:
                if httpx.get(f"{self.url}/health", trust_env=False).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.05)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
