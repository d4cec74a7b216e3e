"""The scorers of ``hybrid grade`` that need more than a reference: files, functions, and leave to run what a run wrote."""

import json
import re
from pathlib import Path

import pytest

from agent.cli import main

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "hybrid.toml").write_text('[project]\nid = "p"\n')
    monkeypatch.chdir(tmp_path)
    return tmp_path


def answers(root: Path, *rows: object) -> str:
    (root / "answers.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return "answers.jsonl"


def graded(capsys: Capture, *words: str) -> dict[str, object]:
    capsys.readouterr()
    main(["grade", "--json", *words])
    document: dict[str, object] = json.loads(capsys.readouterr().out)
    return document


def test_choices_are_letters_or_words(root: Path, capsys: Capture) -> None:
    file = answers(root, {"id": "a", "answer": "The answer is (E).", "gold": "E"})
    document = graded(capsys, file, "--scorer", "choice", "--choices", "ABCDE")
    assert document["summary"]["rate"] == 1  # type: ignore[index]


def test_rouge_has_variants(root: Path, capsys: Capture) -> None:
    file = answers(root, {"id": "a", "answer": "a b", "gold": "b a"})
    assert graded(capsys, file, "--scorer", "rouge", "--variant", "rouge1")["summary"]["rate"] == 1  # type: ignore[index]
    assert graded(capsys, file, "--scorer", "rouge")["summary"]["rate"] == 0.5  # type: ignore[index]


def test_a_schema_is_a_file_and_another_schema_another_grading(root: Path, capsys: Capture) -> None:
    file = answers(root, {"id": "a", "answer": "[1]"})
    (root / "schema.json").write_text('{"type": "array"}')
    first = graded(capsys, file, "--scorer", "json-schema", "--schema", "schema.json")
    assert first["summary"]["rate"] == 1  # type: ignore[index]
    (root / "schema.json").write_text('{"type": "object"}')
    second = graded(capsys, file, "--scorer", "json-schema", "--schema", "schema.json")
    assert (second["summary"]["rate"], second["recorded"]) == (0, True)  # type: ignore[index]
    (root / "schema.json").write_text('{"type": "grid"}')
    assert main(["grade", file, "--scorer", "json-schema", "--schema", "schema.json"]) == 2
    assert "is no JSON schema at $.type" in capsys.readouterr().err


def test_a_function_of_the_user_grades(root: Path, capsys: Capture) -> None:
    file = answers(root, {"id": "a", "answer": "x"}, {"id": "b", "answer": "y"})
    (root / "rules.py").write_text("def grade(answer, reference, sample):\n    return {'x': 0.5}[answer]\n")
    document = graded(capsys, file, "--scorer", "python", "--function", "rules.py:grade", "--seconds", "5")
    summary = document["summary"]
    assert summary["rate"] == 0.5  # type: ignore[index]
    assert summary["unscored"] == {"function raised an error": 1}  # type: ignore[index]


def test_answers_are_run_only_where_somebody_said_so(root: Path, capsys: Capture) -> None:
    file = answers(root, {"id": "a", "answer": "open('ran', 'w')\nx = 1", "gold": "assert x == 1"})
    assert main(["grade", file, "--scorer", "code"]) == 15
    assert "--allow-code" in capsys.readouterr().err
    assert graded(capsys, file, "--scorer", "code", "--allow-code")["summary"]["rate"] == 1  # type: ignore[index]
    (root / "hybrid.toml").write_text('[project]\nid = "p"\n\n[grade]\nallow_code = true\n')
    assert graded(capsys, file, "--scorer", "code")["summary"]["rate"] == 1  # type: ignore[index]


def test_answers_that_contradict_each_other_say_what_to_do(root: Path, capsys: Capture) -> None:
    file = answers(root, {"id": "a", "answer": "x", "gold": "x"}, {"id": "a", "answer": "y", "gold": "x"})
    assert main(["grade", file, "--scorer", "exact"]) == 1
    assert "--id-field" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--scorer", "include"], "there is no include. Did you mean includes? It may be arc, cascade,"),
        (["--scorer", "qqq"], "there is no qqq. It may be arc, cascade,"),
        (
            ["--scorer", "pattern", "--pattern", "("],
            "Try: Write a backslash before what is meant as it stands",
        ),
    ],
)
def test_a_slip_in_an_option_is_told_with_what_was_meant(
    root: Path, capsys: Capture, words: list[str], told: str
) -> None:
    assert main(["grade", answers(root, {"id": "a", "answer": "x"}), *words]) == 2
    assert told in capsys.readouterr().err


def test_a_function_is_told_by_the_first_digits_of_its_file(root: Path, capsys: Capture) -> None:
    (root / "rules.py").write_text("def grade(answer, reference, sample):\n    return True\n")
    assert (
        main(
            [
                "grade",
                answers(root, {"id": "a", "answer": "x"}),
                "--scorer",
                "python",
                "--function",
                "rules.py:grade",
            ]
        )
        == 0
    )
    out = capsys.readouterr().out
    assert re.search(r"file=sha256:[0-9a-f]{12}\b", out) and not re.search(
        r"[0-9a-f]{13}", out.split("right")[0]
    )
