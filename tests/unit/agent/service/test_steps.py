"""Taking the steps of a system, and which system is here."""

import sys
from pathlib import Path

import pytest

from agent.service import here, launchd, systemd, tasks
from agent.service.base import Call, Remove, Write, output, take
from sync.errors import HybridError

PYTHON = (sys.executable, "-c")


def test_each_system_has_its_own_way() -> None:
    assert [here(name) for name in ("linux", "freebsd13", "darwin", "win32")] == [
        systemd.SYSTEM,
        systemd.SYSTEM,
        launchd.SYSTEM,
        tasks.SYSTEM,
    ]
    assert here() in (systemd.SYSTEM, launchd.SYSTEM, tasks.SYSTEM)


def test_steps_are_taken_in_order(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "file"
    copy = f"import shutil; shutil.copy({str(path)!r}, {str(tmp_path / 'copy')!r})"
    steps = [Write(path, b"1"), Call((*PYTHON, copy)), Write(path, b"2"), Remove(path, tmp_path)]
    assert take(steps, answers=True) == []
    assert (tmp_path / "copy").read_bytes() == b"1"
    assert [each.name for each in tmp_path.iterdir()] == ["copy"]


def test_calls_are_left_where_nobody_answers(tmp_path: Path) -> None:
    call = Call(("no-such-program",))
    assert take([call, Write(tmp_path / "file", b""), call], answers=False) == [call, call]
    assert (tmp_path / "file").exists()


def test_call_that_fails_is_told_unless_it_may() -> None:
    fails = (*PYTHON, "import sys; print('first'); sys.exit('Access denied.')")
    take([Call(fails, may_fail=True), Call(("no-such-program",), may_fail=True)], answers=True)
    with pytest.raises(HybridError, match=r"failed: Access denied\.$"):
        take([Call(fails)], answers=True)
    with pytest.raises(HybridError, match="no-such-program failed: no-such-program: "):
        take([Call(("no-such-program",))], answers=True)
    assert output((*PYTHON, "import sys; sys.exit(3)")) == (3, "")


def test_write_that_fails_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").mkdir()
    with pytest.raises(OSError, match="file"):
        take([Write(tmp_path / "file", b"x")], answers=True)
    assert [each.name for each in tmp_path.iterdir()] == ["file"]
