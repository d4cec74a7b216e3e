"""The main job on real input: 400 ARC tasks, searched on a machine reached by SSH, whose runner keeps dying."""

import json
import os
import shutil
import signal
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.support.laptop import REPOSITORY, Laptop
from tests.support.sshd import Sshd, running_sshd

TASKS = 400
SHARDS = 20
KILLS = 3


@pytest.fixture
def server(tmp_path: Path):
    with running_sshd(tmp_path / "sshd") as sshd:
        yield sshd


@pytest.fixture
def laptop(tmp_path: Path, server: Sshd, test_data: Path) -> Laptop:
    laptop = Laptop(tmp_path / "laptop")
    laptop.init_ssh(server, '[run]\non = "ssh:box"\nparallel = 2\n')
    shutil.copytree(
        REPOSITORY / "examples" / "arc",
        laptop.project,
        dirs_exist_ok=True,
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    laptop.write("data/arc.jsonl", (test_data / "arc_training.jsonl").read_bytes())
    return laptop


@pytest.mark.timeout(1500)
def test_every_task_is_answered_once_although_the_runner_is_killed(laptop: Laptop, server: Sshd) -> None:
    words = ["--over", "data/arc.jsonl", "--chunk", str(TASKS // SHARDS), "--json", "--"]
    started = laptop.hybrid("run", *words, sys.executable, "solve.py").json
    assert started["shards"] == SHARDS
    folder = server.root / "mailbox" / "project-test" / "runs" / started["run"]
    runner = started["runner"]
    for kill in range(1, KILLS + 1):
        _until(lambda enough=kill * 3: _done(folder) >= enough)
        os.kill(runner["pid"], signal.SIGKILL)
        assert _done(folder) < SHARDS, "it was too quick to be killed"
        _until(lambda gone=runner["pid"]: not Path(f"/proc/{gone}").exists() or _is_zombie(gone))
        runner = laptop.hybrid("up", "--on", "ssh:box", "--json").json["runner"]
    _until(lambda: _done(folder) >= SHARDS)

    status = laptop.hybrid("status", started["run"], "--json").json
    assert status["phase"] == "done"
    pulled = laptop.hybrid("pull", started["run"])
    outputs = laptop.project / "outputs" / started["run"]
    answered = Counter(
        json.loads(line)["task_id"]
        for path in outputs.glob("*/answers.jsonl")
        for line in path.read_text().splitlines()
    )
    assert len(answered) == TASKS and set(answered.values()) == {1}, pulled.out

    words = ["grade", started["run"], "--scorer", "arc", "--references", "data/arc.jsonl", "--json"]
    graded = laptop.hybrid(*words).json
    assert graded["arc"]["tasks"] == TASKS and graded["arc"]["solved"] >= 15, graded

    before = _state(laptop)
    laptop.hybrid("pull", started["run"])
    laptop.hybrid(*words)
    assert _state(laptop) == before
    laptop.hybrid("down")


def _done(folder: Path) -> int:
    """Shards of which some attempt says that it is done. None may fail."""
    assert not [name for name in os.listdir(folder) if ".failed-" in name]
    return len({name.split(".done-")[1].split(".")[0] for name in os.listdir(folder) if ".done-" in name})


def _until(condition, limit: float = 900) -> None:
    deadline = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < deadline, "nothing came of it"
        time.sleep(0.2)


def _is_zombie(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def _state(laptop: Laptop) -> dict[str, tuple[int, int]]:
    """Every file that a pull or a grading could have written, with its size and its time."""
    found = {}
    for top in (laptop.project / "outputs", laptop.project / ".hybrid" / "ledger"):
        for path in top.rglob("*"):
            status = path.stat()
            # A grading that is made again is the newest again, and its file says so; that it is the same file, its number tells.
            when = status.st_ino if path.suffix == ".parquet" and top.name == "ledger" else status.st_mtime_ns
            found[str(path)] = (status.st_size, when)
    return found
