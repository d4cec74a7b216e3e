"""Starting, probing and ending a runner as a process of its own that outlives whoever started it.

    runner.pyz --detach ...          starts the runner in the background; prints {"pid", "born", "boot", "host", "log",
                                     "failed", "last"}: whether it failed at once, and the last line of its log
    runner.pyz --probe PID BORN      prints {"alive": true|false, "log": end of the log}
    runner.pyz --end PID BORN        asks that process to end; prints the same

A process is recognised by its number and the moment at which it was born, so that another is never ended.
"""

import contextlib
import json
import os
import secrets
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from sync.clock import Clock

from . import host
from .attempt import tail

GREETING = "worker "
"""How the line begins with which a runner says that it is at work."""
_SIGN_S = 1.0
_LOOK_S = 0.02


def start(arguments: list[str], work: Path, project: str, clock: Clock) -> dict[str, Any]:
    """Starts this same program in the background with ``arguments``, and waits until it greets, but not for long."""
    logs = work / project / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    log = logs / f"runner-{secrets.token_hex(4)}.log"
    command = [sys.executable, "-I", *_this_program(), *arguments]
    flags = 0
    if os.name == "nt":
        flags = getattr(subprocess, "DETACHED_PROCESS", 0) | getattr(
            subprocess, "CREATE_NEW_PROCESS_GROUP", 0
        )
    with open(log, "ab") as out:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            creationflags=flags,
        )
    born = host.born(process.pid)  # first: nothing is told of a process that has ended
    until = clock.monotonic() + _SIGN_S
    while (code := process.poll()) is None and clock.monotonic() < until and not _greets(log):
        clock.sleep(_LOOK_S)
    if code is None:
        process.returncode = 0  # it is not waited for: it outlives this process
    lines = tail(log).split("\n") if code else []
    return {
        "pid": process.pid,
        "born": born,
        "boot": host.boot(),
        "host": host.name(),
        "log": str(log),
        "failed": bool(code),
        "last": next((line.strip() for line in reversed(lines) if line.strip()), ""),
    }


def probe(pid: int, born: str, log: str) -> dict[str, Any]:
    return {"alive": bool(born) and host.born(pid) == born, "log": tail(Path(log)) if log else ""}


def end(pid: int, born: str, log: str) -> dict[str, Any]:
    found = probe(pid, born, log)
    if found["alive"]:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
    return found


def show(answer: dict[str, Any]) -> None:
    print(json.dumps(answer), flush=True)


def _greets(log: Path) -> bool:
    return any(line.startswith(GREETING) for line in tail(log).splitlines())


def _this_program() -> list[str]:
    archive = sys.argv[0]
    if archive.endswith(".pyz"):
        return [os.path.abspath(archive)]
    return ["-m", "cloud_runner"]
