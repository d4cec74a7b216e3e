"""Runs other people's code in a process of its own, with limits: of time everywhere, of memory, files, processes and
network where the system has them.

It is a fence and no wall. The code runs as the user who grades, and can read what that user can read. What it cannot do
by accident is to hang the grading, fill the memory, print into a result, or take credentials from the environment.

``inside`` is the script on the other side.
"""

import contextlib
import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sync.errors import UsageError

_INSIDE = Path(__file__).with_name("inside.py")
_LONGEST_REPLY = 1 << 20
_STAYS = (
    "PATH",
    "LANG",
    "LC_ALL",
    "LD_LIBRARY_PATH",
    "SYSTEMROOT",
    "SYSTEMDRIVE",
    "WINDIR",
    "COMSPEC",
    "PATHEXT",
)
_SET = {
    "PYTHONHASHSEED": "0",  # the order of a set is then the same every time
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONUTF8": "1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
}


@dataclass(frozen=True, kw_only=True)
class Limits:
    """``memory`` and ``file_bytes`` in bytes, ``cpu`` in seconds, ``processes`` beside those that the user has; None is no
    limit. ``network`` says whether it may be used."""

    memory: int
    processes: int | None = None
    file_bytes: int | None = None
    cpu: int | None = None
    network: bool = True


def check_limits(seconds: float, memory: float) -> None:
    """Raises UsageError for what are no limits."""
    if not (0 < seconds <= 86_400 and 0 < memory <= 1e6):
        raise UsageError(
            f"The limits of {seconds:g} seconds and {memory:g} GB are none.", "Give numbers above zero."
        )


class TookTooLong(Exception):
    """No answer in time. The process was ended."""


class Died(Exception):
    """The process ended, or cannot be started; ``str(error)`` says how, as a clause."""


class Confined:
    """One process. It works in an empty folder of its own, which goes with it.

    ``home`` keeps the user's home folder in its environment, where libraries look for their files.
    """

    def __init__(self, limits: Limits, task: Mapping[str, object], home: bool) -> None:
        """Raises Died where the system starts no process."""
        self._folder = tempfile.mkdtemp(prefix="hybrid-grade-")
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-s", str(_INSIDE)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                cwd=self._folder,
                env=_environment(self._folder, home),
                start_new_session=True,
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )
        except OSError as error:
            shutil.rmtree(self._folder, ignore_errors=True)
            raise Died(f"it cannot be started ({error.strerror or error})") from error
        self._questions: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._replies: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._open = True
        # Pipes can block for ever in either direction, where a process that got away holds their other end.
        self._talk = threading.Thread(target=self._talking, name="confined", daemon=True)
        self._talk.start()
        self._questions.put(_line({"limits": asdict(limits), **task}))

    def hear(self, seconds: float) -> Mapping[str, Any]:
        """The next reply. Raises TookTooLong and Died, after which the process is gone."""
        try:
            reply = self._replies.get(timeout=seconds)
        except queue.Empty:
            self.close()
            raise TookTooLong from None
        try:
            heard = json.loads(reply)
        except ValueError:
            heard = None
        if not isinstance(heard, dict):
            self.close()
            raise Died(_ending(self._process.returncode))
        return heard

    def ask(self, question: object, seconds: float) -> Mapping[str, Any]:
        """As ``hear``. Raises TypeError, ValueError or RecursionError for what cannot be written as JSON; nothing was asked then."""
        self._questions.put(_line(question))
        return self.hear(seconds)

    def close(self) -> None:
        """Ends the process, and what it started in the same group. May be called again."""
        if not self._open:
            return
        self._open = False
        if sys.platform == "win32":
            self._process.kill()
        else:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._questions.put(None)
        self._talk.join(timeout=2)
        if not self._talk.is_alive():
            for stream in (self._process.stdin, self._process.stdout):
                if stream is not None:
                    with contextlib.suppress(OSError):
                        stream.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _talking(self) -> None:
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None and stdout is not None
        while (question := self._questions.get()) is not None:
            try:
                stdin.write(question)
                stdin.flush()
            except OSError:
                pass  # it has ended; the end of its output says so
            self._replies.put(stdout.readline(_LONGEST_REPLY))


def _line(value: object) -> bytes:
    return json.dumps(value, default=str).encode() + b"\n"


def _environment(folder: str, home: bool) -> dict[str, str]:
    """Only what programs need to start: no token, no key."""
    kept = {name: value for name, value in os.environ.items() if name.upper() in _STAYS}
    homes = ("HOME", "USERPROFILE", "APPDATA", "LOCALAPPDATA")
    if home:
        kept |= {name: os.environ[name] for name in homes if name in os.environ}
    else:
        kept |= dict.fromkeys(homes, folder)
    return {**kept, **_SET, **dict.fromkeys(("TMPDIR", "TEMP", "TMP"), folder)}


def _ending(code: int) -> str:
    if code < 0:
        try:
            return f"the system ended it ({signal.Signals(-code).name})"
        except ValueError:
            return f"the system ended it (signal {-code})"
    return f"it ended by itself (exit code {code})"
