"""Save a file and forget: all that comes of it, over SSH, with a network and an agent that fail in the middle."""

import json
import os
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.independent_reader.mailbox import Project as Mailbox
from tests.independent_reader.snapshots import Snapshot
from tests.support.at_work import AtWork, at_work, until
from tests.support.bad_line import BadLine, Fault, bad_line
from tests.support.laptop import Laptop
from tests.support.sshd import Sshd, running_sshd

pytestmark = [pytest.mark.slow, pytest.mark.skipif(os.name == "nt", reason="kills with SIGKILL")]

PROJECT = "project-test"
AUTO = f"""
[auto]
run = "eval"
on = ["src/**"]

[grade]
scorer = "exact"
references = "data/references.jsonl"

[run.eval]
command = ["{sys.executable}", "src/eval.py"]
over = "data/questions.jsonl"
chunk = 2
parallel = 1
on = "ssh:box"
env = {{ NOTES = "NOTES_FOLDER" }}
"""
# Tells that it began, and waits in the second shard until the test says so. One answer of the six is wrong.
EVAL = """
import json, os, pathlib, sys, time
notes, shard = pathlib.Path(os.environ["NOTES"]), os.environ["HYBRID_SHARD"]
with open(notes / "begun", "a") as file:
    file.write(shard + "\\n")
while shard == "1" and not (notes / "go").exists():
    time.sleep(0.05)
with open(os.environ["HYBRID_SHARD_INPUT"]) as questions, open(os.environ["HYBRID_OUTPUT"] + "/answers.jsonl", "w") as out:
    for line in questions:
        question = json.loads(line)
        answer = WORD * question["times"] if question["id"] != "q5" else "no idea"
        out.write(json.dumps({"id": question["id"], "answer": answer}) + "\\n")
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Sshd]:
    with running_sshd(tmp_path / "sshd") as sshd:
        yield sshd


@pytest.fixture
def line(server: Sshd) -> Iterator[BadLine]:
    with bad_line(server.port) as way:
        server.known_hosts.write_text("".join(f"{each}\n" for each in server.host_key_lines(way.port)))
        yield way


@pytest.fixture
def laptop(tmp_path: Path, server: Sshd, line: BadLine) -> Laptop:
    laptop = Laptop(tmp_path / "laptop")
    laptop.init_ssh(server)
    toml = laptop.project / "hybrid.toml"
    toml.write_text(toml.read_text().replace(f"127.0.0.1:{server.port}", f"127.0.0.1:{line.port}"))
    rows = [{"id": f"q{n}", "times": n + 1} for n in range(6)]
    laptop.write("data/questions.jsonl", "".join(f"{json.dumps(row)}\n" for row in rows))
    references = [{"id": row["id"], "reference": "ha" * int(str(row["times"]))} for row in rows]
    laptop.write("data/references.jsonl", "".join(f"{json.dumps(row)}\n" for row in references))
    laptop.write("src/eval.py", "WORD = 'draft'\n" + EVAL)
    return laptop


def test_save_a_file_and_forget(tmp_path: Path, laptop: Laptop, server: Sshd, line: BadLine) -> None:
    notes = tmp_path / "notes"
    notes.mkdir()
    with at_work(laptop, PROJECT) as agent:
        agent.start()
        agent.until(lambda told: told["published"] and told["state"] == "watching", "the first publication")
        assert not agent.status()["runs"], "there is no [auto] yet"

        line.plan(Fault(kind="down"))
        toml = laptop.project / "hybrid.toml"
        toml.write_text(toml.read_text() + AUTO.replace("NOTES_FOLDER", str(notes)))
        laptop.write("src/eval.py", "WORD = 'haha'\n" + EVAL)
        offline = agent.until(lambda told: _is_cut_off(told, line.port), "word that the mailbox is away")
        assert not offline["runs"] and not offline["needs"]
        shown = laptop.hybrid("agent", "status").out
        assert "offline" in shown and "Waiting: " in shown, shown
        laptop.write("src/eval.py", "WORD = 'ha'\n" + EVAL)
        line.repair()

        first = agent.until(lambda told: _run(told).get("here") == 1, "the first of three shards")
        run, started = _run(first)["run"], agent.pid
        assert _begun(notes)["1"] == 1, "the run is in the middle"
        assert (laptop.project / "outputs" / run / "000" / "answers.jsonl").exists()

        agent.kill()
        killed = laptop.hybrid("agent", "status", "--json", expect=1).json
        assert not killed["running"] and "killed" in killed["ended"]
        assert laptop.hybrid("status", run, "--json").json["phase"] == "running"
        agent.start()
        assert agent.pid != started
        agent.until(lambda told: _run(told).get("run") == run, "the run")
        (notes / "go").touch()

        until(lambda: "graded" in _kinds(agent), "the grade")
        agent.until(lambda told: told["state"] == "watching" and not told["waiting"], "rest")
        _all_is_here(laptop, agent, run)
        assert _begun(notes) == Counter({"0": 1, "1": 1, "2": 1}), "each shard ran once"
        _accepted_once(server.root / "mailbox" / PROJECT, run)

        laptop.write("README.md", "of no matter to the run\n")
        newer = agent.until(lambda told: told["published"]["seq"] > first["published"]["seq"], "the README")
        assert newer["published"]["files"] == 5
        assert [each["run"] for each in _runs(laptop)] == [run]
        laptop.hybrid("down")


def _all_is_here(laptop: Laptop, agent: AtWork, run: str) -> None:
    answers = sorted((laptop.project / "outputs" / run).glob("*/answers.jsonl"))
    rows = [json.loads(each) for path in answers for each in path.read_text().splitlines()]
    assert [row["answer"] for row in rows] == ["ha", "haha", "hahaha", "hahahaha", "hahahahaha", "no idea"]
    assert [(each["run"], each["phase"]) for each in _runs(laptop)] == [(run, "done")]
    kinds = _kinds(agent)
    once = ("queued", "started", "done", "graded", "offline", "online")
    assert {kind: kinds[kind] for kind in once} == dict.fromkeys(once, 1), kinds
    assert not kinds["failed"] and kinds["published"] == 2, (
        "what was superseded while offline was never published"
    )
    today = laptop.hybrid("today", "--json").json
    [done], [grade] = today["runs"], today["grades"]
    assert (done["run"], done["phase"], done["here"]) == (run, "done", 3)
    assert (grade["run"], grade["right"], grade["scored"], grade["samples"]) == (run, 5, 6, 6)
    assert run in laptop.hybrid("today").out
    told = laptop.hybrid("agent", "status", "--json").json
    assert told["running"] and told["state"] == "watching" and not told["needs"] and not told["problems"], (
        told
    )


def _accepted_once(folder: Path, run: str) -> None:
    mailbox = Mailbox(folder)
    found = mailbox.run(run)
    assert [each.shard for each in found.accepted] == [0, 1, 2]
    assert Counter(each.shard for each in found.published if each.what == "out") == Counter([0, 1, 2])
    files = {each.path: each for each in Snapshot(folder, found.spec["snapshot"]).entries}
    assert files[b"src/eval.py"].size == len(f"WORD = 'ha'\n{EVAL}")


def _is_cut_off(told: dict[str, Any], port: int) -> bool:
    waiting = told["waiting"] or {"why": "", "files": None}
    return told["state"] == "offline" and waiting["files"] and f"port {port}" in waiting["why"]


def _run(told: dict[str, Any]) -> dict[str, Any]:
    runs: list[dict[str, Any]] = told["runs"]
    return runs[0] if runs else {}


def _runs(laptop: Laptop) -> list[dict[str, Any]]:
    runs: list[dict[str, Any]] = laptop.hybrid("status", "--json").json["runs"]
    return runs


def _kinds(agent: AtWork) -> Counter[str]:
    return Counter(entry.event.kind for entry in agent.journal())


def _begun(notes: Path) -> Counter[str]:
    return Counter((notes / "begun").read_text().split())
