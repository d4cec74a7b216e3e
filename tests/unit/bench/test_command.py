"""A command is timed from its start to its exit, and told how much memory it needed."""

import os
import sys
import time
from pathlib import Path

import pytest

from bench.command import Failed, Ran, run

pytestmark = [
    pytest.mark.platform,
    pytest.mark.skipif(sys.platform == "win32", reason="the bench is for Linux and macOS"),
]


def python(script: str, folder: Path, **how: object) -> Ran:
    return run([sys.executable, "-c", script], env=os.environ, cwd=folder, **how)  # type: ignore[arg-type]


def test_time_and_memory_are_those_of_the_command(tmp_path: Path) -> None:
    ran = python("import time; held = b'x' * 200_000_000; time.sleep(0.3); print('done')", tmp_path)
    assert 0.3 <= ran.seconds < 10
    import resource  # which Windows does not have

    # Not below that of this process, which other tests may have made large: see ``Ran``.
    ours = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    assert 200e6 < ran.peak < max(400e6, ours + 300e6)
    assert ran.out == "done\n"


def test_a_command_that_fails_is_no_measurement(tmp_path: Path) -> None:
    with pytest.raises(Failed, match="ended with 3"):
        python("import sys; print('because'); sys.exit(3)", tmp_path)


def test_a_command_is_killed_when_it_is_due(tmp_path: Path) -> None:
    script = "import pathlib, time; pathlib.Path('begun').touch(); time.sleep(60)"
    ran = python(script, tmp_path, kill_when=(tmp_path / "begun").exists)
    assert ran.seconds < 30


def test_a_command_that_ends_before_it_could_be_killed_is_no_measurement(tmp_path: Path) -> None:
    with pytest.raises(Failed, match="ended with 0"):
        python("pass", tmp_path, kill_when=lambda: False)


def test_a_command_that_takes_too_long_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    child = "import time; time.sleep(60)"
    script = (
        "import pathlib, subprocess, sys;"
        f"child = subprocess.Popen([sys.executable, '-c', {child!r}]);"
        "pathlib.Path('child').write_text(str(child.pid)); child.wait()"
    )
    with pytest.raises(Failed, match="longer than 2 s"):
        python(script, tmp_path, limit_s=2)
    pid = int((tmp_path / "child").read_text())
    until = time.monotonic() + 10
    while time.monotonic() < until and _lives(pid):
        time.sleep(0.05)
    assert not _lives(pid)


def _lives(pid: int) -> bool:
    """A process that nobody has waited for yet counts as dead."""
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().split(") ")[1][0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False


def test_killing_leaves_what_it_started_alone(tmp_path: Path) -> None:
    """As on a laptop whose user kills one process."""
    child = "import pathlib, time; time.sleep(1); pathlib.Path('outlived').touch()"
    script = (
        "import pathlib, subprocess, sys, time;"
        f"subprocess.Popen([sys.executable, '-c', {child!r}]);"
        "pathlib.Path('begun').touch(); time.sleep(60)"
    )
    python(script, tmp_path, kill_when=(tmp_path / "begun").exists)
    until = time.monotonic() + 20
    while time.monotonic() < until and not (tmp_path / "outlived").exists():
        time.sleep(0.05)
    assert (tmp_path / "outlived").exists()
