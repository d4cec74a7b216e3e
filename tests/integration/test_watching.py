"""Watching a run that a real runner works on: its log as it is written, and whether the runner lives."""

import os
import signal
import sys
from pathlib import Path

import pytest

from tests.support.laptop import Laptop

TALK = """\
import time
for n in range(30):
    print(f"line {n} \N{LATIN SMALL LETTER A WITH DIAERESIS}", flush=True)
    time.sleep(0.2)
"""


@pytest.fixture
def laptop(tmp_path: Path) -> Laptop:
    laptop = Laptop(tmp_path)
    laptop.hybrid("init")
    laptop.write("talk.py", TALK)
    return laptop


def test_followed_log_is_the_whole_log_once(laptop: Laptop) -> None:
    run = laptop.hybrid("run", "--json", "--name", "talk", "--", sys.executable, "talk.py").json["run"]
    followed = laptop.hybrid("logs", "talk", "-f")
    assert followed.out == "".join(f"line {n} ä\n" for n in range(30))
    assert f"Run {run}: done." in followed.err
    laptop.hybrid("pull", "talk")
    assert laptop.hybrid("logs", "talk").out == followed.out
    laptop.hybrid("down")


@pytest.mark.skipif(sys.platform == "win32", reason="kills a process without asking it")
def test_runner_that_was_killed_is_known_to_be_gone_and_the_run_goes_on(laptop: Laptop) -> None:
    started = laptop.hybrid("run", "--json", "--name", "talk", "--", sys.executable, "talk.py").json
    while laptop.hybrid("status", "talk", "--json").json["worker"] is None:
        pass
    os.kill(started["runner"]["pid"], signal.SIGKILL)
    while not laptop.hybrid("status", "talk", "--json").json["worker"]["dead"]:
        pass
    found = laptop.hybrid("status", "talk", "--json").json
    assert (found["phase"], found["next"]) == ("running", "hybrid up --on local")
    laptop.hybrid("up")
    laptop.hybrid("logs", "talk", "-f")
    pulled = laptop.hybrid("pull", "--json").json["runs"][0]
    assert (pulled["phase"], pulled["fetched"]) == ("done", [0])
    laptop.hybrid("down")
