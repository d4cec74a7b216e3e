"""``hybrid grade``: flags win over settings, what could not be read makes it partial, and JSON holds everything."""

import json
import re
from pathlib import Path

import pytest

from agent.cli import main

Capture = pytest.CaptureFixture[str]

TOML = """\
[project]
id = "p"
outputs = "pulled"

[grade]
scorer = "exact"
references = "gold.jsonl"
pattern = "no use to exact"
files = ["answers*"]
"""


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    put(tmp_path / "pulled/r1/000/answers.jsonl", {"id": "a", "answer": "x"}, {"id": "b", "answer": "y 2"})
    put(tmp_path / "pulled/r1/001/answers.jsonl", {"id": "c", "answer": "z"})
    put(tmp_path / "pulled/r1/001/other.jsonl", {"id": "a", "answer": "a second time"})
    put(tmp_path / "gold.jsonl", *({"id": name, "reference": "x"} for name in "abcd"))
    (tmp_path / "hybrid.toml").write_text(TOML)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def put(path: Path, *rows: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def test_settings_are_used_and_the_result_is_a_table(root: Path, capsys: Capture) -> None:
    assert main(["grade", "r1"]) == 0
    captured = capsys.readouterr()
    assert "33.3 % (1 of 3;" in captured.out
    assert re.search(r"never answered +1 \(d\)", captured.out)
    assert "By shard" in captured.out
    assert captured.err.startswith("Every grade is in ")
    assert main(["grade", "r1"]) == 0
    assert capsys.readouterr().err.startswith("This came to the same as before")


def test_flags_win_over_settings(root: Path, capsys: Capture) -> None:
    words = ["grade", "--json", "r1", "--scorer", "pattern", "--pattern", r"(\d)", "--files", "000/*"]
    put(root / "two.jsonl", {"id": "b", "gold": 2})
    assert main([*words, "--references", "two.jsonl"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["summary"]["right"] == 1
    assert document["summary"]["unscored"] == {"no reference": 1}
    assert document["scorer"]["options"]["pattern"] == r"(\d)"


def test_a_file_is_found_from_where_one_stands(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    put(root / "deep/mine.jsonl", {"id": "a", "answer": "x"})
    monkeypatch.chdir(root / "deep")
    assert main(["grade", "--json", "mine.jsonl"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["run"], document["summary"]["rate"]) == ("mine", 1)
    assert Path(document["ledger"]).parent == root / ".hybrid/ledger/grades"


def test_what_cannot_be_read_is_named_and_the_result_is_partial(root: Path, capsys: Capture) -> None:
    with (root / "pulled/r1/001/answers.jsonl").open("a") as file:
        file.write('{"id": "d", "ans')
    assert main(["grade", "r1"]) == 3
    captured = capsys.readouterr()
    assert "33.3 % (1 of 3;" in captured.out
    assert "Warning: 001/answers.jsonl line 2 is not valid JSON" in captured.err


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["r2"], 2, "There is no run r2"),
        (["r1", "--files", "*"], 3, "answers sample a, and 001/other.jsonl line 1 answers it otherwise"),
        (["r1", "--attempts", "1"], 2, "The scorer exact has no option attempts"),
        (["r1", "--scorer", "pattern", "--pattern", "("], 2, "is no regular expression"),
        (["r1", "--scorer", "taste"], 2, "taste"),
        (["r1", "--answer-field", "text"], 1, "has no field named text"),
        (["r1", "--scorer", "numeric"], 1, ""),
    ],
)
def test_what_cannot_be_graded_says_why(
    root: Path, capsys: Capture, words: list[str], code: int, said: str
) -> None:
    assert main(["grade", *words]) == code
    assert said in capsys.readouterr().err


def test_without_any_scorer_the_choice_is_shown(root: Path, capsys: Capture) -> None:
    (root / "hybrid.toml").write_text('[project]\nid = "p"\n')
    assert main(["grade", "r1"]) == 2
    assert "Choose one with --scorer" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "said", "hint"),
    [
        ("", "holds no answers: mine.jsonl is empty.", "Look whether the run wrote its answers to the end"),
        ('{"id": 1,\n', "mine.jsonl line 1 is not valid JSON", "Repair that file"),
        ('{"loss": 1}\n', "has no field", "--answer-field"),
    ],
)
def test_where_nothing_can_be_graded_the_hint_fits_the_cause(
    root: Path, capsys: Capture, text: str, said: str, hint: str
) -> None:
    (root / "mine.jsonl").write_text(text)
    (root / "hybrid.toml").write_text('[project]\nid = "p"\n')
    assert main(["grade", "mine.jsonl", "--scorer", "exact"]) == 1
    told = capsys.readouterr().err
    assert said in told and hint in told


def test_references_may_call_the_id_otherwise_and_the_outputs_as_usual(root: Path, capsys: Capture) -> None:
    put(root / "gold.jsonl", *({"question_id": name, "answer": "x"} for name in "abc"))
    assert main(["grade", "r1"]) == 1
    assert "Try: Name the field that tells samples apart with --id-field" in capsys.readouterr().err
    assert main(["grade", "r1", "--id-field", "question_id"]) == 0
    assert "33.3 % (1 of 3;" in capsys.readouterr().out


def test_an_answer_beside_a_prediction_is_graded_when_both_are_named(root: Path, capsys: Capture) -> None:
    (root / "hybrid.toml").write_text('[project]\nid = "p"\n')
    put(root / "mine.jsonl", {"id": "a", "answer": "x", "prediction": "x"})
    words = ["grade", "mine.jsonl", "--scorer", "exact"]
    assert main(words) == 1
    assert "mine cannot be graded: mine.jsonl line 1 has the fields answer and" in capsys.readouterr().err
    assert main([*words, "--answer-field", "prediction"]) == 1
    assert "--reference-field answer" in capsys.readouterr().err
    assert main([*words, "--answer-field", "answer", "--reference-field", "answer"]) == 2
    assert "One field cannot be both" in capsys.readouterr().err
    assert main([*words, "--answer-field", "prediction", "--reference-field", "answer"]) == 0
