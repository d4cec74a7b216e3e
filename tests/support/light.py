"""What a command costs before it does anything: what its process has loaded by its end. It must not sleep either."""

import os
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
HEAVY = (
    "asyncio",
    "cryptography",
    "desktop_notifier",
    "dbus_fast",
    "numpy",
    "paramiko",
    "pyarrow",
    "rich",
    "watchdog",
    "agent.daemon.loop",
    "agent.doctor",
)
"""No command needs them that only says what is known here; any of them takes longer than all that such a command does."""

_CODE = """
import sys, time
def sleep(seconds):
    raise AssertionError("it sleeps")
time.sleep = sleep
from agent.cli import main
code = main(sys.argv[2:])
print(*[each for each in sys.argv[1].split() if each in sys.modules], sep=" ", file=sys.stderr)
sys.exit(code)
"""


def loaded(folder: Path, *words: str, heavy: tuple[str, ...] = HEAVY) -> tuple[str, list[str]]:
    """What the command prints in ``folder``, and which of ``heavy`` it has loaded. Fails where it ends with an error."""
    done = subprocess.run(
        [sys.executable, "-c", _CODE, " ".join(heavy), *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout, done.stderr.splitlines()[-1].split()
