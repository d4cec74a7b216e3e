"""``hybrid status RUN``: its worker, its failures, what is left, and that nothing in it can do harm."""

import json
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from agent.details import estimate
from sync.clock import ManualClock, SystemClock
from sync.mailbox import records
from sync.mailbox.records import Mark
from tests.support.projects import BASE, Project

Capture = pytest.CaptureFixture[str]
REPOSITORY = Path(__file__).parents[3]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> Project:
    return Project(tmp_path, monkeypatch, capsys).make()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> ManualClock:
    """The wall clock of every command that the test calls."""
    clock = ManualClock()
    monkeypatch.setattr(SystemClock, "wall", lambda _: clock.wall())
    return clock


def test_detail_tells_worker_failures_and_what_is_left(project: Project) -> None:
    project.queue(shards=4, retries=1, command=["python", "a b.py"])
    worker = project.worker().claim(host="gpubox", gpu="T4", vram_gb=15.0, python="3.12.1")
    worker.done(0, seconds=10.0)
    worker.failed(1, output=b"line 1\nTraceback\nValueError: no\n", reason="exit code 1")
    attempt = worker.start(2)
    worker.tick(doing="working", elapsed=60.0, running={str(attempt): 4.0}, telemetry={"gpu": 0.9})
    document = project.json("status", "r1")
    assert document["remaining"] == 26.0
    assert document["worker"]["host"] == "gpubox"
    assert document["worker"]["running"] == {"2.worker22.1": 4.0}
    assert document["worker"]["dead"] is False
    [failure] = document["failures"]
    assert (failure["shard"], failure["final"], failure["reason"]) == (1, False, "exit code 1")
    code, out, err = project.call("status", "r1")
    assert code == 0
    assert "Command: python 'a b.py'\n" in out
    assert "Shards: 1 of 4 complete (0 accepted), 1 running, 2 waiting, 0 failed\n" in out
    assert "Worker worker22 on gpubox (T4, 15 GB free, Python 3.12.1): working, on this run for 60 s\n" in out
    assert "Attempts at work: 2.worker22.1 for 4 s\n" in out
    assert "About 26 s left" in out
    assert "Failed: shard 1 (1.worker22.1, tried again): exit code 1\n" in out
    assert "  | ValueError: no\n" in out
    assert err == "Next: hybrid pull r1\n"


def test_detail_holds_the_fields_that_the_page_on_commands_names(project: Project) -> None:
    project.queue()
    section = (
        (REPOSITORY / "docs/cli.md").read_text().partition("\n## `hybrid status`")[2].partition("\n## ")[0]
    )
    _, _, of_a_run, of_one_run = section.split("|---|---|\n")
    rows = [row.split("|")[1] for row in (of_a_run + of_one_run).splitlines() if row.startswith("| `")]
    assert set(re.findall(r"`(\w+)`", " ".join(rows))) == project.json("status", "r1").keys()


def test_stopped_run_promises_no_end_and_nothing_waits_in_it(project: Project) -> None:
    project.queue(shards=4)
    worker = project.worker().claim()
    worker.done(0)
    attempt = worker.start(1)
    worker.tick(running={str(attempt): 1.0})
    assert project.json("status", "r1")["remaining"] is not None
    project.remote.write(f"{BASE}/runs/r1/stop-laptop22.json", records.encode(Mark()))
    _, out, _ = project.call("status", "r1")
    assert "Run r1: stopped\n" in out
    assert "1 running, 2 not run, 0 failed" in out
    assert "left" not in out and "waiting" not in out
    assert project.json("status", "r1")["remaining"] is None


def test_run_that_was_given_up_tells_why_and_who_goes_on(project: Project) -> None:
    project.queue(shards=2)
    worker = project.worker().claim()
    worker.done(0)
    worker.yields(reason="the run's time limit\nfor one worker is reached")
    document = project.json("status", "r1")
    assert (document["phase"], document["next"]) == ("queued", "hybrid up --on local")
    assert document["given_up"] == "the run's time limit for one worker is reached"
    assert "gave it up: the run's time limit for one worker is reached\n" in project.call("status", "r1")[1]
    assert (
        "r1 waits for a runner: the run's time limit for one worker is reached.\n"
        in project.call("status")[2]
    )
    project.worker("worker33").claim(2)
    assert project.json("status", "r1")["given_up"] is None


def test_failed_setup_shows_its_log(project: Project) -> None:
    project.queue(setup="pip install x")
    project.worker().claim().broken(
        reason="the set-up ended with exit code 1", log="no such package\n", exit=1
    )
    document = project.json("status", "r1")
    assert document["setup"] == {
        "exit": 1,
        "reason": "the set-up ended with exit code 1",
        "log": "no such package\n",
    }
    assert "  | no such package\n" in project.call("status", "r1")[1]


def test_liveness_is_measured_on_this_laptops_own_clock(project: Project, clock: ManualClock) -> None:
    project.queue()
    worker = project.worker().claim()
    worker.tick()
    assert project.json("status", "r1")["worker"]["silent"] is None
    clock.advance(20)
    assert project.json("status", "r1")["worker"]["silent"] == 20
    assert "Last sign of life 20 s ago (as seen from here)\n" in project.call("status", "r1")[1]
    worker.tick()
    assert project.json("status", "r1")["worker"]["silent"] == 0
    clock.advance(40)
    document = project.json("status", "r1")
    assert (document["worker"]["silent"], document["next"]) == (40, "hybrid up --on local")
    assert (document["silent"], document["remaining"]) == (40, None)
    [run] = project.json("status")["runs"]
    assert (run["silent"], run["next"]) == (40, "hybrid up --on local")
    assert "running, silent for 40 s" in project.call("status")[1]


def test_clock_that_was_set_back_makes_nobody_silent(project: Project, clock: ManualClock) -> None:
    project.queue()
    project.worker().claim().tick()
    project.call("status", "r1")
    clock.jump_wall(-3600)
    assert project.json("status", "r1")["worker"]["silent"] == 0


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="asks /proc")
def test_worker_of_this_machine_that_has_ended_is_known_to_be_dead(project: Project) -> None:
    from cloud_runner import host

    project.queue(shards=2)
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    worker = project.worker().claim(host=socket.gethostname(), boot=host.boot(), pid=ended.pid, born="1")
    worker.done(0)
    attempt = worker.start(1)
    worker.tick(doing="working", running={str(attempt): 1.0})
    document = project.json("status", "r1")
    assert (document["worker"]["dead"], document["next"]) == (True, "hybrid up --on local")
    _, out, err = project.call("status", "r1")
    assert "Run r1: running, but nobody works on it\n" in out
    assert "1 cut off, 0 waiting" in out
    assert "another" not in out and "working" not in out and "at work" not in out
    assert err == "Next: hybrid up --on local\n"
    project.remote.write(f"{BASE}/runs/r1/stop-laptop22.json", records.encode(Mark()))
    _, out, _ = project.call("status", "r1")
    assert "Run r1: stopped\n" in out
    assert "nobody" not in out


def test_text_from_the_mailbox_cannot_steer_the_terminal_or_flood_it(project: Project) -> None:
    evil = "\x1b]0;owned\x07\x1b[2J" + "x" * 100_000
    project.queue(name=evil, retries=0, command=[evil])
    worker = project.worker().claim(host=evil, gpu=evil, python=evil)
    worker.failed(0, reason=evil, log=evil)
    worker.tick(doing=evil, running={evil: 1.0}, telemetry={evil: 1.0})
    for words in (("status",), ("status", "r1")):
        _, out, err = project.call(*words)
        assert "\x1b" not in out + err and "\x07" not in out + err
        assert len(out + err) < 5_000
    assert len(json.dumps(project.json("status", "r1"))) < 150_000


@pytest.mark.parametrize(
    ("took", "waiting", "running", "left"),
    [([], 1, [1.0], None), ([10], 0, [], None), ([10, 20], 4, [5, 5], 40.0), ([10], 0, [30], 0.0)],
)
def test_estimate_spreads_the_rest_over_those_at_work(
    took: list[float], waiting: int, running: list[float], left: float | None
) -> None:
    assert estimate(took, waiting, running) == left
