"""Runs something in a process of its own and stops it for good at one of its durable steps.

``forked`` is quick: a copy of the testing process does the work, and dies by a real SIGKILL. As a program it starts a
module as ``python -m`` does, and kills it at a step:

    python -m tests.support.stopping FOLDER STEP MODULE WORD...
"""

import errno
import os
import runpy
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tests.support.steps import watch

How = Literal["kill", "full", "interrupt"]
"""A SIGKILL; a disk that takes nothing from that step on; Ctrl-C."""


@dataclass(frozen=True, kw_only=True)
class Ended:
    """``code`` is the exit code, None where it was killed; ``steps`` are those that it came to, the fatal one last."""

    code: int | None
    steps: list[str]
    said: str


def acts_on(how: How, step: str) -> bool:
    """Whether a stop of that kind at that step has a meaning, and comes through."""
    if how == "full":
        return step.split()[0] in ("open", "mkdir", "link", "symlink")
    return how == "kill" or not step.startswith("sqlite")  # SQLite does not pass on what its trace raises


class NotReached(AssertionError):
    """The step at which it was to be stopped did not come: then nothing was tested."""

    def __init__(self, steps: int) -> None:
        super().__init__(f"there were only {steps} steps, and none was stopped")
        self.steps = steps


class Stop:
    """Counts steps, and acts at number ``at`` (from 1; 0 is never). ``tell`` hears of each."""

    def __init__(self, at: int, how: How, tell: Callable[[str], None] = lambda name: None) -> None:
        self._at = at
        self._how = how
        self._tell = tell
        self._count = 0
        self._interrupted = False
        self._lock = threading.RLock()

    def __call__(self, name: str) -> None:
        with self._lock:
            self._count += 1
            self._tell(name)
            if not self._at or self._count < self._at:
                return
            if self._how == "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            if self._how == "interrupt" and not self._interrupted and acts_on("interrupt", name):
                self._interrupted = True
                raise KeyboardInterrupt
            if self._how == "full" and acts_on("full", name):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), name)


def forked(act: Callable[[], int], folder: Path, *, stop_at: int = 0, how: How = "kill") -> Ended:
    """Runs ``act`` in a copy of this process until its ``stop_at``-th step in ``folder``.

    ``act`` returns its exit code. Raises NotReached, and fails the test where the process shows a trace.
    """
    told, said = folder.parent / "steps.txt", folder.parent / "said.txt"
    child = os.fork()
    if child == 0:
        _be_the_child(act, folder, told, said, stop_at, how)
    _, status = os.waitpid(child, 0)
    steps = told.read_text(errors="surrogateescape").splitlines()
    text = said.read_text(errors="surrogateescape")
    code = None if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
    assert "Traceback" not in text, text
    if len(steps) < stop_at or (stop_at and how == "interrupt" and code == 0):
        # Where threads work side by side, what was another step the last time may be one that takes no interrupt.
        raise NotReached(len(steps))
    assert (code is None) == bool(stop_at and how == "kill"), f"ended with {code}: {text}"
    return Ended(code=code, steps=steps, said=text)


def _be_the_child(
    act: Callable[[], int], folder: Path, told: Path, said: Path, stop_at: int, how: How
) -> None:
    code = 70
    try:
        sys.stdin = os.fdopen(os.open(os.devnull, os.O_RDONLY))
        text = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        sys.stdout = sys.stderr = os.fdopen(text, "w", errors="surrogateescape", buffering=1)
        log = os.open(told, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        stop = Stop(stop_at, how, lambda name: _tell(log, name))
        watch(str(folder), stop)
        code = act()
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        os._exit(code)


def _tell(log: int, name: str) -> None:
    os.write(log, name.encode(errors="surrogateescape").replace(b"\n", b" ") + b"\n")


def main() -> None:
    folder, at, module, *words = sys.argv[1:]
    sys.argv = [module, *words]
    watch(folder, Stop(int(at), "kill"))
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
