"""What a piece of work costs in memory at its worst, measured in a process of its own."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]

_MEASURE = '''
import sys
from sync.errors import CorruptMailbox, NotFound

def peak():
    """Bytes that were in memory at most since the program began. A child's ``ru_maxrss`` may be its parent's."""
    try:
        with open("/proc/self/status") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) * 1024
    except FileNotFoundError:
        import resource
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)

with open(sys.argv[1], "rb") as file:
    data = file.read()
'''


def peak_of(prepare: str, work: str, data: bytes = b"") -> int:
    """Bytes by which ``work`` raises the peak that ``prepare`` has left. Both are Python; ``data`` is a name in them.

    What ``work`` raises fails the test, but for CorruptMailbox and NotFound.
    """
    if sys.platform == "win32":
        pytest.skip("this system does not tell a process its peak")
    handle, name = tempfile.mkstemp()
    with os.fdopen(handle, "wb") as file:
        file.write(data)
    lines = "\n    ".join(work.splitlines())
    program = f"{_MEASURE}\n{prepare}\nbefore = peak()\ntry:\n    {lines}\nexcept (CorruptMailbox, NotFound):\n    pass\nprint(peak() - before)"
    try:
        done = subprocess.run(
            [sys.executable, "-c", program, name],
            cwd=REPOSITORY,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    finally:
        os.unlink(name)
    assert done.returncode == 0, done.stderr
    return int(done.stdout)
