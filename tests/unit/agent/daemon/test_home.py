"""Runs on their way home: pulled as they are complete, told of once, closed when nothing is left to do."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.daemon.runs.home import Found, Home
from agent.memory import Memory
from agent.project import Project as Settings
from sync.clock import ManualClock
from sync.errors import Unreachable
from sync.mailbox import records
from sync.mailbox.records import Spec
from tests.support.agents import at
from tests.support.projects import Project


class Agent:
    """Looks as the agent's loop does, at a clock that the test moves."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.clock = ManualClock()
        self.home = Home(self.clock)

    def look(self, *, told: bool = True) -> Found:
        with at(self.project.root) as (mailbox, state):
            found = self.home.look(mailbox, state)
            if told:
                self.home.told(state)
        return found

    def again(self) -> None:
        """Another process takes over."""
        self.home.close()
        self.home = Home(self.clock)

    def closed(self) -> set[str]:
        with at(self.project.root) as (_, state):
            return set(Memory(state).closed())


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Project:
    return Project(tmp_path, monkeypatch, capsys).make()


@pytest.fixture
def agent(project: Project) -> Iterator[Agent]:
    agent = Agent(project)
    yield agent
    agent.home.close()


def kinds(found: Found) -> list[str]:
    return [event.kind for event in found.events]


def test_without_a_run_there_is_nothing_to_look_at_again(agent: Agent) -> None:
    assert agent.look() == Found()


def test_each_shard_comes_home_when_it_is_done_and_the_end_is_told_once(
    project: Project, agent: Agent
) -> None:
    project.queue(shards=2)
    assert agent.look().lines[0].phase == "queued"
    worker = project.worker().claim()
    worker.done(0, {"a.txt": b"0"})
    found = agent.look()
    assert kinds(found) == ["pulled"]
    assert [path.read_bytes() for path in project.outputs.rglob("a.txt")] == [b"0"]
    assert (found.lines[0].complete, found.lines[0].here, found.again_s) == (1, 1, 2.5)
    assert kinds(agent.look()) == []
    worker.done(1, {"a.txt": b"1"})
    worker.yields()
    found = agent.look()
    assert (kinds(found), found.again_s) == (["done"], None)
    assert len(list(project.outputs.rglob("a.txt"))) == 2
    assert agent.closed() == {"r1"}
    assert agent.look() == Found()


def test_end_is_told_again_until_it_is_written_down(project: Project, agent: Agent) -> None:
    project.queue()
    project.worker().claim().done()
    assert kinds(agent.look(told=False)) == ["done"]
    assert kinds(agent.look(told=False)) == ["done"]
    agent.again()
    assert kinds(agent.look(told=False)) == ["done"]
    assert agent.closed() == set()
    assert kinds(agent.look()) == ["done"]
    assert (agent.look(), agent.closed()) == (Found(), {"r1"})


def test_run_that_a_command_brought_home_meanwhile_is_told_of_all_the_same(
    project: Project, agent: Agent
) -> None:
    project.queue()
    agent.look()
    project.worker().claim().done()
    assert project.call("pull")[0] == 0
    assert kinds(agent.look()) == ["done"]
    assert agent.look() == Found()


def test_run_that_failed_says_so_and_shows_what_it_left(project: Project, agent: Agent) -> None:
    project.queue(retries=0)
    worker = project.worker().claim()
    worker.failed(0, {"half.txt": b"half"})
    worker.yields()
    [event] = agent.look().events
    assert (event.kind, event.how) == ("failed", "hybrid logs r1")
    assert [path.parent.parent.name for path in project.outputs.rglob("half.txt")] != []
    assert (agent.look(), agent.closed()) == (Found(), {"r1"})


def test_stopped_run_is_closed_without_a_word(project: Project, agent: Agent) -> None:
    project.queue()
    assert project.call("stop", "r1")[0] == 0
    assert kinds(agent.look()) == []
    assert agent.closed() == {"r1"}


def test_failed_setup_is_told_once_for_each_time(project: Project, agent: Agent) -> None:
    project.queue()
    worker = project.worker().claim()
    worker.broken(reason="no such package")
    [event] = agent.look().events
    assert event.text == "Run r1 could not be set up on local: no such package."
    assert kinds(agent.look()) == []
    project.worker("another2").claim(2).broken(2, reason="still none")
    assert "still none" in agent.look().events[0].text


def test_runs_of_others_and_closed_ones_are_left_alone(project: Project, agent: Agent) -> None:
    project.queue("r1")
    project.worker().claim().done()
    assert project.call("pull")[0] == 0
    spec = project.mail / "runs" / "r2"
    project.queue("r2")
    other = Spec(
        run="r3", laptop="other222", created=0.0, snapshot=project.snapshot, target="local", shards=1
    )
    project.remote.make_folders(["p/runs/r3"])
    project.remote.write("p/runs/r3/spec.json", records.encode(other))
    assert [line.run for line in agent.look().lines] == ["r2"]
    shutil.rmtree(spec)
    assert agent.look() == Found()


def test_damaged_run_is_a_note_on_it_and_the_others_come_home(project: Project, agent: Agent) -> None:
    project.queue("r1")
    project.queue("r2")
    agent.look()
    agent.again()
    (project.mail / "runs/r1/spec.json").write_bytes(b"damaged")
    project.worker(run="r2").claim().done()
    found = agent.look()
    assert "does not match its own SHA-256" in found.lines[0].note
    assert (found.needs[0].key, kinds(found)) == ("damaged:r1", ["done"])


def test_outputs_that_are_not_whole_are_asked_for_again_and_more_and_more_seldom(
    project: Project, agent: Agent
) -> None:
    project.queue()
    project.worker().claim().done(0, {"a.txt": b"x"})
    [snapshot] = (project.mail / "runs/r1").glob("*.snap")
    content = snapshot.read_bytes()
    snapshot.unlink()
    found = agent.look()
    assert "shard 0 cannot be had" in found.lines[0].note
    assert (kinds(found), found.again_s) == ([], 5.0)
    agent.clock.advance(5.0)
    assert agent.look().again_s == 10.0
    snapshot.write_bytes(content)
    assert kinds(agent.look()) == []
    agent.clock.advance(10.0)
    assert kinds(agent.look()) == ["done"]


def test_lock_of_another_process_is_waited_for(project: Project, agent: Agent) -> None:
    project.queue()
    project.worker().claim().done()
    with Settings.find(project.root).lock("pull"):
        found = agent.look()
        assert (found.lines[0].note, found.again_s) == (
            "another hybrid process is at work on the outputs",
            2.0,
        )
    agent.clock.advance(2.0)
    assert kinds(agent.look()) == ["done"]


def test_nothing_is_pulled_where_it_is_not_wanted(project: Project, agent: Agent) -> None:
    project.configure("[auto]\npull = false\n")
    project.queue()
    project.worker().claim().done(0, {"a.txt": b"x"})
    found = agent.look()
    assert [(event.kind, event.how) for event in found.events] == [("done", "hybrid pull r1")]
    assert (found.lines[0].note, found.lines[0].here, found.again_s) == ("its outputs are not here", 0, None)
    assert not project.outputs.exists()
    assert project.call("pull")[0] == 0
    assert kinds(agent.look()) == []
    assert agent.look() == Found()


def test_holder_that_gives_no_sign_of_life_is_lost(project: Project, agent: Agent) -> None:
    project.queue()
    worker = project.worker().claim()
    worker.tick()
    assert [one.lost for one in agent.look().open] == [False]
    agent.clock.advance(60)
    found = agent.look()
    assert ([one.lost for one in found.open], found.lines[0].note) == (
        [True],
        "its worker gives no sign of life",
    )
    worker.tick()
    assert [one.lost for one in agent.look().open] == [False]


def test_rest_is_estimated_by_what_finished_shards_took(project: Project, agent: Agent) -> None:
    project.queue(shards=4)
    worker = project.worker().claim()
    worker.done(0, seconds=40.0)
    worker.tick(running={"1.worker22.1": 10.0})
    worker.start(1)
    assert agent.look().lines[0].left_s == 110.0
    agent.clock.advance(10)
    assert agent.look().lines[0].left_s == 100.0


def test_mailbox_that_is_away_is_not_taken_for_one_without_runs(project: Project, agent: Agent) -> None:
    project.queue()
    agent.look()
    project.mail.rename(project.mail.with_name("unmounted"))
    with pytest.raises(Unreachable):
        agent.look()
    project.mail.with_name("unmounted").rename(project.mail)
    assert len(agent.look().lines) == 1


def test_disk_that_takes_nothing_is_a_need_and_is_tried_again(project: Project, agent: Agent) -> None:
    project.queue()
    project.worker().claim().done(0, {"a.txt": b"x"})
    project.outputs.write_bytes(b"in the way")
    found = agent.look()
    assert (len(found.needs), found.lines[0].here) == (1, 0)
    project.outputs.unlink()
    agent.clock.advance(5)
    assert kinds(agent.look()) == ["done"]
