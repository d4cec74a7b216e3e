"""An agent that is killed while it brings a run home: the next one completes it, and tells of the end."""

import secrets
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from agent.daemon.runs.home import Home
from agent.memory import Memory
from sync.clock import SystemClock
from tests.support.agents import at
from tests.support.projects import Project
from tests.support.scenarios import stopped_at_each_step
from tests.support.stopping import Ended, How, forked

pytestmark = [
    pytest.mark.platform,
    pytest.mark.skipif(sys.platform == "win32", reason="it takes a fork and a SIGKILL"),
]


class RunThatIsDone:
    def __init__(self, make: Callable[[Path], Project]) -> None:
        self._make = make

    def begin(self, home: Path) -> Project:
        project = self._make(home / f"play-{secrets.token_hex(4)}").make()
        project.queue(shards=2)
        worker = project.worker().claim()
        for shard in range(2):
            worker.done(shard, {"a.txt": b"%d" % shard})
        worker.yields()
        return project

    def act(self, play: Project, stop_at: int = 0, how: How = "kill") -> Ended:
        def look() -> int:
            kinds = []
            with at(play.root) as (mailbox, state):
                home = Home(SystemClock())
                kinds = [event.kind for event in home.look(mailbox, state).events]
                print(*kinds, flush=True)
                home.told(state)
            return 0

        ended = forked(look, play.root.parent, stop_at=stop_at, how=how)
        with (play.root.parent / "told").open("a") as told:
            told.write(ended.said)
        return ended

    def check_stopped(self, play: Project) -> None:
        for path in play.outputs.rglob("a.txt"):
            if ".incoming" not in path.parts and ".partial" not in path.parts:
                assert path.read_bytes() in (b"0", b"1")

    def check_end(self, play: Project) -> None:
        assert sorted(path.read_bytes() for path in play.outputs.rglob("a.txt")) == [b"0", b"1"]
        assert "done" in (play.root.parent / "told").read_text()
        with at(play.root) as (mailbox, state):
            assert set(Memory(state).closed()) == {"r1"}
            assert Home(SystemClock()).look(mailbox, state).lines == []


def test_agent_killed_at_any_step_of_bringing_home_loses_nothing_and_tells_of_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def make(folder: Path) -> Project:
        folder.mkdir()
        return Project(folder, monkeypatch, capsys)

    assert stopped_at_each_step(RunThatIsDone(make), tmp_path) > 20
