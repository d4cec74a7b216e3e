"""Runners that the agent starts: really, on this machine, and never two; what fails is tried again, and told."""

import dataclasses
import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agent.daemon.runs.home import OpenRun
from agent.daemon.runs.outcome import Outcome
from agent.daemon.runs.runs_duty import RunsDuty, Seen
from agent.daemon.runs.starting import Starting
from agent.machines import Machines
from agent.own_runs import OwnRuns
from agent.project import Project as Settings
from cloud_runner import host
from sync.clock import ManualClock
from sync.mailbox import lease
from sync.mailbox.records import Spec
from tests.support.agents import at
from tests.support.machines import wait_for
from tests.support.projects import Project

SLEEP = ["sleep", "600"]


class Agent:
    def __init__(self, project: Project) -> None:
        self.project = project
        self.clock = ManualClock()
        self.new()

    def new(self) -> None:
        self.duty = RunsDuty(self.clock, random.Random(1))

    def look(self) -> Seen:
        with at(self.project.root, self.clock) as (mailbox, state):
            seen = self.duty.look(mailbox, state)
            self.duty.told(state)
        return seen

    def runners(self) -> list[int]:
        with at(self.project.root) as (_, state):
            return [machine.handle.pid for machine in Machines(state).open()]


@pytest.fixture
def project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Project]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("HYBRID_DATA_DIR", str(tmp_path / "data"))
    project = Project(tmp_path, monkeypatch, capsys).make()
    yield project
    project.configure()
    code, _, err = project.call("down")
    assert code == 0, err


@pytest.fixture
def agent(project: Project) -> Iterator[Agent]:
    agent = Agent(project)
    yield agent
    agent.duty.close()


def queue(project: Project, *run: str, **fields: Any) -> Spec:
    """Queues a run as the laptop's own commands do, which remember it."""
    spec = project.queue(*run, **fields)
    with at(project.root) as (_, state):
        OwnRuns(state).note(spec)
    return spec


def claimed(project: Project) -> None:
    wait_for(lambda: lease.holder(project.look()), "a worker")


def test_runner_is_started_once_for_a_run_that_waits(project: Project, agent: Agent) -> None:
    queue(project, command=SLEEP)
    seen = agent.look()
    assert [event.kind for event in seen.events] == ["started"]
    [pid] = agent.runners()
    assert seen.events[0].data["pid"] == pid
    agent.clock.advance(3600)
    agent.look()
    agent.new()
    agent.look()
    assert agent.runners() == [pid]


def test_run_that_a_stranger_says_is_ours_is_left_to_a_person(project: Project, agent: Agent) -> None:
    spec = project.queue(command=SLEEP)
    assert spec.laptop == Settings.find(project.root).laptop_id
    seen = agent.look()
    assert agent.runners() == [] and seen.events == []
    assert [need.key for need in seen.needs] == ["start:r1"]
    assert "has not asked" in seen.lines[0].note
    with at(project.root) as (_, state):
        OwnRuns(state).note(dataclasses.replace(spec, command=["true"]))
    agent.clock.advance(3600)
    assert agent.look().events == [] and agent.runners() == []  # the same id, and another command


def test_runner_that_a_person_started_is_enough(project: Project, agent: Agent) -> None:
    pid = project.json("up", "--idle-exit", "60")["runner"]["pid"]
    queue(project, command=SLEEP)
    assert agent.look().events == []
    assert agent.runners() == [pid]


def test_command_that_has_queued_a_run_is_left_to_start_its_runner(project: Project, agent: Agent) -> None:
    queue(project, command=SLEEP)
    code = "import sys; from agent.project import Project; from pathlib import Path\nwith Project.find(Path('.')).lock('push'): print(flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=project.root
    ) as other:
        assert other.stdout is not None and other.stdin is not None
        other.stdout.readline()
        seen = agent.look()
        assert (seen.events, seen.again_s) == ([], 2.0)
        other.stdin.close()
    agent.clock.advance(2)
    with Settings.find(project.root).lock("push"):  # our own
        assert [event.kind for event in agent.look().events] == ["started"]


def test_down_is_a_pause_until_somebody_says_up(project: Project, agent: Agent) -> None:
    queue(project, command=SLEEP)
    agent.look()
    claimed(project)
    assert project.call("down")[0] == 0
    agent.clock.advance(3600)
    seen = agent.look()
    assert (seen.events, seen.lines[0].note, seen.needs) == ([], "paused by hybrid down", [])
    assert agent.runners() == []
    queue(project, "r2", command=SLEEP, created=9e9)
    assert [event.kind for event in agent.look().events] == ["started"]


def test_runner_that_cannot_be_started_is_tried_again_and_becomes_a_need(
    project: Project, agent: Agent, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken/runner").write_text("no folder")
    monkeypatch.setenv("HYBRID_DATA_DIR", str(tmp_path / "broken"))
    with at(project.root, agent.clock) as (mailbox, state):
        starting, found = Starting(agent.clock, random.Random(1)), Outcome()
        spec = queue(project)
        open_ = [OpenRun(run=mailbox.run(spec.run), lost=False)]
        waits = []
        for _ in range(3):
            assert found.needs == []
            found = starting.look(mailbox, state, open_)
            assert "The runner cannot be kept in" in found.notes["r1"]
            assert found.again_s is not None
            waits.append(found.again_s)
            before = starting.look(mailbox, state, open_)
            assert before.again_s == found.again_s, "nothing is tried before its time"
            agent.clock.advance(found.again_s)
        assert all(0.75 * most <= wait <= most for wait, most in zip(waits, (30, 60, 120), strict=True))
        [need] = found.needs
        assert need.how.endswith("then: hybrid up --on local")
        monkeypatch.setenv("HYBRID_DATA_DIR", str(tmp_path / "data"))
        found = starting.look(mailbox, state, open_)
        assert ([event.kind for event in found.events], found.needs) == (["started"], [])


def test_runner_that_a_command_could_not_start_is_started_unless_that_was_not_wanted(
    project: Project, agent: Agent, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken/runner").write_text("no folder")
    monkeypatch.setenv("HYBRID_DATA_DIR", str(tmp_path / "broken"))
    assert project.call("run", "--no-start", "--", *SLEEP)[0] == 0
    assert agent.look().events == [] and agent.runners() == []
    code, _, err = project.call("run", "--name", "train", "--", *SLEEP)
    assert code == 13 and "The runner cannot be kept in" in err
    monkeypatch.setenv("HYBRID_DATA_DIR", str(tmp_path / "data"))
    [event] = agent.look().events
    assert event.kind == "started" and "-train-" in event.run


def test_machine_that_cannot_be_reached_is_a_state_with_a_next_step(project: Project, agent: Agent) -> None:
    project.configure('[machines.box]\nhost = "me@127.0.0.1:1"\nmailbox = "folder:/mail"\n')
    queue(project, target="ssh:box")
    seen = agent.look()
    assert seen.lines[0].note.endswith(
        ("tried again in 30 s", "tried again in 29 s", "tried again in 26 s")
    ) or ("tried again in" in seen.lines[0].note)
    assert seen.needs == []
    assert seen.again_s is not None and seen.again_s <= 30
    for _ in range(2):
        agent.clock.advance(120)
        seen = agent.look()
    assert [need.key for need in seen.needs] == ["start:ssh:box"]
    queue(project, "r2", target="ssh:box")
    assert agent.look().needs == [], "something has changed: it counts anew"


def test_mistake_in_the_settings_is_a_need_at_once(project: Project, agent: Agent) -> None:
    queue(project, target="ssh:box")
    [need] = agent.look().needs
    assert need.what == f"The machine box does not see the mailbox {project.remote.url}."


@pytest.mark.parametrize(("settings", "target"), [("", "colab"), ("[auto]\nstart = false\n", "local")])
def test_person_is_asked_where_nothing_can_start_a_runner(
    project: Project, agent: Agent, settings: str, target: str
) -> None:
    project.configure(settings)
    queue(project, target=target, shards=3, name="train")
    seen = agent.look()
    assert seen.needs[0].what == f"Run train waits for a runner on {target}."
    assert seen.needs[0].how == f"To continue: hybrid up --on {target}"
    worker = project.worker().claim(target=target)
    assert agent.look().needs == []
    worker.done(0)
    worker.start(1)
    worker.yields(reason="the session ended")
    assert agent.look().needs[0].what == f"Run train ended at 1 of 3 on {target}."


def test_run_whose_worker_is_lost_gets_another_runner(project: Project, agent: Agent) -> None:
    queue(project, command=SLEEP)
    project.worker().claim().tick()
    assert agent.look().events == []
    agent.clock.advance(60)
    assert [event.kind for event in agent.look().events] == ["started"]


def test_what_waits_behind_a_run_at_work_needs_no_other_runner(project: Project, agent: Agent) -> None:
    queue(project, "r1")
    queue(project, "r2")
    project.worker().claim().tick()
    seen = agent.look()
    assert (seen.events, seen.needs) == ([], [])


def test_runner_that_ends_and_got_nothing_done_is_not_started_at_once_again(
    project: Project, agent: Agent
) -> None:
    queue(project, command=SLEEP)
    agent.look()
    [pid] = agent.runners()
    claimed(project)
    agent.look()
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: host.born(pid) == "", "its end")
    seen = agent.look()
    while "tried again" not in seen.lines[0].note:
        agent.clock.advance(20)
        seen = agent.look()
        assert seen.events == []
    assert "The last runner on local has ended and got nothing done; tried again in" in seen.lines[0].note
    agent.clock.advance(30)
    assert [event.kind for event in agent.look().events] == ["started"]
    assert pid not in agent.runners()
