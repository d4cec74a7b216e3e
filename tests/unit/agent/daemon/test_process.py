"""The agent as a process: one a project, started, found, ended and killed from outside."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.daemon import process
from agent.daemon.process import Ended, living, place_of, start, stop
from agent.daemon.tell.log import last_lines
from agent.daemon.tell.record import Record, read
from agent.daemon.tell.status import STOPPED, WATCHING, Status
from agent.project import Project
from cloud_runner import host
from sync.clock import SystemClock
from sync.errors import HybridError, Locked
from tests.support.small_agent import command, loop

REPOSITORY = Path(__file__).parents[4]
clock = SystemClock()


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY))
    root = tmp_path / "my project"
    root.mkdir()
    (root / "hybrid.toml").write_text('[project]\nid = "p"\n[remote]\nurl = "folder:/nowhere"\n')
    found = Project.find(root)
    yield found
    stop(found, clock, patience_s=0)


def wait_for_state(project: Project, state: str) -> Status:
    for _ in range(400):
        status = read(place_of(project))
        if status is not None and status.state == state:
            return status
        clock.sleep(0.05)
    raise AssertionError(f"the agent never was {state}")


def test_started_agent_is_found_and_ends_when_it_is_asked_to(project: Project) -> None:
    assert living(project) is None
    assert stop(project, clock) is None
    found, is_new = start(project, clock, command(project.root))
    assert is_new and found.pid not in (0, os.getpid()) and found.status is not None
    assert found.status.root == str(project.root)
    wait_for_state(project, WATCHING)
    again, is_new = start(project, clock, command(project.root))
    assert (again.pid, is_new) == (found.pid, False)
    assert stop(project, clock) == Ended(pid=found.pid, killed=False)
    assert host.born(found.pid) == "" and living(project) is None
    status = read(place_of(project))
    assert status is not None and (status.state, status.trouble) == (STOPPED, None)
    assert "as it was told to" in last_lines(place_of(project), 1)[0]


def test_agent_that_does_not_end_is_killed_and_its_status_says_that_it_is_gone(project: Project) -> None:
    found, _ = start(project, clock, command(project.root, "deaf"))
    wait_for_state(project, WATCHING)
    assert stop(project, clock, patience_s=0.3) == Ended(pid=found.pid, killed=True)
    status = read(place_of(project))
    assert living(project) is None and status is not None and status.state == STOPPED


def test_agent_in_the_middle_of_something_is_interrupted_and_ends_in_order(project: Project) -> None:
    found, _ = start(project, clock, command(project.root, "busy"))
    wait_for_state(project, WATCHING)
    assert stop(project, clock, patience_s=10) == Ended(pid=found.pid, killed=False)
    status = read(place_of(project))
    assert status is not None and status.state == STOPPED and status.trouble is None


def test_agent_that_was_killed_holds_nothing(project: Project) -> None:
    found, _ = start(project, clock, command(project.root))
    os.kill(found.pid, signal.SIGKILL)
    while living(project) is not None:
        clock.sleep(0.01)
    again, is_new = start(project, clock, command(project.root))
    assert is_new and again.pid != found.pid


def test_agent_of_another_version_can_be_ended(project: Project) -> None:
    found, _ = start(project, clock, command(project.root, "newer"))
    while (told := living(project)) is not None and told.status is not None:
        clock.sleep(0.02)
    assert told is not None and told.pid == found.pid
    assert start(project, clock)[1] is False
    assert stop(project, clock) == Ended(pid=found.pid, killed=False)


def test_two_that_start_at_once_make_one_agent(project: Project) -> None:
    results = []
    threads = [
        threading.Thread(target=lambda: results.append(start(project, clock, command(project.root))))
        for _ in range(3)
    ]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len({found.pid for found, _ in results}) == 1
    assert sorted(is_new for _, is_new in results) == [False, False, True]
    stop(project, clock)
    clock.sleep(1.0)
    assert living(project) is None  # none that came too late takes over


def test_agent_that_cannot_begin_says_why(project: Project) -> None:
    Record(place_of(project))
    (place_of(project) / "status").unlink()
    (place_of(project) / "status").mkdir()
    with pytest.raises(HybridError, match=r"^The agent ended at once: The agent's status cannot be kept"):
        start(project, clock, command(project.root))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["import sys; sys.exit('no such module')"], "The agent ended at once: no such module."),
        (["pass"], "The agent ended at once: it said nothing."),
    ],
)
def test_process_that_is_no_agent_says_what_it_printed_last(
    project: Project, words: list[str], message: str
) -> None:
    with pytest.raises(HybridError) as raised:
        start(project, clock, (sys.executable, "-c", *words))
    assert str(raised.value) == message and "output.txt" in raised.value.hint


@pytest.mark.parametrize(
    ("mode", "what", "how"),
    [("broken", "The mailbox is upside down.", "Turn it round."), ("bug", "ValueError: no", "")],
)
def test_error_that_ends_the_agent_is_in_its_status_and_its_log(
    project: Project, mode: str, what: str, how: str
) -> None:
    done = subprocess.run(command(project.root, mode), capture_output=True, text=True, check=False)
    assert done.returncode == (1 if mode == "broken" else 70)
    status = read(place_of(project))
    assert status is not None and status.trouble is not None
    assert (status.state, status.trouble.what, status.trouble.how) == (STOPPED, what, how)
    log = "\n".join(last_lines(place_of(project), 50))
    assert what.removeprefix("ValueError: ") in log and ("Traceback" in log) == (mode == "bug")


def test_second_agent_is_locked_out(project: Project) -> None:
    with project.lock("agent"):
        found = living(project)
        assert found is not None and found.status is None
        with pytest.raises(Locked):
            process.run(project, clock, loop("good"))
        with pytest.raises(HybridError, match="has not told which process"):
            stop(project, clock)
    assert living(project) is None


def test_process_that_took_over_the_number_of_a_dead_agent_is_never_ended(project: Project) -> None:
    other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        dead = Status(pid=other.pid, born="1", root=str(project.root), state=WATCHING, started=1, written=1)
        Record(place_of(project)).write(dead)
        assert stop(project, clock) is None
        with project.lock("agent"), pytest.raises(HybridError, match="has not told which process"):
            stop(project, clock)
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


@pytest.mark.skipif(os.name == "nt", reason="there are no such signals")
@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT", "SIGHUP"])
def test_signals_end_the_agent_in_order(project: Project, name: str) -> None:
    found, _ = start(project, clock, command(project.root))
    wait_for_state(project, WATCHING)
    os.kill(found.pid, getattr(signal, name))
    wait_for_state(project, STOPPED)


def test_agent_of_a_clone_is_the_agent_of_the_project(project: Project, tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    clone.mkdir()
    (clone / "hybrid.toml").write_bytes((project.root / "hybrid.toml").read_bytes())
    started, _ = start(project, clock, command(project.root))
    found, is_new = start(Project.find(clone), clock, command(clone))
    assert (found.pid, is_new) == (started.pid, False)
    assert found.status is not None and found.status.root == str(project.root)
