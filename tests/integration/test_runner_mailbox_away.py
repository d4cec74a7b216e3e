"""The runner as a process whose mailbox goes away for a while: a disk that is pulled out, a mount that is lost, a folder that is renamed."""

import os
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.machines import Machine, machine_in, wait_for

pytestmark = [
    pytest.mark.platform,
    pytest.mark.skipif(sys.platform == "win32", reason="an open folder cannot be renamed there"),
]

AWAY_S = 1.5
"""Several ticks."""


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    with machine_in(tmp_path) as machine:
        yield machine


def away(machine: Machine, *, mount_point: bool) -> None:
    """Takes the mailbox away for a while; ``mount_point`` leaves an empty folder in its place."""
    here, there = machine.folder / "mailbox", machine.folder / "away"
    here.rename(there)
    if mount_point:
        here.mkdir()
    time.sleep(AWAY_S)
    if mount_point:
        here.rmdir()
    there.rename(here)


@pytest.mark.parametrize("mount_point", [False, True])
def test_a_shard_goes_on_while_the_mailbox_is_away_and_is_done_by_the_same_attempt(
    machine: Machine, mount_point: bool
) -> None:
    machine.queue('note("begun", "x"); wait_for("go"); answer()')
    runner = machine.start()
    machine.note("begun")
    away(machine, mount_point=mount_point)
    (machine.notes / "go").touch()
    said, _ = runner.communicate(timeout=60)
    assert machine.answers() == {0: "0 42"}, said
    assert len(machine.attempts()) == 1
    assert "the run was removed" not in said and "the mailbox cannot be used: " in said


def test_what_ends_while_the_mailbox_is_away_is_told_when_it_is_back(machine: Machine) -> None:
    machine.queue('note("begun", "x"); wait_for("go"); answer()')
    runner = machine.start()
    machine.note("begun")
    (machine.notes / "go").touch()
    away(machine, mount_point=False)
    said, _ = runner.communicate(timeout=60)
    assert machine.answers() == {0: "0 42"}, said
    assert len(machine.attempts()) == 1


def test_a_runner_without_work_ends_no_sooner_for_a_mailbox_that_is_away(machine: Machine) -> None:
    runner = machine.start(idle_exit=8)
    away(machine, mount_point=True)
    assert runner.poll() is None
    machine.queue()
    said, _ = runner.communicate(timeout=60)
    assert machine.answers() == {0: "0 42"}, said


def test_a_runner_without_work_does_not_outlive_a_mailbox_that_was_deleted(machine: Machine) -> None:
    runner = machine.start(idle_exit=0.5)
    shutil.rmtree(machine.folder / "mailbox")
    said, _ = runner.communicate(timeout=30)
    assert runner.returncode == 0 and said.rstrip().endswith("nothing left to do")


def test_a_run_that_is_removed_is_still_left_at_once(machine: Machine) -> None:
    machine.queue('note("child.pid", str(os.getpid())); wait_for("never")')
    runner = machine.start()
    pid = int(machine.note("child.pid"))
    shutil.rmtree(machine.folder / "mailbox/lab/runs/r-1")
    said, _ = runner.communicate(timeout=60)
    assert "run r-1: the run was removed" in said
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_mailbox_that_goes_at_the_end_of_long_work_has_its_time_to_come_back(machine: Machine) -> None:
    machine.queue('note("begun", "x"); wait_for("go"); answer()')
    runner = machine.start(idle_exit=3)
    machine.note("begun")
    time.sleep(3.5)
    (machine.notes / "go").touch()
    wait_for(lambda: machine.view().yields, "the end of the run")
    away(machine, mount_point=False)
    assert runner.poll() is None
    said, _ = runner.communicate(timeout=60)
    assert machine.answers() == {0: "0 42"} and said.rstrip().endswith("nothing left to do")
