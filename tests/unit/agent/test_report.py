"""``hybrid report``: what is kept is shown and written, the exit code is for build servers, and mistakes are one sentence."""

import json
import re
import webbrowser
from pathlib import Path

import pytest

from agent.cli import main
from tests.support.light import loaded

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> Path:
    rows = [
        {"id": "a", "answer": "x", "reference": "x", "article": "one"},
        {"id": "b", "answer": "x", "reference": "x", "article": "one"},
        {"id": "c", "answer": "y", "reference": "x", "article": "two"},
        {"id": "d", "answer": "y", "article": "two"},
    ]
    (tmp_path / "answers.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "hybrid.toml").write_text('[project]\nid = "p"\n')
    monkeypatch.chdir(tmp_path)
    assert main(["grade", "answers.jsonl", "--scorer", "exact", "--group-field", "article"]) == 0
    capsys.readouterr()
    return tmp_path


def test_what_is_kept_is_shown_without_its_outputs(root: Path, capsys: Capture) -> None:
    (root / "answers.jsonl").unlink()
    assert main(["report", "answers"]) == 0
    out = capsys.readouterr().out
    assert "66.7 % (2 of 3;" in out and "By group" in out
    assert "50.0 to 75.0 %, if all that was not graded" in out


def test_what_was_counted_in_passing_reads_as_what_was_read_back(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    answers = [{"id": each, "answer": "x"} for each in "abcd"]
    gold = [{"id": each, "reference": "x"} for each in ("a", "b", "gone")]
    (root / "gold.jsonl").write_text("".join(json.dumps(row) + "\n" for row in gold))
    (root / "some.jsonl").write_text("".join(json.dumps(row) + "\n" for row in answers) + "{")
    tables = []
    for most in (10, 0):
        monkeypatch.setattr("agent.cli.grade_page._MOST_READ_BACK", most)
        assert main(["grade", "some.jsonl", "--scorer", "cascade", "--references", "gold.jsonl"]) == 3
        lines = capsys.readouterr().out.splitlines()
        tables.append(dict(re.split("  +", line, maxsplit=1) for line in lines if "  " in line))
    back, passing = tables
    assert {"right", "never answered", "not read", "bounds", "decided by exact"} <= set(back)
    # Only what is read back knows which samples were not graded.
    reason = "not graded: no reference"
    assert (back.pop(reason), passing.pop(reason)) == ("2 (c, …)", "2")
    assert back == passing


@pytest.mark.parametrize("words", [["report", "answers", "--json"], ["--json", "report", "answers"]])
def test_two_ways_of_printing_contradict_each_other(root: Path, capsys: Capture, words: list[str]) -> None:
    assert main([*words, "--format", "junit"]) == 2
    captured = capsys.readouterr()
    assert not captured.out
    error = json.loads(captured.err)["error"]
    assert "--format junit and --json" in error["message"] and "--junit FILE" in error["hint"]


def test_json_is_one_document(root: Path, capsys: Capture) -> None:
    assert main(["report", "answers", "--json", "--min-pass", "0.5", "--out", "r.md"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["verdicts"] == {
        "right": 2,
        "partly right": 0,
        "wrong": 1,
        "not graded": 1,
        "never answered": 0,
    }
    assert document["gate"] == {"asked": 0.5, "share": 0.5, "unknown": 1, "passed": True}
    assert document["files"] == [{"form": "markdown", "path": "r.md"}]
    assert set(document["groups"]) == {"one", "two"}


def test_files_are_written_by_ending_and_by_name(root: Path, capsys: Capture) -> None:
    words = [
        "--out",
        "r.html",
        "--out",
        "r.xml",
        "--csv",
        "table.txt",
        "--parquet",
        "r.dat",
        "--markdown",
        "m",
    ]
    assert main(["report", "answers", *words]) == 0
    assert (root / "r.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    assert (root / "r.xml").read_text(encoding="utf-8").startswith("<?xml")
    assert (root / "table.txt").read_text(encoding="utf-8").startswith("run,sample,verdict")
    assert (root / "r.dat").read_bytes().startswith(b"PAR1")
    assert (root / "m").read_text(encoding="utf-8").startswith("## Grades of")
    assert "Wrote r.xml (junit)." in capsys.readouterr().err


def test_a_form_is_printed_alone(root: Path, capsys: Capture) -> None:
    assert main(["report", "answers", "--format", "csv"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("run,sample,verdict") and len(out.splitlines()) == 5


@pytest.mark.parametrize(("share", "code"), [("0.5", 0), ("0.51", 1), ("0", 0), ("1", 1)])
def test_too_few_right_are_exit_code_1(root: Path, capsys: Capture, share: str, code: int) -> None:
    assert main(["report", "answers", "--min-pass", share]) == code
    err = capsys.readouterr().err
    assert err.startswith("Failed" if code else "Passed") and "1 that were not read, graded" in err


def test_nothing_graded_is_exit_code_1(root: Path, capsys: Capture) -> None:
    (root / "bare.jsonl").write_text('{"id": "a", "answer": "x"}\n')
    assert main(["grade", "bare.jsonl", "--scorer", "exact"]) == 1
    assert main(["report", "bare"]) == 1
    assert main(["report", "bare", "--min-pass", "0"]) == 1
    assert "Nothing could be graded, so nothing passes." in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["nobody"], 2, "No grades of nobody are kept."),
        (["answers", "--out", "r.pdf"], 2, "names no form"),
        (["answers", "--out", "nowhere/r.md"], 1, "nowhere/r.md cannot be written"),
        (["answers", "--min-pass", "80"], 2, "80"),
        (["answers", "--grading", "numeric"], 2, "was not graded by numeric"),
    ],
)
def test_mistakes_are_one_sentence(
    root: Path, capsys: Capture, words: list[str], code: int, said: str
) -> None:
    assert main(["report", *words]) == code
    err = capsys.readouterr().err
    assert said in err and "Traceback" not in err


def test_open_shows_the_page_that_was_written_or_one_of_its_own(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    shown: list[str] = []
    monkeypatch.setattr(webbrowser, "open", lambda url: shown.append(url) or len(shown) < 2)
    assert main(["report", "answers", "--html", "my page.html", "--open"]) == 0
    assert shown == [(root / "my page.html").as_uri()]
    assert main(["report", "answers", "--open"]) == 0
    (own,) = (root / ".hybrid" / "reports").iterdir()
    assert shown[1] == own.as_uri()
    assert "No browser could be started" in capsys.readouterr().err


def test_other_commands_load_nothing_of_reports(root: Path) -> None:
    heavy = ("local_grader.reports", "local_grader.kept", "pyarrow", "scipy", "statsmodels", "webbrowser")
    assert loaded(root, "--help", heavy=heavy)[1] == []


def test_arc_is_reported_as_it_was_graded(root: Path, capsys: Capture) -> None:
    grid = [[1, 2], [3, 4]]
    (root / "gold.json").write_text(json.dumps({f"t{at}": [grid] for at in range(3)}))
    wrong = {"attempt_1": [[1, 2], [3, 9]], "attempt_2": [[0]]}
    submission = {"t0": [{"attempt_1": grid, "attempt_2": [[0]]}], "t1": [wrong]}
    (root / "submission.json").write_text(json.dumps(submission))
    assert main(["grade", "submission.json", "--scorer", "arc", "--references", "gold.json", "--json"]) == 0
    graded = json.loads(capsys.readouterr().out)
    assert main(["report", "submission", "--json"]) == 0
    reported = json.loads(capsys.readouterr().out)
    assert reported["arc"] == graded["arc"] and reported["summary"] == graded["summary"]
    assert main(["report", "submission"]) == 0
    out = capsys.readouterr().out
    assert "tasks solved" in out and "cells right" in out
