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
        return _output(["sysctl", "-n", "kern.bootsessionuuid"])
    return ""


def born(pid: int) -> str:
    """When the process was started, in the system's own words; empty where there is none or it cannot be told."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
        # A zombie has ended; only its parent has not asked yet.
        return "" if fields[0] == b"Z" else fields[19].decode()
    except OSError:
        pass
    if os.name != "posix":
        return ""
    return _output(["ps", "-o", "lstart=", "-p", str(pid)])


def is_dead(hello: Hello) -> bool:
    """True only where it is certain: the same boot of the same machine, and the process is not there any more."""
    if not hello.boot or not hello.born or hello.host != name() or hello.boot != boot():
        return False
    return born(hello.pid) != hello.born


def _output(argv: list[str]) -> str:
    try:
        return subprocess.run(argv, capture_output=True, text=True, timeout=10, check=False).stdout.strip()
    except (OSError, subprocess.TimeoutExpired):
        return ""
