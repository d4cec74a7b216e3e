"""One child process with all its descendants, as a group that can be ended as one."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, kw_only=True)
class Command:
    """What to start: ``argv``, or a line for the shell. Standard output and error go to ``log``, one file."""

    argv: list[str]
    shell: str
    folder: Path
    env: Mapping[str, str]
    log: Path


class Child(Protocol):
    """A started command. All methods return at once; ending it takes its descendants along."""

    @property
    def pid(self) -> int: ...

    def poll(self) -> int | None:
        """The exit code once it has ended (negative: the signal), else None."""

    def terminate(self) -> None:
        """Asks the group to end."""

    def kill(self) -> None:
        """Ends the group."""


class Process:
    def __init__(self, command: Command) -> None:
        arguments = command.argv
        if command.shell:
            shell = ["cmd", "/c"] if sys.platform == "win32" else ["/bin/sh", "-c"]
            arguments = [*shell, command.shell]
        if not arguments:
            raise ValueError("the run has no command")
        with open(command.log, "ab") as log:
            self._process = subprocess.Popen(
                arguments,
                cwd=command.folder,
                env=dict(command.env),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._code: int | None = None

    @property
    def pid(self) -> int:
        return self._process.pid

    def poll(self) -> int | None:
        if self._code is None and self._has_ended():
            # What it left running in the background must not outlive it, nor hold its GPU. Until the process is
            # reaped below, its number cannot be another's.
            kill_group(self.pid)
            self._code = self._process.wait()
        return self._code

    def _has_ended(self) -> bool:
        if sys.platform == "linux":
            with contextlib.suppress(ChildProcessError):  # somebody has SIGCHLD ignored
                return os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
        return self._process.poll() is not None

    def terminate(self) -> None:
        if self._code is not None:
            return
        if sys.platform == "win32":
            self._process.terminate()
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGTERM)

    def kill(self) -> None:
        if self._code is None:
            kill_group(self.pid)


def start(command: Command) -> Child:
    """Raises OSError where the program cannot be started, and ValueError where there is none to start."""
    return Process(command)


def kill_group(leader: int) -> None:
    """Ends every process of the group that ``leader`` began. None there is fine."""
    if sys.platform == "win32":
        subprocess.run(
            ["taskkill", "/T", "/F", "/PID", str(leader)], capture_output=True, timeout=30, check=False
        )
        return
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)
