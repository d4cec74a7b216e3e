"""The bench measures what it says, on trees so small that the numbers mean nothing."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from agent.daemon.publish.quiet import DEBOUNCE_S
from tests.support.laptop import REPOSITORY
from tests.support.sshd import system_tool

pytestmark = [
    pytest.mark.platform,
    pytest.mark.skipif(sys.platform == "win32", reason="the bench is for Linux and macOS"),
]


def bench(module: str, *words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", f"bench.{module}", *words],
        cwd=REPOSITORY,
        env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def push(tmp_path: Path, *cases: str) -> dict[str, Any]:
    """All measurements, by case and program; none failed."""
    system_tool("rsync")
    document = tmp_path / "page.md"
    document.write_text("# Page\n\n<!-- bench.push -->\nthe last ones\n<!-- end of bench.push -->\n\nmore\n")
    words = ["--scale", "0.001", "--settle", "0", "--rtt-ms", "2", "--mbit", "20", "--peer", "rsync -az"]
    words += ["--json", str(tmp_path / "push.json"), "--document", str(document)]
    printed = bench("push", *words, *(word for case in cases for word in ("--case", case)))
    found = json.loads((tmp_path / "push.json").read_text())
    assert found["failures"] == {}
    text = document.read_text()
    assert printed.strip() in text and "the last ones" not in text
    assert text.startswith("# Page\n") and text.endswith("\nmore\n")
    samples: dict[str, Any] = found["samples"]
    return samples


def test_every_kind_of_push_is_measured_for_both(tmp_path: Path) -> None:
    cases = ("cold-small", "cold-many", "noop", "edit", "head", "rename")
    found = push(tmp_path, *cases, "memory-many", "memory-big", "help", "status")
    for case in cases:
        for peer in ("hybrid", "rsync -az"):
            assert found[case][peer][0]["seconds"] > 0
    assert found["noop"]["hybrid"][0]["up"] == 0
    assert found["noop"]["rsync -az"][0]["up"] > 0
    assert found["cold-small"]["hybrid"][0]["up"] > 10 * 4000 / 4
    assert found["memory-big"]["hybrid"][0]["peak"] > 20e6
    assert found["rename"]["hybrid"][0]["up"] < found["rename"]["rsync -az"][0]["up"] / 20


def test_a_push_is_killed_in_the_middle_and_done_again(tmp_path: Path) -> None:
    found = push(tmp_path, "killed")["killed"]
    for peer in ("hybrid", "rsync -az"):
        assert 0 < found[peer][0]["up"] < 1.1 * found[peer][0]["content"]


def test_a_pull_is_measured_for_both(tmp_path: Path) -> None:
    found = push(tmp_path, "pull-small")["pull-small"]
    for peer in ("hybrid", "rsync -az"):
        assert found[peer][0]["down"] > 10 * 4000 / 4


@pytest.mark.slow
def test_what_has_changed_of_an_output_is_pulled_while_the_run_goes_on(tmp_path: Path) -> None:
    found = push(tmp_path, "pull-changed")["pull-changed"]
    for peer in ("hybrid", "rsync -az"):
        assert found[peer][0]["down"] > found[peer][0]["content"] / 10


def test_every_part_is_timed(tmp_path: Path) -> None:
    document = tmp_path / "page.md"
    document.write_text("<!-- bench.parts --><!-- end of bench.parts -->")
    words = ["--files", "200", "--mib", "2", "--repeats", "2", "--settle", "0"]
    bench("parts", *words, "--json", str(tmp_path / "parts.json"), "--document", str(document))
    found = json.loads((tmp_path / "parts.json").read_text())["seconds"]
    assert {"scan", "ignore", "hash", "chunk", "compress", "upload-sftp", "publish", "help"} <= found.keys()
    assert all(len(times) == 2 and min(times) > 0 for times in found.values())
    assert "| first push of 200 files " in document.read_text()


@pytest.mark.parametrize("part", ["publish", "help"])
def test_a_part_tells_where_its_time_goes(part: str) -> None:
    told = bench("parts", "--files", "50", "--mib", "2", "--settle", "0", "--profile", part)
    assert "tottime" in told and "Ordered by: internal time" in told


@pytest.mark.skipif(sys.platform != "linux", reason="what a process costs is counted by Linux")
def test_the_agent_is_measured_from_a_save_to_what_all_can_have(tmp_path: Path) -> None:
    system_tool("rsync")
    document = tmp_path / "page.md"
    document.write_text("<!-- bench.agent -->\nthe last ones\n<!-- end of bench.agent -->\n")
    words = ["--files", "30", "--saves", "2", "--rsyncs", "1", "--settle", "0", "--rtt-ms", "2"]
    words += ["--idle", "0.5", "--calm", "0"]
    printed = bench("agent", *words, "--json", str(tmp_path / "agent.json"), "--document", str(document))
    assert printed.strip() in document.read_text()
    found = json.loads((tmp_path / "agent.json").read_text())
    assert len(found["saved"]["agent"]) == 2 and min(found["saved"]["agent"]) > DEBOUNCE_S
    assert len(found["saved"]["rsync"]) == 1
    assert found["idle"]["memory"] > 20e6
