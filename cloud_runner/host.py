"""Who this process is, so that another process of the same machine can tell that it is dead."""

import os
import socket
import subprocess
import sys

from sync.mailbox.records import Hello


def name() -> str:
    return socket.gethostname()


def boot() -> str:
    """Identifies this boot of this machine and its process numbers; empty where the system does not tell."""
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            boot_id = file.read().strip()
        return f"{boot_id} {os.readlink('/proc/self/ns/pid')}"
    except OSError:
        pass
    if sys.platform == "darwin":
        return _output(["sysctl", "-n", "kern.bootsessionuuid"]) or ""
    return ""


def born(pid: int) -> str:
    """When the process was started, in the system's own words; empty where there is none or it cannot be told."""
    return _birth(pid) or ""


def is_dead(hello: Hello) -> bool:
    """True only where it is certain: the same boot of the same machine, and the process is not there any more."""
    if not hello.boot or not hello.born or hello.host != name() or hello.boot != boot():
        return False
    now = _birth(hello.pid)
    return now is not None and now != hello.born


def _birth(pid: int) -> str | None:
    """Empty where there is no such process, or only its zombie; None where the system does not say."""
    if os.path.exists("/proc/self/stat"):
        try:
            with open(f"/proc/{pid}/stat", "rb") as file:
                fields = file.read().rpartition(b")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            return ""
        except OSError:
            return None
        # A zombie has ended; only its parent has not asked yet.
        return "" if fields[0] in (b"Z", b"X") else fields[19].decode()
    if os.name != "posix":
        return None
    line = _output(["ps", "-o", "stat=,lstart=", "-p", str(pid)])
    if not line:
        return line
    state, _, since = line.partition(" ")
    return "" if state.startswith("Z") else since.strip()


def _output(argv: list[str]) -> str | None:
    """What a tool prints, the same for every user's language and time zone; None where it cannot be asked."""
    env = {**os.environ, "LC_ALL": "C", "TZ": "UTC"}
    try:
        return subprocess.run(
            argv, capture_output=True, text=True, timeout=10, check=False, env=env
        ).stdout.strip()
    except (OSError, subprocess.TimeoutExpired):
        return None
