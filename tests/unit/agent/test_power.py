"""Mains or battery, as each system tells it; and what keeps a machine awake."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from agent import power

REPOSITORY = Path(__file__).parents[3]


def supply(folder, name, **values):
    (folder / name).mkdir()
    for key, value in values.items():
        (folder / name / key).write_text(f"{value}\n")


@pytest.mark.parametrize(
    ("supplies", "expected"),
    [
        ([], None),
        ([("AC", {"type": "Mains", "online": 1})], True),
        (
            [("AC", {"type": "Mains", "online": 0}), ("BAT0", {"type": "Battery", "status": "Discharging"})],
            False,
        ),
        ([("BAT0", {"type": "Battery", "status": "Discharging"})], False),
        ([("BAT0", {"type": "Battery", "status": "Charging"})], True),
        ([("BAT0", {"type": "Battery", "status": "Full"}), ("UCSI", {"type": "USB", "online": 1})], True),
        ([("mouse", {"type": "Battery", "scope": "Device", "status": "Discharging"})], None),
        ([("AC", {"type": "Mains", "online": 0})], False),
    ],
)
def test_linux_tells_by_its_power_supplies(tmp_path, supplies, expected):
    for name, values in supplies:
        supply(tmp_path, name, **values)
    assert power.on_mains("linux", tmp_path) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Now drawing from 'AC Power'\n -InternalBattery-0 (id=1)\t100%; charged", True),
        ("Now drawing from 'Battery Power'\n -InternalBattery-0 (id=1)\t80%; discharging", False),
        ("", None),
    ],
)
def test_macos_tells_by_pmset(text, expected):
    assert power._told_by_pmset(text) is expected


def tool(folder, name, text):
    path = folder / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def alive(process):
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.skipif(sys.platform == "win32", reason="there it is a state of the process itself")
def test_the_machine_is_kept_awake_for_as_long_as_the_block_runs(tmp_path, monkeypatch):
    # logind itself cannot run here: a program of its name that notes what it was given, and runs what it is to run.
    tool(tmp_path, "systemd-inhibit", f'echo "$$ $@" > {tmp_path}/called; for last; do :; done; exec "$last"')
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    warnings = []
    with power.awake(warnings.append, "linux"):
        process, *words = (tmp_path / "called").read_text().split()
        assert alive(int(process))
        assert "--what=idle:sleep:handle-lid-switch" in words
    assert not alive(int(process))
    assert warnings == []


@pytest.mark.skipif(sys.platform == "win32", reason="there it is a state of the process itself")
def test_the_promise_ends_with_a_process_that_is_killed(tmp_path):
    tool(tmp_path, "systemd-inhibit", f'echo "$$" > {tmp_path}/called; cat; rm {tmp_path}/called')
    script = (
        "from agent import power\nwith power.awake(print, 'linux'):\n  import os; os.kill(os.getpid(), 9)"
    )
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run([sys.executable, "-c", script], env=environment, check=False, timeout=60)
    assert done.returncode == -9
    for _ in range(500):
        if not (tmp_path / "called").exists():
            break
        subprocess.run(["sleep", "0.02"], check=True)
    assert not (tmp_path / "called").exists()


@pytest.mark.parametrize("text", [None, "exit 1"])
def test_a_system_that_cannot_is_told_of_and_grading_goes_on(tmp_path, monkeypatch, text):
    if text is not None:
        tool(tmp_path, "systemd-inhibit", text)
    monkeypatch.setenv("PATH", str(tmp_path))
    warnings = []
    with power.awake(warnings.append, "linux"):
        pass
    assert len(warnings) == 1
    assert "may fall asleep" in warnings[0]
