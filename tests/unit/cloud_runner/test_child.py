"""A child is a group: what it starts ends with it."""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cloud_runner import child, host
from cloud_runner.child import Command, Process

pytestmark = [
    pytest.mark.platform,
    pytest.mark.skipif(sys.platform == "win32", reason="process groups are POSIX"),
]


PATIENCE_S = 30.0
"""Much less than anything here sleeps by itself, which is ten minutes."""


class Starter:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "log"
        self.started: list[Process] = []

    def __call__(self, shell: str = "", argv: list[str] | None = None, **env: str) -> Process:
        command = Command(
            argv=argv or [], shell=shell, folder=self.folder, env={**os.environ, **env}, log=self.log
        )
        process = child.start(command)
        assert isinstance(process, Process)
        self.started.append(process)
        return process


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Starter]:
    starter = Starter(tmp_path)
    yield starter
    for process in starter.started:
        process.kill()
        wait(process)


def comes_true(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def wait(process: Process) -> int:
    assert comes_true(lambda: process.poll() is not None), "the child does not end"
    code = process.poll()
    assert code is not None
    return code


def appears(path: Path) -> str:
    there = comes_true(lambda: path.exists() and path.read_text().endswith("\n"))
    assert there, f"{path.name} does not appear"
    return path.read_text()


def is_gone(pid: int) -> bool:
    return comes_true(lambda: not host.born(pid))


def test_output_and_errors_go_to_one_log_and_the_code_is_told(start: Starter) -> None:
    assert wait(start("echo out; echo err >&2; exit 3")) == 3
    assert start.log.read_text() == "out\nerr\n"


def test_a_child_runs_in_its_folder_with_its_environment_and_no_input(start: Starter) -> None:
    assert wait(start('pwd; echo "$WORD"; cat', WORD="plates")) == 0
    assert start.log.read_text() == f"{start.folder.resolve()}\nplates\n"


def test_argv_is_not_read_by_a_shell(start: Starter) -> None:
    assert wait(start(argv=["echo", "$HOME;", "*"])) == 0
    assert start.log.read_text() == "$HOME; *\n"


def test_an_end_by_a_signal_is_a_negative_code(start: Starter) -> None:
    assert wait(start("kill -KILL $$")) == -signal.SIGKILL


def test_a_child_that_runs_has_no_code_yet(start: Starter) -> None:
    assert start("sleep 600").poll() is None


@pytest.mark.parametrize("argv", [["/there/is/no/such/program"], []])
def test_what_cannot_be_started_says_so(start: Starter, argv: list[str]) -> None:
    with pytest.raises((OSError, ValueError)):
        start(argv=argv)


def test_killing_takes_grandchildren_along(start: Starter) -> None:
    process = start("sleep 600 & echo $! > grandchild; wait")
    grandchild = int(appears(start.folder / "grandchild"))
    process.kill()
    assert wait(process) == -signal.SIGKILL
    assert is_gone(grandchild)


def test_asking_reaches_grandchildren_too(start: Starter) -> None:
    process = start("sh -c 'trap \"echo asked >> asked; exit\" TERM; echo > ready; sleep 600 & wait' & wait")
    appears(start.folder / "ready")
    process.terminate()
    assert wait(process) == -signal.SIGTERM
    assert appears(start.folder / "asked") == "asked\n"


def test_what_is_left_in_the_background_ends_with_the_child(start: Starter) -> None:
    process = start("sleep 600 & echo $! > left; exit 0")
    left = int(appears(start.folder / "left"))
    assert wait(process) == 0
    assert is_gone(left)


def test_an_ended_child_may_be_asked_ended_and_looked_at_again(start: Starter) -> None:
    process = start("exit 5")
    assert wait(process) == 5
    process.terminate()
    process.kill()
    assert process.poll() == 5


def test_ending_a_group_that_is_not_there_is_fine() -> None:
    child.kill_group(2**30)
