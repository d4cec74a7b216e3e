"""``hybrid stop``: final, said to the worker through the mailbox, and waited for if asked."""

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from sync.clock import ManualClock, SystemClock
from sync.mailbox import records
from sync.mailbox.layout import spec as spec_path
from sync.remotes.folder import FolderRemote
from tests.support.projects import BASE, Project

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> Project:
    return Project(tmp_path, monkeypatch, capsys).make()


def sleeping(monkeypatch: pytest.MonkeyPatch, then: Callable[[], object] = lambda: None) -> ManualClock:
    """A clock on which sleeping takes no time; ``then`` is what happens meanwhile."""
    clock = ManualClock()

    def sleep(_: object, seconds: float) -> None:
        clock.advance(seconds)
        then()

    monkeypatch.setattr(SystemClock, "sleep", sleep)
    monkeypatch.setattr(SystemClock, "monotonic", lambda _: clock.monotonic())
    return clock


def test_running_run_is_marked_and_its_worker_has_a_moment(project: Project) -> None:
    project.queue()
    project.worker().claim().start()
    code, out, err = project.call("stop", "r1")
    assert (code, err) == (0, "Next: hybrid pull r1\n")
    assert out == "Run r1 is stopped; worker worker22 ends what it runs within about 20 s.\n"
    assert project.look().stopped
    assert project.json("status", "r1")["phase"] == "stopped"


def test_queued_run_is_stopped_and_nothing_works_on_it(project: Project) -> None:
    project.queue()
    assert project.json("stop", "r1") == {"run": "r1", "phase": "stopped", "stopped": True, "worker": None}


@pytest.mark.parametrize("kind", ["done", "failed"])
def test_run_that_is_over_is_left_as_it_is(project: Project, kind: str) -> None:
    project.queue(retries=0)
    project.worker().claim().end(kind)
    project.worker().yields()
    assert project.call("stop", "r1")[:2] == (0, f"Run r1 was {kind} already; nothing works on it.\n")
    assert not project.look().stopped


def test_stopping_twice_is_success(project: Project) -> None:
    project.queue()
    project.call("stop", "r1")
    assert project.call("stop", "r1")[:2] == (0, "Run r1 was stopped already; nothing works on it.\n")


def test_wait_ends_when_the_worker_has_given_up(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.queue()
    worker = project.worker().claim()
    worker.start()
    sleeping(monkeypatch, worker.yields)
    code, out, _ = project.call("stop", "r1", "--wait")
    assert (code, out) == (0, "Run r1 is stopped; nothing works on it.\n")


def test_wait_does_not_wait_for_a_worker_without_life(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.queue()
    project.worker().claim().tick()
    clock = sleeping(monkeypatch)
    code, out, _ = project.call("stop", "r1", "--wait")
    assert code == 1
    assert "gives no sign of life" in out
    assert 30 <= clock.monotonic() < 40


def test_wait_goes_on_while_the_worker_lives(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.queue()
    worker = project.worker().claim()
    clock = sleeping(monkeypatch, lambda: worker.tick() if clock.monotonic() < 100 else worker.yields())
    assert project.call("stop", "r1", "--wait")[0] == 0
    assert clock.monotonic() >= 100


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="asks /proc")
def test_worker_of_this_machine_whose_process_has_ended_is_not_waited_for(project: Project) -> None:
    from cloud_runner import host

    project.queue()
    project.worker().claim(host=host.name(), boot=host.boot(), pid=2**22 + 1, born="1")
    assert project.json("stop", "r1", "--wait")["worker"] is None


def test_run_of_another_laptop_needs_a_yes(project: Project, tmp_path: Path) -> None:
    spec = project.queue("r2")
    foreign = replace(spec, run="r1", laptop="laptop33")
    project.remote.make_folders([f"{BASE}/runs/r1"])
    FolderRemote(str(tmp_path / "mail")).write(f"{BASE}/{spec_path('r1')}", records.encode(foreign))
    code, _, err = project.call("stop", "r1")
    assert code == 15
    assert "hybrid stop --yes r1" in err
    assert not project.look().stopped
    assert project.call("stop", "r1", "--yes")[0] == 0
    assert project.look().stopped
