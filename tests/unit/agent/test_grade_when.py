"""``hybrid grade`` over a longer time, as it is typed: what is refused, what is said, and which code it ends with."""

import json
import os
import time
from pathlib import Path

import pytest

from tests.emulators.ollama import Model
from tests.support.ollama import emulated
from tests.support.projects import Project

MODEL = "llama3.1:8b"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Project:
    project = Project(tmp_path, monkeypatch, capsys).make()
    project.configure('[grade]\nscorer = "exact"\nreferences = "gold.jsonl"\n')
    gold = [{"id": f"s{n}", "reference": "x"} for n in range(2)]
    (project.root / "gold.jsonl").write_text("".join(json.dumps(each) + "\n" for each in gold))
    return project


def answer(number: int) -> dict[str, bytes]:
    return {"answers.jsonl": json.dumps({"id": f"s{number}", "answer": "x"}).encode() + b"\n"}


def closed_now() -> str:
    """Hours that do not begin for a while."""
    hour = time.localtime().tm_hour
    return f"{(hour + 2) % 24:02}:00-{(hour + 3) % 24:02}:00"


def test_followed_run_ends_with_the_whole_as_the_last_of_json_lines(project: Project) -> None:
    project.queue(shards=2)
    worker = project.worker().claim()
    for shard in range(2):
        worker.done(shard, answer(shard))
    worker.yields()
    code, out, _ = project.call("grade", "r1", "--follow", "--json")
    *before, last = [json.loads(line) for line in out.splitlines()]
    assert code == 0 and all(each["partial"] and not each["recorded"] for each in before)
    assert (last["partial"], last["recorded"], last["summary"]["right"]) == (None, True, 2)
    assert project.json("grade", "r1")["recorded"] is False, "it is the same grading"
    assert "100.0 % (2 of 2;" in project.call("grade", "r1", "--follow")[1]


def test_run_that_failed_is_graded_as_far_as_it_came(project: Project) -> None:
    project.queue(shards=2, retries=0)
    worker = project.worker().claim()
    worker.done(0, answer(0))
    worker.failed(1, {})
    worker.yields()
    code, out, err = project.call("grade", "r1", "--follow")
    assert code == 3
    assert "Run r1 has failed, and not all of it is here." in err
    assert "1 of 2 shards here" in out


def test_file_is_not_followed(project: Project) -> None:
    (project.root / "mine.jsonl").write_text('{"id": "s0", "answer": "x"}\n')
    code, _, err = project.call("grade", "mine.jsonl", "--follow")
    assert code == 2 and "mine.jsonl is a file: only a run can be followed." in err
    assert project.call("grade", "nosuch", "--follow")[0] == 2


@pytest.mark.parametrize("when", ["at night", "22:00", "25:00-07:00", ""])
def test_hours_that_are_none_are_refused(project: Project, when: str) -> None:
    code, _, err = project.call("grade", "r1", "--when", when)
    assert code == 2 and "22:00-07:00" in err
    project.configure(f'[grade]\nwhen = "{when}"\n')
    code, _, err = project.call("grade", "r1")
    assert code == 2 and "grade.when must be" in err and "hybrid.toml:6: " in err


def test_hours_are_about_judges_alone_and_any_time_can_be_said(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What no judge is asked about is graded at once; and what a person says wins over the settings."""
    lowered: list[int] = []
    monkeypatch.setattr(os, "nice", lowered.append, raising=False)
    mine = project.root / "mine.jsonl"
    mine.write_text('{"id": "s0", "answer": "x"}\n')
    with emulated(Model(name=MODEL)) as ollama:
        settings = f'references = "gold.jsonl"\njudge = "{MODEL}"\nendpoint = "{ollama.url}"\n'
        project.configure(f'[grade]\nscorer = "cascade"\n{settings}when = "{closed_now()}"\n')
        document = project.json("grade", "mine.jsonl")
        assert document["summary"]["right"] == 1 and not ollama.requests
        assert lowered == ([] if os.name == "nt" else [10])
        document = project.json("grade", "mine.jsonl", "--scorer", "judge", "--when", "any")
        assert document["judging"]["undecided"] == 1 and ollama.requests


@pytest.mark.skipif(os.name == "nt", reason="Windows always offers to stay awake")
def test_machine_that_cannot_be_kept_awake_is_told_of_where_judges_work(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project.root / "mine.jsonl").write_text('{"id": "s0", "answer": "x"}\n')
    monkeypatch.setenv("PATH", "")
    assert "may fall asleep" not in project.call("grade", "mine.jsonl", "--keep-awake")[2]
    with emulated(Model(name=MODEL)) as ollama:
        words = ["grade", "mine.jsonl", "--scorer", "judge", "--judge", f"{MODEL}@{ollama.url}"]
        code, _, err = project.call(*words, "--keep-awake")
    assert code == 0 and "This machine may fall asleep" in err
