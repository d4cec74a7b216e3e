"""``hybrid grade`` and ``hybrid calibrate`` with tables of text, and what such a table changes where it is something else: nothing."""

import json
from pathlib import Path

import pytest

from agent.cli import main

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    put(tmp_path / "hybrid.toml", '[project]\nid = "p"\n[grade]\nscorer = "numeric"\n')
    monkeypatch.chdir(tmp_path)
    return tmp_path


def put(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_answers_references_and_labels_are_tables(root: Path, capsys: Capture) -> None:
    put(root / "outputs/r1/000/answers.csv", 'id,answer\na,"it is\n4"\nb,5\nc,\n')
    put(root / "outputs/r1/001/answers.tsv", "id\tanswer\nd\t7\n")
    put(root / "gold.csv", "id,answer\na,4.0\nb,6\nc,1\nd,7\n")
    assert main(["grade", "r1", "--references", "gold.csv", "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)["summary"]
    assert (summary["scored"], summary["rate"], summary["unscored"]) == (4, 0.5, {})
    put(root / "labels.csv", "id,label\na,yes\nb,0\nd,1.0\n")
    assert main(["calibrate", "r1", "labels.csv", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["labels"] == 3


def test_what_is_wrong_in_a_table_is_named_and_the_result_is_partial(root: Path, capsys: Capture) -> None:
    put(root / "answers.csv", "id,answer,reference\na,4,4\nb,5\n")
    assert main(["grade", "answers.csv"]) == 3
    assert "Warning: answers.csv line 3 has 2 cells, and the header has 3." in capsys.readouterr().err


@pytest.mark.parametrize("content", ["step,loss\n1,0.5\n", "", "id,answer\na,5\n", 'id,answer\na,"5\n'])
def test_a_table_beside_answers_leaves_the_grading_as_it_was(
    root: Path, capsys: Capture, content: str
) -> None:
    put(root / "outputs/r1/000/answers.jsonl", '{"id": "a", "answer": 4, "reference": 4}\n')
    assert main(["grade", "r1", "--json"]) == 0
    before = json.loads(capsys.readouterr().out)
    put(root / "outputs/r1/000/metrics.csv", content)
    assert main(["grade", "r1", "--json"]) == 0
    after = json.loads(capsys.readouterr().out)
    assert after["summary"] == before["summary"] and not after["problems"]
    assert [one["path"] for one in after["skipped"]] == ["000/metrics.csv"]
