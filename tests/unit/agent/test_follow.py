"""``run --wait`` follows a run through whatever happens to it, and to the way there."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from agent import running
from agent.mailbox import Mailbox
from agent.project import Project as Found
from sync.clock import ManualClock
from sync.errors import NotFound
from sync.mailbox.layout import RunFolder
from sync.mailbox.state import Phase
from sync.progress import Silent
from sync.remotes.base import Remote
from tests.support.projects import BASE, Project


class Sleeper(ManualClock):
    """``then`` holds what happens in the sleeps to come, one after the other."""

    def __init__(self) -> None:
        super().__init__()
        self.then: list[Callable[[], object]] = []

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        assert self.then or self.monotonic() < 3600, "it waits for ever"
        if self.then:
            self.then.pop(0)()


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Project:
    project = Project(tmp_path, monkeypatch, capsys).make()
    project.queue()
    return project


@pytest.fixture
def clock() -> Iterator[Sleeper]:
    clock = Sleeper()
    yield clock
    assert not clock.then, "it ended too soon"


def follow(project: Project, clock: Sleeper, gone: Callable[[], bool] = lambda: False) -> tuple[Phase, bool]:
    remote: Remote = project.remote
    mailbox = Mailbox(Found.find(project.root), remote, clock)
    run, given_up = running.follow(mailbox, "r1", Silent(), gone, lambda line: None)
    return run.phase, given_up


def finish(project: Project) -> None:
    worker = project.worker().claim()
    worker.start()
    worker.end("done")


def test_run_that_is_removed_meanwhile_is_not_waited_for(project: Project, clock: Sleeper) -> None:
    clock.then = [lambda: project.remote.delete_folder(f"{BASE}/{RunFolder('r1').path}")]
    with pytest.raises(NotFound, match="removed"):
        follow(project, clock)


def test_mailbox_that_is_away_for_a_while_has_not_lost_the_run(project: Project, clock: Sleeper) -> None:
    home, away = project.mail.parent, project.mail.parent.with_name("away")
    clock.then = [lambda: home.rename(away), lambda: away.rename(home), lambda: finish(project)]
    assert follow(project, clock) == (Phase.DONE, False)


def test_mailbox_that_goes_away_while_the_machine_is_asked_is_waited_for(
    project: Project, clock: Sleeper
) -> None:
    spec = project.mail / "runs" / "r1"
    away = project.mail / "away"

    def comes_back() -> None:
        spec.unlink()
        away.rename(spec)

    def gone() -> bool:
        if not clock.then:
            spec.rename(away)
            spec.symlink_to(spec)  # the file system answers with an error
            clock.then = [comes_back, lambda: finish(project)]
        return True

    assert follow(project, clock, gone) == (Phase.DONE, False)


def test_run_that_no_runner_is_left_for_is_given_up(project: Project, clock: Sleeper) -> None:
    assert follow(project, clock, lambda: True) == (Phase.QUEUED, True)


def test_run_that_ended_with_its_runner_is_done(project: Project, clock: Sleeper) -> None:
    def gone() -> bool:
        finish(project)
        return True

    assert follow(project, clock, gone) == (Phase.DONE, False)
