"""Runners that are really started on this machine: which program they are, and which of them count as living."""

import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from agent import machines, places, running, ship
from agent.launchers import launcher
from agent.mailbox import opened
from agent.project import Project as Settings
from sync.clock import SystemClock
from tests.support.projects import Project

PLANTED = b"import pathlib; pathlib.Path(__file__).with_name('executed').touch()"


@pytest.fixture
def project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Project]:
    project = Project(tmp_path, monkeypatch, capsys).make()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    yield project
    code, _, err = project.call("down")
    assert code == 0, err


def runner_of(project: Project) -> Path:
    return project.mail / "runner" / f"{ship.build().sha256}.pyz"


def plant(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.write_bytes(PLANTED)


def test_runner_that_was_planted_in_the_mailbox_is_named_and_never_started(project: Project) -> None:
    plant(runner_of(project))
    code, out, err = project.call("up")
    assert (code, out) == (16, "")
    assert runner_of(project).name in err
    assert runner_of(project).read_bytes() == PLANTED
    assert not runner_of(project).with_name("executed").exists()
    runner_of(project).unlink()


def test_runner_in_the_mailbox_is_not_executed_on_the_laptop(project: Project) -> None:
    assert project.json("up")["started"]
    plant(runner_of(project))
    assert len(project.json("down")["ended"]) == 1
    assert not runner_of(project).with_name("executed").exists()


def test_damaged_own_copy_of_the_runner_is_replaced(project: Project) -> None:
    own = places.data_folder() / "runner" / f"{ship.build().sha256}.pyz"
    own.parent.mkdir(parents=True)
    own.write_bytes(ship.build().data[:-1])
    assert project.json("up")["started"]
    assert own.read_bytes() == ship.build().data
    assert [path.name for path in own.parent.iterdir()] == [own.name]


@pytest.mark.platform
@pytest.mark.skipif(os.name == "nt", reason="cannot hold a process")
def test_up_starts_a_runner_where_the_other_was_asked_to_end_and_has_not_yet(project: Project) -> None:
    first = project.json("up")["runner"]["pid"]
    assert not project.json("up")["started"]
    os.kill(first, signal.SIGSTOP)
    try:
        assert len(project.json("down", "--no-wait")["left"]) == 1
        second = project.json("up")
        assert second["started"] and second["runner"]["pid"] != first
        assert project.json("up")["runner"]["pid"] == second["runner"]["pid"]
    finally:
        os.kill(first, signal.SIGCONT)
    assert len(project.json("down")["ended"]) in (1, 2)


class Sleeps(SystemClock):
    """``slept`` is how many seconds in all."""

    def __init__(self) -> None:
        super().__init__()
        self.slept = 0.0

    def sleep(self, seconds: float) -> None:
        self.slept += seconds
        super().sleep(seconds)


@pytest.mark.parametrize("is_taken", [True, False])
def test_runner_that_lives_is_waited_for_only_until_somebody_has_taken_the_run(
    project: Project, is_taken: bool
) -> None:
    project.json("up")
    spec = project.queue("r1", target="local" if is_taken else "elsewhere")
    if is_taken:
        project.worker().claim()
    clock = Sleeps()
    found = Settings.find(project.root)
    with opened(found, clock) as mailbox, machines.remembered(found, pytest.fail) as known:
        began = clock.monotonic()
        queued = running.start(mailbox, known, replace(spec, target="local"), launcher("local", found), None)
    assert queued.handle is None and queued.refusal is None
    if is_taken:
        assert clock.slept == 0
    else:
        assert clock.monotonic() - began >= machines.LAST_LOOK_S
