"""The whole loop as a user types it, over a folder and over SSH."""

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from sync.mailbox import layout
from tests.support.laptop import Laptop
from tests.support.sshd import Sshd, running_sshd

SQUARES = """
import json, os
with open(os.environ["HYBRID_SHARD_INPUT"]) as tasks, open(os.environ["HYBRID_OUTPUT"] + "/answers.jsonl", "w") as out:
    for line in tasks:
        task = json.loads(line)
        print("squaring", task["n"], flush=True)
        if task["n"] == int(os.environ.get("FAIL_AT", "-1")):
            raise SystemExit("cannot square this")
        out.write(json.dumps({"id": task["id"], "answer": task["n"] ** 2, "reference": task["n"] ** 2}) + "\\n")
"""


def _tasks(count: int) -> str:
    return "".join(json.dumps({"id": f"t{n}", "n": n}) + "\n" for n in range(count))


def _until(condition: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


@pytest.fixture
def server(tmp_path: Path):
    with running_sshd(tmp_path / "sshd") as sshd:
        yield sshd


@pytest.fixture(params=["folder", "ssh"])
def laptop(request: pytest.FixtureRequest, tmp_path: Path) -> Laptop:
    laptop = Laptop(tmp_path / "laptop")
    if request.param == "ssh":
        laptop.init_ssh(request.getfixturevalue("server"), '[run]\non = "ssh:box"\n')
    else:
        laptop.hybrid("init", "--name", "squares")
    laptop.write("square.py", SQUARES)
    laptop.write("tasks.jsonl", _tasks(10))
    return laptop


def test_push_run_pull_grade(laptop: Laptop) -> None:
    pushed = laptop.hybrid("push", "--json").json
    assert pushed["pushed"] and pushed["files"] == 3
    done = laptop.hybrid(
        "run", "--over", "tasks.jsonl", "--chunk", "4", "--wait", "--json", "--", sys.executable, "square.py"
    ).json
    assert (done["phase"], done["shards"], done["complete"]) == ("done", 3, 3)
    assert sorted(path.name for path in Path(done["outputs"]).iterdir()) == ["000", "001", "002"]
    graded = laptop.hybrid("grade", "square", "--scorer", "numeric", "--json").json
    assert json.dumps(graded).count("10") and laptop.hybrid("grade", "square", "--scorer", "numeric").out
    assert laptop.hybrid("status", "--json").json
    assert "squaring 3" in laptop.hybrid("logs", done["run"]).out
    laptop.hybrid("down")


def test_a_failing_shard_fails_alone_with_the_end_of_its_log(laptop: Laptop) -> None:
    words = [
        "--over",
        "tasks.jsonl",
        "--chunk",
        "4",
        "--retries",
        "0",
        "--env",
        "FAIL_AT=5",
        "--wait",
        "--json",
    ]
    failed = laptop.hybrid("run", *words, "--", sys.executable, "square.py", expect=1).json
    assert (failed["phase"], failed["complete"], failed["failed"]) == ("failed", 2, 1)
    [why] = failed["failures"]
    assert (why["shard"], why["final"], why["exit"]) == (1, True, 1)
    assert "exit code 1" in why["reason"] and "cannot square this" in why["log"].splitlines()[-1]
    assert "cannot square this" in laptop.hybrid("status", failed["run"]).out
    outputs = Path(failed["outputs"])
    assert (outputs / "000" / "answers.jsonl").exists() and (outputs / "002" / "answers.jsonl").exists()
    assert not (outputs / "001").exists() and (outputs / ".partial" / "001" / "hybrid.log").exists()
    laptop.hybrid("down")


def test_the_run_goes_on_when_the_laptop_is_gone(laptop: Laptop) -> None:
    laptop.write(
        "slow.py",
        "import os, time; time.sleep(4); open(os.environ['HYBRID_OUTPUT'] + '/x', 'w').write('there')",
    )
    started = laptop.hybrid("run", "--json", "--", sys.executable, "slow.py").json
    # Nothing of the laptop runs now: the command has returned, and no connection is open.
    time.sleep(1)
    laptop.until(started["run"], "done")
    laptop.hybrid("pull")
    assert (laptop.project / "outputs" / started["run"] / "x").read_text() == "there"
    laptop.hybrid("down")


def test_down_is_a_pause_and_up_goes_on(laptop: Laptop) -> None:
    counted = laptop.home / "counted"
    laptop.write(
        "count.py",
        "import os, pathlib, time\n"
        f"counted = pathlib.Path({str(counted)!r})\n"
        "state = pathlib.Path(os.environ['HYBRID_CHECKPOINT'], 'n')\n"
        "n = int(state.read_text()) if state.exists() else 0\n"
        "print('begins at', n, flush=True)\n"
        "while n < 12:\n"
        "    n += 1\n"
        "    state.with_name('new').write_text(str(n)); os.replace(state.with_name('new'), state)\n"
        "    if n == 3 and not counted.exists():\n"
        "        counted.touch(); time.sleep(600)\n"
        "open(os.environ['HYBRID_OUTPUT'] + '/n', 'w').write(str(n))\n",
    )
    started = laptop.hybrid("run", "--json", "--", sys.executable, "count.py").json
    laptop.until(started["run"], "running")
    _until(counted.exists, "it has not counted as far as it does before the pause")
    assert len(laptop.hybrid("down", "--json").json["ended"]) == 1
    assert laptop.hybrid("status", started["run"], "--json").json["phase"] == "queued"
    laptop.hybrid("up")
    laptop.until(started["run"], "done")
    laptop.hybrid("pull")
    output = laptop.project / "outputs" / started["run"]
    assert (output / "n").read_text() == "12"
    assert "begins at 3" in (output / "hybrid.log").read_text(), "the checkpoint was not restored"
    laptop.hybrid("down")


def test_a_stopped_run_stays_stopped(laptop: Laptop) -> None:
    laptop.write("sleep.py", "import time; print('sleeping', flush=True); time.sleep(600)")
    started = laptop.hybrid("run", "--json", "--", sys.executable, "sleep.py").json
    laptop.until(started["run"], "running")
    laptop.hybrid("stop", started["run"], "--wait")
    laptop.hybrid("down")
    laptop.hybrid("up")
    # What is queued after it is done, so the runner has passed it over.
    laptop.write("quick.py", "")
    laptop.hybrid("run", "--wait", "--", sys.executable, "quick.py")
    assert laptop.hybrid("status", started["run"], "--json").json["phase"] == "stopped"
    laptop.hybrid("down")
    laptop.hybrid("rm", started["run"], "--force")
    assert started["run"] not in laptop.hybrid("status", "--json").out


def test_a_sample_is_marked(laptop: Laptop) -> None:
    words = ["--over", "tasks.jsonl", "--chunk", "2", "--limit", "4", "--wait", "--json"]
    done = laptop.hybrid("run", *words, "--", sys.executable, "square.py").json
    assert done["sample"] is True and done["shards"] == 2
    assert "sample" in laptop.hybrid("status").out
    laptop.hybrid("down")


def test_cutting_the_network_changes_nothing_for_the_runner(tmp_path: Path, server: Sshd) -> None:
    laptop = Laptop(tmp_path / "laptop")
    laptop.init_ssh(server, '[run]\non = "ssh:box"\n')
    cut = laptop.home / "cut"
    laptop.write(
        "slow.py",
        "import os, pathlib, time\n"
        f"while not pathlib.Path({str(cut)!r}).exists():\n"
        "    time.sleep(0.1)\n"
        "open(os.environ['HYBRID_OUTPUT'] + '/x', 'w').write('there')\n",
    )
    started = laptop.hybrid("run", "--json", "--", sys.executable, "slow.py").json
    server.drop_connections()
    server.stop()
    cut.touch()
    done = f"mailbox/**/{layout.run(started['run'])}/*.done-*.json"
    _until(lambda: list(server.root.glob(done)), "the runner does not end it while the network is cut")
    refused = laptop.hybrid("pull", expect=10)
    assert "Error:" in refused.err and "Try:" in refused.err
    server.start()
    laptop.until(started["run"], "done")
    laptop.hybrid("pull")
    assert (laptop.project / "outputs" / started["run"] / "x").read_text() == "there"
    laptop.hybrid("down")


def test_no_runner_is_started_twice(laptop: Laptop) -> None:
    laptop.hybrid("push")
    first = laptop.hybrid("up", "--json").json
    second = laptop.hybrid("up", "--json").json
    assert first["started"] and not second["started"]
    assert second["runner"]["pid"] == first["runner"]["pid"]
    assert os.path.exists(f"/proc/{first['runner']['pid']}") or sys.platform != "linux"
    assert len(laptop.hybrid("down", "--json").json["ended"]) == 1
