"""A program that grades, from its start to its exit, to which things may happen meanwhile."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

from bench.grade_tools import Tool

_LIMIT_S = 1800.0


class Program:
    """One command of ``tool``. When ``ended`` is set, ``seconds`` is how long it lived, ``peak`` the most resident
    memory in bytes of its process."""

    def __init__(self, tool: Tool, words: Sequence[str]) -> None:
        self.ended = threading.Event()
        self.seconds = 0.0
        self.peak = 0
        self._begun = time.perf_counter()
        with (tool.folder / "said.txt").open("ab") as log:
            self._process = subprocess.Popen(
                words,
                env={**os.environ, **tool.env},
                cwd=tool.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._waiting = threading.Thread(target=self._wait)
        self._waiting.start()

    def lived(self, during: Callable[["Program"], None]) -> "Program":
        """Returns when it has ended, with whatever code: what it has kept is what counts."""
        try:
            during(self)
            self.ended.wait(_LIMIT_S)
        finally:
            self.signal(signal.SIGKILL)
            self._waiting.join()
        return self

    def signal(self, number: signal.Signals) -> None:
        """To it and all that it has started, as a terminal does."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)

    def _wait(self) -> None:
        _, status, usage = os.wait4(self._process.pid, 0)
        self.seconds = time.perf_counter() - self._begun
        self.peak = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
        self._process.returncode = os.waitstatus_to_exitcode(status)
        self.ended.set()
