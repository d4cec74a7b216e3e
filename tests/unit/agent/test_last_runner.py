"""A runner that ends too soon is told of by whoever looks, with the last line of its log."""

import os
import signal
import sys
from pathlib import Path

import pytest

from cloud_runner import host
from tests.support.machines import wait_for
from tests.support.projects import Project

pytestmark = [
    pytest.mark.platform,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="finds a process's log in /proc"),
]
SAID = "the runner on this machine ended at once: no driver"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Project:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    project = Project(tmp_path, monkeypatch, capsys)
    assert project.call("push")[0] == 0
    return project


@pytest.fixture
def deadly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every runner dies when it asks for its GPUs."""
    tool = tmp_path / "bin" / "nvidia-smi"
    tool.parent.mkdir()
    tool.write_text("#!/bin/sh\necho no driver. >> /proc/$PPID/fd/1\nkill -9 $PPID\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tool.parent}:{os.environ['PATH']}")


@pytest.mark.usefixtures("deadly")
def test_runner_that_dies_at_once_was_not_started(project: Project) -> None:
    code, out, err = project.call("up")
    assert (code, out, SAID in err.lower(), ".log" in err) == (1, "", True, True)
    assert project.call("down")[1] == "No runner was at work.\n"


@pytest.mark.usefixtures("deadly")
@pytest.mark.parametrize("wait", [(), ("--wait",)])
def test_run_whose_runner_dies_at_once_waits_and_says_why(project: Project, wait: tuple[str, ...]) -> None:
    code, out, err = project.call("run", "--name", "train", *wait, "--", "true")
    assert (code, err.lower().count(SAID)) == (13, 1)
    for words in (("status",), ("status", "train"), ("logs", "train")):
        code, out, err = project.call(*words)
        assert (code, "the last runner on local has ended: no driver" in out + err) == (0, True)


def test_run_whose_runner_was_killed_says_so(project: Project) -> None:
    project.call("run", "--name", "train", "--no-start", "--", "sleep", "30")
    assert "last runner" not in "".join(map(str, project.call("status", "train")))
    runner = project.json("up")["runner"]
    wait_for(lambda: project.json("status", "train")["holder"], "a worker")
    assert project.json("status", "train")["runner"] is None
    os.kill(runner["pid"], signal.SIGKILL)
    wait_for(lambda: host.born(runner["pid"]) != runner["born"], "its end")
    found = project.json("status", "train")
    assert found["runner"].startswith("the last runner on local has ended: ")
    assert found["next"] == "hybrid up --on local"
    project.call("rm", "--force", "train")
