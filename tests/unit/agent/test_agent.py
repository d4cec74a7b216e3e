"""``hybrid agent``: its commands, what they print, and how they exit."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.cli import hybrid
from agent.cli.agent import COMMANDS
from agent.daemon import process
from agent.daemon.process import place_of
from agent.project import Project as Found
from sync.clock import SystemClock
from tests.support import small_agent
from tests.support.light import HEAVY, loaded
from tests.support.projects import Project

REPOSITORY = Path(__file__).parents[3]


FOREGROUND = """
import sys
from tests.support import small_agent
module = sys.modules["agent.daemon.loop"] = type(sys)("agent.daemon.loop")
module.run = small_agent.loop("good")
from agent.cli import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture
def project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Project]:
    found = Project(tmp_path, monkeypatch, capsys)
    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "settings"))
    monkeypatch.setattr(process, "foreground", lambda project: small_agent.command(project.root))
    yield found
    process.stop(Found.find(found.root), SystemClock(), patience_s=0)


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_shows_examples(project: Project, name: str) -> None:
    code, out, _ = project.call("agent", name, "--help")
    assert code == 0 and "Examples:" in out
    assert COMMANDS[name][1] in project.call("agent", "--help")[1]
    assert hybrid.table["agent"][0] == "agent.cli.agent:agent"


def test_agent_is_started_once_and_ended_once(project: Project) -> None:
    started = project.json("agent", "start")
    assert started["started"] and Path(started["root"]) == project.root
    assert Path(started["log"]).read_text(encoding="utf-8").endswith(f" on {project.root}\n")
    code, out, err = project.call("agent", "start")
    assert (code, err) == (0, "Next: hybrid agent status\n")
    assert out == f"An agent is at work already (process {started['pid']}).\n"
    ended = project.json("agent", "stop")
    assert ended == {"stopped": True, "pid": started["pid"], "killed": False}
    assert project.call("agent", "stop") == (0, "No agent runs.\n", "")


def test_status_is_1_where_no_agent_runs_and_tells_of_the_last_one(project: Project) -> None:
    code, out, err = project.call("agent", "status")
    assert (code, err) == (1, "Next: hybrid agent start\n")
    assert out.startswith("No agent runs, and none of this project") and "nothing from here" in out
    (project.root / "a.py").write_text("print()")
    project.call("push")
    project.call("agent", "start")
    assert project.json("agent", "status")["running"] is True
    project.call("agent", "stop")
    told = project.json("agent", "status", code=1)
    assert (told["running"], told["ended"], told["state"]) == (False, "it was told to end", "stopped")
    assert (told["published"]["seq"], told["next"]) == (1, "hybrid agent start")


def test_second_agent_in_the_foreground_is_locked_out(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "agent.daemon.loop", type(sys)("agent.daemon.loop"))
    monkeypatch.setattr(sys.modules["agent.daemon.loop"], "run", small_agent.loop("good"), raising=False)
    started = project.json("agent", "start")
    code, _, err = project.call("agent", "run")
    assert code == 11 and f"(id {started['pid']}) is at work" in err


@pytest.mark.skipif(os.name == "nt", reason="there are no such signals")
@pytest.mark.parametrize("quiet", [False, True])
def test_agent_in_the_foreground_tells_what_it_does_and_ends_in_order(project: Project, quiet: bool) -> None:
    words = [sys.executable, "-c", FOREGROUND, *(["-q"] if quiet else []), "agent", "run"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        while not project.call("agent", "status", "--json")[1].count('"watching"'):
            assert running.poll() is None
            time.sleep(0.02)
        if sys.platform.startswith("linux"):  # it keeps no folder of the user's from being moved
            assert os.readlink(f"/proc/{running.pid}/cwd") == str(place_of(Found.find(project.root)))
        running.send_signal(signal.SIGTERM)
        out, err = running.communicate(timeout=60)
    assert (running.returncode, out) == (0, "")
    assert ("The agent begins" in err and "as it was told to" in err) is not quiet
    assert not quiet or err == ""


def test_logs_are_shown_from_their_end(project: Project) -> None:
    assert project.call("agent", "logs") == (
        0,
        "",
        "No agent of this project has logged anything on this machine yet.\n",
    )
    project.call("agent", "start")
    project.call("agent", "stop")
    code, out, _ = project.call("agent", "logs", "-n", "1")
    assert (code, out.count("\n")) == (0, 1) and "The agent ends, as it was told to" in out
    assert "The agent begins" in project.call("agent", "logs")[1]
    assert project.call("agent", "logs", "-n", "0") == (0, "", "")


def test_logs_are_followed(project: Project) -> None:
    place = place_of(Found.find(project.root))
    place.mkdir(parents=True)
    log = place / "agent.log"
    log.write_text("one\n")
    words = [sys.executable, "-m", "agent", "agent", "logs", "-f", "--json"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as follower:
        assert follower.stdout is not None
        assert follower.stdout.readline() == '{"line": "one"}\n'
        log.rename(place / "agent.log.1")
        log.write_text("two\n")
        assert follower.stdout.readline() == '{"line": "two"}\n'
        follower.kill()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="what is installed depends on the system")
def test_unit_is_shown_written_and_removed_without_a_trace(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    code, _, err = project.call("agent", "install")
    assert code == 1 and "There is no systemctl on this machine" in err
    assert not (tmp_path / "settings").exists()
    program = tmp_path / "systemctl"
    program.write_text("#!/bin/sh\nexit 1\n")  # as where no user manager runs
    program.chmod(0o755)
    path = tmp_path / "settings" / "systemd" / "user" / "hybrid-p.service"
    shown = project.json("agent", "install", "--dry-run")
    assert str(project.root) in shown["content"] and shown["file"] == str(path) and not path.exists()
    code, out, err = project.call("agent", "install")
    assert (code, path.read_text(encoding="utf-8")) == (0, shown["content"]) and str(path) in out
    assert "Next: systemctl --user daemon-reload && systemctl --user enable --now hybrid-p.service" in err
    assert "hybrid agent uninstall ends that" in project.call("agent", "stop")[2]
    assert project.json("agent", "uninstall", "--dry-run")["removed"] is False and path.exists()
    assert project.json("agent", "uninstall")["removed"] is True
    assert list((tmp_path / "settings").rglob("*")) == []
    assert project.call("agent", "uninstall") == (0, "Nothing is installed.\n", "")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="what is installed depends on the system")
def test_system_that_answers_is_told_and_the_agent_is_its_own_then(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bin_folder = tmp_path / "bin"
    bin_folder.mkdir()
    program = bin_folder / "systemctl"
    program.write_text(f'#!/bin/sh\necho "$@" >> "{tmp_path}/told"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(bin_folder), prepend=os.pathsep)
    project.call("agent", "start")
    code, out, err = project.call("agent", "install")
    assert code == 0 and "is a user unit of systemd now" in out and err == "Next: hybrid agent status\n"
    assert project.json("agent", "status", code=1)["ended"] == "it was told to end"
    project.call("agent", "uninstall")
    assert (tmp_path / "told").read_text().splitlines() == [
        "--user show-environment",
        "--user daemon-reload",
        "--user enable --now hybrid-p.service",
        "--user show-environment",
        "--user disable --now hybrid-p.service",
        "--user daemon-reload",
        "--user reset-failed hybrid-p.service",
    ]


def test_status_loads_nothing_heavy_and_waits_for_nothing(project: Project) -> None:
    started = project.json("agent", "start")
    signals = [getattr(signal, name, None) for name in ("SIGSTOP", "SIGCONT")]
    try:
        if signals[0]:  # an agent that is held up is no reason to wait
            os.kill(started["pid"], signals[0])
        out, heavy = loaded(
            project.root, "agent", "status", heavy=(*HEAVY, "sync.push", "sync.store", "sync.remotes.folder")
        )
    finally:
        if signals[1]:
            os.kill(started["pid"], signals[1])
    assert heavy == [] and out.startswith("Agent: ")


def test_agent_is_in_reach_although_the_settings_are_wrong(project: Project) -> None:
    project.json("agent", "start")
    settings = project.root / "hybrid.toml"
    before = settings.read_text()
    settings.write_text(before + "\n[push]\ninclud = []\n")
    code, out, err = project.call("agent", "status")
    assert code == 0 and out.startswith("Agent: ") and "includ" in err
    assert project.call("agent", "logs")[0] == 0
    code, out, err = project.call("agent", "stop")
    assert code == 0 and "has ended" in out
    settings.write_text("[project\n")
    assert project.call("agent", "status")[0] == 2
    settings.write_text(before)
