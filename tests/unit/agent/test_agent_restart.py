"""``hybrid agent restart``: one agent is at work afterwards, whatever was before."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.daemon import process
from agent.project import Project as Found
from sync.clock import SystemClock
from tests.support import small_agent
from tests.support.machines import wait_for
from tests.support.projects import Project

REPOSITORY = Path(__file__).parents[3]


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


def test_without_an_agent_it_starts_one(project: Project) -> None:
    told = project.json("agent", "restart")
    assert (told["stopped"], told["killed"], told["root"]) == (None, False, str(project.root))
    assert project.json("agent", "status")["pid"] == told["pid"]


def test_another_process_is_at_work_afterwards(project: Project) -> None:
    first = project.json("agent", "start")["pid"]
    code, out, err = project.call("agent", "restart")
    second = project.json("agent", "status")["pid"]
    assert code == 0 and second != first
    assert out == f"The agent runs (process {second}) in the place of process {first}.\n"
    assert err == "Next: hybrid agent status\n"


def test_mistake_in_the_settings_leaves_the_agent_at_work(project: Project) -> None:
    first = project.json("agent", "start")["pid"]
    settings = project.root / "hybrid.toml"
    before = settings.read_text()
    settings.write_text(before + "\n[push]\ninclud = []\n")
    code, _, err = project.call("agent", "restart")
    assert code == 2 and "includ" in err
    settings.write_text(before)
    assert project.json("agent", "status")["pid"] == first


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="what is installed depends on the system")
def test_system_that_looks_after_the_agent_starts_the_new_one(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "bin"
    folder.mkdir()
    program = folder / "systemctl"
    start = " ".join(f"'{word}'" for word in small_agent.command(project.root))
    program.write_text(
        f'#!/bin/sh\necho "$2" >> "{tmp_path}/told"\n[ "$2" != enable ] || {start} > "{tmp_path}/out" 2>&1 &\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)
    project.call("agent", "install")
    wait_for(
        lambda: '"watching"' in project.call("agent", "status", "--json")[1],
        "the agent that the system starts",
    )
    pid = project.json("agent", "status")["pid"]
    told = project.json("agent", "restart")
    assert told["stopped"] == pid != told["pid"]
    assert project.json("agent", "status")["pid"] == told["pid"]
    assert (tmp_path / "told").read_text().split() == ["show-environment", "daemon-reload", "enable"] * 2
