"""Starting, probing and ending a runner as a process of its own that outlives whoever started it.

    runner.pyz --detach ...          starts the runner in the background; prints {"pid", "born", "boot", "host", "log"}
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

from . import host
from .attempt import tail


def start(arguments: list[str], work: Path, project: str) -> dict[str, Any]:
    """Starts this same program in the background with ``arguments``."""
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
    process.returncode = 0  # it is not waited for: it outlives this process
    return {
        "pid": process.pid,
        "born": host.born(process.pid),
        "boot": host.boot(),
        "host": host.name(),
        "log": str(log),
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


def _this_program() -> list[str]:
    archive = sys.argv[0]
    if archive.endswith(".pyz"):
        return [os.path.abspath(archive)]
    return ["-m", "cloud_runner"]
