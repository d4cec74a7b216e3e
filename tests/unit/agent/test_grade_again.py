"""How to go on is told as it was typed: after a judge that could not be asked, and where a file is not there."""

import json
import shlex
from pathlib import Path

import pytest

from tests.emulators.ollama import Model
from tests.support.ollama import emulated
from tests.support.projects import Project

MODEL = "qwen3:4b"
WRONG = '{"reason": "No.", "verdict": "incorrect"}'


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Project:
    project = Project(tmp_path, monkeypatch, capsys).make()
    rows = [{"id": f"s{n}", "answer": f"a {n}", "reference": f"b {n}", "question": "Q?"} for n in range(35)]
    (project.root / "my answers.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return project


def test_after_a_judge_that_could_not_be_asked_the_first_step_is_the_same_command(project: Project) -> None:
    with emulated(Model(name=MODEL)) as server:
        words = ["grade", "my answers.jsonl", "--scorer", "judge", "--judge", f"{MODEL}@{server.url}"]
        assert project.call(*words, "--limit", "3")[0] == 0
        server.stop()
        code, _, err = project.call(*words)
        steps = [line for line in err.splitlines() if line.startswith("Next: ")]
        assert code == 3
        same = f"hybrid {shlex.join(words)}"
        assert steps[0] == (
            f"Next: once the judge can be asked, run the same again, with 3 verdicts kept: {same}"
        )
        assert steps[1].startswith("Next: hybrid report ")
        server.start()
        _, out, err = project.call(*words)
        assert "32 judged, 3 known from before" in out and "run the same again" not in err


@pytest.mark.parametrize("word", ["nosuch.jsonl", "runs/nosuch", "nosuch.csv"])
def test_a_file_that_is_not_there_is_looked_for_and_not_pulled(project: Project, word: str) -> None:
    code, _, err = project.call("grade", word, "--scorer", "exact")
    assert code == 2 and f"There is no file {word}.\nTry: Look at the path; it begins at " in err


def test_answers_are_not_read_from_standard_input(project: Project) -> None:
    code, _, err = project.call("grade", "-", "--scorer", "exact")
    assert code == 2 and "Answers are read from a file" in err and "pull" not in err


def test_what_is_known_of_a_judge_is_told_before_and_after_and_that_it_says_one_thing(
    project: Project,
) -> None:
    known = "87.6 % of its short verdicts and 87.8 % of its reasoned ones are right"
    with emulated(Model(name=MODEL), answer=lambda _asked: WRONG) as server:
        words = ["grade", "my answers.jsonl", "--scorer", "judge", "--judge", f"{MODEL}@{server.url}"]
        assert known in project.call(*words, "--dry-run")[1]
        for more in (["--limit", "31"], []):
            _, out, err = project.call(*words, *more)
            assert known in out and f"verdicts of {MODEL}@{server.url} are incorrect: look at some" in err
        _, out, _ = project.call("report", "my answers")
        assert known in out and "All 35 verdicts of" in out
