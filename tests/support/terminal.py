"""A process on a pseudo terminal of its own, and what stands on its screen."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Sequence
from pathlib import Path

# What a shell does for its job: the terminal is its own, the job is in front, and where it is stopped the terminal is taken back
# until "fg" is typed. It says on the descriptor that is named first who the job is, and ends as that does.
_SHELL = """
import fcntl, os, signal, sys, termios
os.setsid()
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
signal.signal(signal.SIGTTOU, signal.SIG_IGN)
job = os.fork()
if not job:
    os.setpgid(0, 0)
    os.tcsetpgrp(0, os.getpid())
    signal.signal(signal.SIGTTOU, signal.SIG_DFL)
    os.close(int(sys.argv[1]))
    os.execv(sys.argv[2], sys.argv[2:])
os.write(int(sys.argv[1]), b"%d\\n" % job)
while True:
    _, status = os.waitpid(job, os.WUNTRACED)
    if not os.WIFSTOPPED(status):
        break
    os.tcsetpgrp(0, os.getpid())
    os.write(1, b"[stopped]")
    os.read(0, 100)
    os.tcsetpgrp(0, job)
    os.kill(job, signal.SIGCONT)
os._exit(os.waitstatus_to_exitcode(status) & 0xff)
"""
_CLEARED = "\x1b[2J"
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_PATIENCE_S = 30.0


class Terminal:
    """``words`` run with this Python, as the job of a shell. Used in a ``with`` block, which ends both."""

    def __init__(self, words: Sequence[str], folder: Path, *, columns: int = 80, rows: int = 24) -> None:
        self._ours, theirs = pty.openpty()
        self.resize(columns, rows)
        environment = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
        told, tells = os.pipe()
        self._shell = subprocess.Popen(
            [sys.executable, "-c", _SHELL, str(tells), sys.executable, *words],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            cwd=folder,
            env={**environment, "TERM": "xterm-256color"},
            pass_fds=[tells],
        )
        os.close(theirs)
        os.close(tells)
        with os.fdopen(told) as pipe:
            self.job = int(pipe.readline())
        self._seen = ""

    def __enter__(self) -> "Terminal":
        return self

    def __exit__(self, *_: object) -> None:
        if self._shell.poll() is None:
            os.kill(self.job, signal.SIGKILL)
            self._shell.kill()
        self._shell.wait()
        self.hang_up()

    @property
    def all(self) -> str:
        """Everything that was written, as it came."""
        return self._seen

    @property
    def screen(self) -> str:
        """What was written since the screen was cleared, without what steers the terminal."""
        return _ESCAPES.sub("", self._seen.rpartition(_CLEARED)[2]).replace("\r", "")

    def resize(self, columns: int, rows: int) -> None:
        """The job is told, as it is when a window changes."""
        fcntl.ioctl(self._ours, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, keys: str) -> None:
        os.write(self._ours, keys.encode())

    def send(self, number: signal.Signals) -> None:
        os.kill(self.job, number)

    def is_raw(self) -> bool:
        """Whether keys are taken one by one, and not echoed."""
        return not termios.tcgetattr(self._ours)[3] & termios.ECHO

    def wait_for(self, text: str) -> None:
        """Until the screen shows it and keys are waited for."""
        self._until(lambda: self._waits() and text in self.screen, text)

    def wait_until_gone(self, text: str) -> None:
        """Until the screen shows it no more and keys are waited for."""
        self._until(lambda: self._waits() and text not in self.screen, f"a screen without {text}")

    def wait_stopped(self) -> None:
        """Until the shell has its terminal back."""
        self._until(lambda: self._seen.endswith("[stopped]"), "a stop")

    def wait_end(self) -> int:
        self._until(lambda: self._shell.poll() is not None, "the end")
        self._read()
        return self._shell.returncode

    def hang_up(self) -> None:
        """Closes the terminal. Idempotent."""
        if self._ours >= 0:
            os.close(self._ours)
            self._ours = -1

    def wait_for_the_shell(self) -> None:
        """Until both have ended, once there is no terminal any more."""
        self._shell.wait(_PATIENCE_S)
        end = time.monotonic() + _PATIENCE_S
        while time.monotonic() < end:
            try:
                os.kill(self.job, 0)
            except ProcessLookupError:
                return
            time.sleep(0.02)
        raise AssertionError("the job lives on")

    def _waits(self) -> bool:
        """Whether keys are waited for; then all that was written until now has been read."""
        if not self.is_raw():
            return False
        while self._read(0.0):
            pass
        return True

    def _until(self, holds: Callable[[], bool], what: str) -> None:
        end = time.monotonic() + _PATIENCE_S
        while not holds():
            if time.monotonic() > end:
                raise AssertionError(f"{what!r} did not come; the screen shows:\n{self.screen}")
            self._read()

    def _read(self, wait_s: float = 0.05) -> bool:
        """Whether there was something."""
        ready, _, _ = select.select([self._ours], [], [], wait_s)
        if not ready:
            return False
        try:
            self._seen += os.read(self._ours, 65536).decode("utf-8", "replace")
        except OSError:
            time.sleep(0.01)  # Linux says so once nobody holds the other end
            return False
        return True
