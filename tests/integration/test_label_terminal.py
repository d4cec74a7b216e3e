"""``hybrid label`` on a real terminal: every label is on disk before the next sample, whatever happens to the terminal."""

import json
import signal
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from agent.cli import main
from local_grader import rubrics
from local_grader.labels import load
from tests.support.kept_grades import grade, judging, keep

if sys.platform == "win32":
    pytest.skip("there are no pseudo terminals", allow_module_level=True)

from tests.support.terminal import Terminal

pytestmark = pytest.mark.platform
Capture = pytest.CaptureFixture[str]


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "hybrid.toml").write_text('[project]\nid = "p"\n')
    monkeypatch.chdir(tmp_path)
    ledger = tmp_path / ".hybrid/ledger"
    grades = [
        grade(
            f"s{at}", float(at % 2), prompt=f"Question number {at}?", reference="Paris", answer=f"Answer {at}"
        )
        for at in range(12)
    ]
    keep(ledger, "r1", grades)
    return tmp_path


def label(root: Path, *words: str, columns: int = 80, rows: int = 24) -> Terminal:
    return Terminal(["-P", "-m", "agent", "label", *words], root, columns=columns, rows=rows)


def rows_of(root: Path, name: str = "labels.jsonl") -> list[dict[str, object]]:
    path = root / name
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def words_of(rows: Sequence[dict[str, object]]) -> list[object]:
    return [row["label"] for row in rows]


def test_labels_are_written_one_by_one_and_the_next_session_goes_on(root: Path) -> None:
    with label(root, "r1", "--n", "4", "--labeller", "second", "--out", "mine.jsonl") as terminal:
        terminal.wait_for("sample 1 of 4")
        terminal.type("y")
        terminal.wait_for("sample 2 of 4   1 labelled   before: yes")
        assert words_of(rows_of(root, "mine.jsonl")) == ["yes"]
        terminal.type("n")
        terminal.wait_for("sample 3 of 4")
        terminal.type("q")
        assert terminal.wait_end() == 0
    assert "2 labels in mine.jsonl, 2 of them new. 2 samples left." in terminal.all
    assert "Next: hybrid calibrate r1 mine.jsonl" in terminal.all
    with label(root, "r1", "--n", "4", "--labeller", "second", "--out", "mine.jsonl") as terminal:
        terminal.wait_for("sample 3 of 4   2 labelled")
        terminal.type("s")
        terminal.wait_for("1 skipped")
        terminal.type("1")
        terminal.wait_for("That was all: 1 label in this session.")
        terminal.type("u")
        terminal.wait_for("sample 4 of 4")
        terminal.type("2")
        terminal.wait_for("That was all")
        terminal.type("q")
        assert terminal.wait_end() == 0
    rows = rows_of(root, "mine.jsonl")
    assert words_of(rows) == ["yes", "no", "yes", None, "no"]
    assert {row["labeller"] for row in rows} == {"second"}
    assert len(load(root / "mine.jsonl").by_sample) == 3


def test_an_interrupt_ends_it_and_the_terminal_is_as_it_was(root: Path) -> None:
    with label(root, "r1") as terminal:
        terminal.wait_for("sample 1 of 12")
        terminal.type("y")
        terminal.wait_for("sample 2 of 12")
        terminal.type("\x03")
        assert terminal.wait_end() == 130
        assert terminal.all.count("\x1b[?1049h") == terminal.all.count("\x1b[?1049l") == 1
        assert "What was labelled is in" in terminal.all
    assert words_of(rows_of(root)) == ["yes"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_an_end_from_outside_leaves_the_terminal_as_it_was(root: Path, number: signal.Signals) -> None:
    with label(root, "r1") as terminal:
        terminal.wait_for("sample 1 of 12")
        terminal.send(number)
        assert terminal.wait_end() == 130
        assert not terminal.is_raw()
        assert terminal.all.count("\x1b[?1049l") == 1


def test_a_stop_gives_the_terminal_back_and_going_on_draws_it_anew(root: Path) -> None:
    with label(root, "r1") as terminal:
        terminal.wait_for("sample 1 of 12")
        terminal.type("y")
        terminal.wait_for("sample 2 of 12")
        terminal.type("\x1a")
        terminal.wait_stopped()
        assert not terminal.is_raw()
        before = terminal.all.count("sample 2 of 12")
        terminal.type("fg\n")
        terminal.wait_for("sample 2 of 12")
        assert terminal.all.count("sample 2 of 12") > before
        terminal.type("n")
        terminal.wait_for("sample 3 of 12")
        terminal.type("q")
        assert terminal.wait_end() == 0
    assert words_of(rows_of(root)) == ["yes", "no"]


def test_a_new_size_is_drawn_at_once(root: Path) -> None:
    with label(root, "r1") as terminal:
        terminal.wait_for("-" * 80)
        terminal.resize(40, 10)
        terminal.wait_until_gone("-" * 41)
        terminal.wait_for("[q] quit")  # the last of a page
        assert max(map(len, terminal.screen.splitlines())) == 40
        assert len(terminal.screen.splitlines()) <= 10
        terminal.type("q")
        assert terminal.wait_end() == 0


def test_a_terminal_that_is_closed_ends_it_and_keeps_the_labels(root: Path) -> None:
    with label(root, "r1") as terminal:
        terminal.wait_for("sample 1 of 12")
        terminal.type("y")
        terminal.wait_for("sample 2 of 12")
        terminal.hang_up()
        terminal.wait_for_the_shell()
    assert words_of(rows_of(root)) == ["yes"]


def test_keys_typed_before_a_sample_was_seen_label_nothing(root: Path) -> None:
    with label(root, "r1") as terminal:
        terminal.wait_for("sample 1 of 12")
        terminal.type("yyyyy")
        terminal.wait_for("sample 2 of 12")
        terminal.type("q")
        assert terminal.wait_end() == 0
    assert words_of(rows_of(root)) == ["yes"]


def judged_by(root: Path, rubric: str, run: str = "r2", **about: object) -> None:
    """A run of one sample, judged by that rubric as it comes with the program."""
    sha256 = rubrics.load(rubric, root).sha256
    by = replace(judging("llama", rubric=rubric), rubric_sha256=sha256)
    keep(root / ".hybrid/ledger", run, [grade("a", 1.0, judges={"llama": 1.0}, **about)], by=by)


def test_words_of_the_rubric_are_what_is_chosen_from(root: Path) -> None:
    judged_by(root, "correct")
    with label(root, "r2") as terminal:
        terminal.wait_for("[y] correct   [n] incorrect")
        terminal.type("n")
        terminal.wait_for("That was all")
        terminal.type("\x04")
        assert terminal.wait_end() == 0
    (row,) = rows_of(root)
    assert (row["id"], row["label"], row["value"], row["run"]) == ("a", "incorrect", 0.0, "r2")


def test_what_an_answer_is_held_against_is_shown(root: Path) -> None:
    judged_by(root, "faithful", context="Rome is in Italy.")
    judged_by(root, "pairwise", run="r3", rival="Milan, I think.")
    with label(root, "r2") as terminal:
        terminal.wait_for("Rome is in Italy.")
        terminal.type("q")
        assert terminal.wait_end() == 0
    with label(root, "r3") as terminal:
        for wanted in ("The other answer", "Milan, I think.", "[1] win   [2] tie   [3] lose"):
            terminal.wait_for(wanted)
        terminal.type("2")
        terminal.wait_for("That was all")
        terminal.type("q")
        assert terminal.wait_end() == 0
    (row,) = rows_of(root)
    assert (row["label"], row["value"], row["run"]) == ("tie", 0.5, "r3")


def test_without_a_terminal_it_says_so(root: Path, capsys: Capture) -> None:
    assert main(["label", "r1"]) == 2
    assert "Labelling needs a terminal, and there is none." in capsys.readouterr().err


def test_with_nothing_left_to_label_no_terminal_is_needed(root: Path, capsys: Capture) -> None:
    (root / "done.jsonl").write_text("".join(f'{{"id": "s{at}", "label": true}}\n' for at in range(12)))
    assert main(["label", "r1", "--out", "done.jsonl", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document == {"file": "done.jsonl", "labels": 12, "new": 0, "skipped": 0, "left": 0}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["r9"], "No grades of r9 are kept"),
        (["r1", "--out", "labels.csv"], "Labels are written as JSON lines"),
        (["r1", "--n", "0"], "0 is not in the range"),
    ],
)
def test_what_cannot_be_is_said(root: Path, capsys: Capture, words: list[str], said: str) -> None:
    assert main(["label", *words]) == 2
    assert said in capsys.readouterr().err
