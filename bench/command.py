"""One command of one program: how long it took from its start to its exit, and the memory that it needed at most."""

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from bench.processes import family, memory_of
from tests.support.laptop import REPOSITORY

LIMIT_S = 900.0
_LOOK_S = 0.05
_MEMORY_S = 0.1
_MEMORY_UNIT = 1 if sys.platform == "darwin" else 1024


def compile_hybrid() -> None:
    """Lets hybrid start from bytecode, as it does where it is installed, also where Python may not write any."""
    packages = ("agent", "cloud_runner", "local_grader", "sync")
    subprocess.run([sys.executable, "-m", "compileall", "-q", *packages], cwd=REPOSITORY, check=True)


class Failed(Exception):
    """The command ended otherwise than it should."""


@dataclass(frozen=True, kw_only=True)
class Ran:
    """seconds  from start to exit
    peak     bytes: the resident memory of the command, or of one process that it started and waited for, at its
             most; not below that of the process that measures, because the new one begins as its copy
    """

    seconds: float
    peak: int
    out: str
    err: str


def run(
    words: Sequence[str],
    *,
    env: Mapping[str, str],
    cwd: Path,
    kill_when: Callable[[], bool] | None = None,
    limit_s: float = LIMIT_S,
    together: bool = False,
) -> Ran:
    """Runs it to its end, or until ``kill_when`` is true: then that process, and nothing that it started, is killed.

    ``together``: the peak is the memory of the command and of all that it has started, at the same time (Linux), looked at ten times a
    second; what processes share counts once.

    Raises Failed where it ends with another code than 0, takes longer than ``limit_s``, or was to be killed and was not.
    """
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        begun = time.perf_counter()
        process = subprocess.Popen(
            words, env=env, cwd=cwd, stdin=subprocess.DEVNULL, stdout=out, stderr=err, start_new_session=True
        )
        watch = _Watch(process.pid, kill_when, limit_s)
        memory = _Memory(process.pid) if together else None
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - begun
        watch.stop()
        peak = memory.stop() if memory else usage.ru_maxrss * _MEMORY_UNIT
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        ran = Ran(seconds=seconds, peak=peak, out=out.read(), err=err.read())
    expected = -signal.SIGKILL if kill_when else 0
    if watch.too_long or process.returncode != expected:
        why = f"took longer than {limit_s:g} s" if watch.too_long else f"ended with {process.returncode}"
        told = "\n".join(each.strip()[-2000:] for each in (ran.out, ran.err) if each.strip())
        last = told.rpartition("\n")[2]
        raise Failed(f"{told}\n{Path(words[0]).name} {why}{': ' if last else ''}{last}".strip())
    return ran


class _Watch:
    """Kills the process ``pid`` when that is due, and all that it started too where it takes too long."""

    def __init__(self, pid: int, kill_when: Callable[[], bool] | None, limit_s: float) -> None:
        self._pid = pid
        self._kill_when = kill_when
        self._until = time.monotonic() + limit_s
        self._over = threading.Event()
        self.too_long = False
        self._thread = threading.Thread(target=self._look)
        self._thread.start()

    def stop(self) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._over.wait(_LOOK_S if self._kill_when else max(0.0, self._until - time.monotonic())):
            if time.monotonic() >= self._until:
                self.too_long = True
                with suppress(ProcessLookupError):  # it has just ended by itself
                    os.killpg(self._pid, signal.SIGKILL)
                return
            if self._kill_when and self._kill_when():
                with suppress(ProcessLookupError):
                    os.kill(self._pid, signal.SIGKILL)
                return


class _Memory:
    """Watches what a process and all that it starts need together, at most."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._peak = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self._thread.start()

    def stop(self) -> int:
        self._over.set()
        self._thread.join()
        return self._peak

    def _look(self) -> None:
        while not self._over.wait(_MEMORY_S):
            self._peak = max(self._peak, sum(map(memory_of, family(self._pid))))
