"""An agent that is killed while it queues a run: the next one neither loses the run nor makes it twice."""

import secrets
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from agent.daemon.publish.auto_state import AutoState
from tests.support.agents import EVAL, at, publish_and_queue, published_of
from tests.support.projects import Project
from tests.support.scenarios import stopped_at_each_step
from tests.support.stopping import Ended, How, forked

pytestmark = [
    pytest.mark.platform,
    pytest.mark.skipif(sys.platform == "win32", reason="it takes a fork and a SIGKILL"),
]


class SecondState:
    """A run waits; other files are published, so that another one takes its place."""

    def __init__(self, make: Callable[[Path], Project]) -> None:
        self._make = make

    def begin(self, home: Path) -> Project:
        project = self._make(home / f"play-{secrets.token_hex(4)}")
        project.configure(EVAL)
        (project.root / "src").mkdir()
        source = project.root / "src/eval.py"
        source.write_text("print(1)")
        publish_and_queue(project.root)
        source.write_text("print(2)")
        assert project.call("push")[0] == 0
        return project

    def act(self, play: Project, stop_at: int = 0, how: How = "kill") -> Ended:
        def queue() -> int:
            publish_and_queue(play.root)
            return 0

        return forked(queue, play.root.parent, stop_at=stop_at, how=how)

    def check_stopped(self, play: Project) -> None:
        assert len(open_runs(play)) <= 2

    def check_end(self, play: Project) -> None:
        with at(play.root) as (mailbox, state):
            [run] = open_runs(play)
            assert mailbox.spec(run).snapshot == published_of(play.root).snapshot
            assert len(mailbox.run_ids()) == 2
            assert AutoState(state).intents() == []
        assert publish_and_queue(play.root).events == []


def open_runs(project: Project) -> list[str]:
    return [run.name for run in (project.mail / "runs").iterdir() if not list(run.glob("stop-*"))]


def test_agent_killed_at_any_step_of_queueing_makes_one_run_of_each_state(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def make(folder: Path) -> Project:
        folder.mkdir()
        return Project(folder, monkeypatch, capsys)

    assert stopped_at_each_step(SecondState(make), tmp_path) > 15
