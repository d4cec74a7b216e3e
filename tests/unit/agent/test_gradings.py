"""``hybrid gradings``: what is kept is shown with the figures of its report, and goes only where it is meant."""

import json
import re
from pathlib import Path

import pytest

from agent.cli import main
from local_grader.ledger import Entry, Facts, Recorder
from local_grader.reading.fields import Fields
from tests.support.kept_grades import grade, judging, keep

RUN = "20260412-213005-solve-4be1"
Capture = pytest.CaptureFixture[str]


class Shelf:
    """The folder is a project with three gradings: two of ``RUN``, and a newer one of a file."""

    def __init__(self, folder: Path, capture: Capture) -> None:
        self.capture = capture
        self.ledger = folder / ".hybrid" / "ledger"
        (folder / "hybrid.toml").write_text('[project]\nid = "p"\n')
        self.by_rule = keep(
            self.ledger, RUN, {"a": 1.0, "b": 0.0, "c": None}, options={"case": True}, missing=["d"], at=10
        )
        panel = judging("qwen3:4b", "phi4-mini")
        self.judged = keep(self.ledger, RUN, {"a": 1.0, "b": 1.0}, scorer="cascade", by=panel, at=20)
        self.of_file = keep(self.ledger, "by.hand", [grade("a", 0.5, group="x")], scorer="f1", at=30)

    def damaged(self, key: str = "0123456789abcdef") -> Path:
        path = self.ledger / "grades" / f"x-{key}.parquet"
        path.write_bytes(b"PAR1")
        return path

    def call(self, *words: str, code: int = 0) -> tuple[str, str]:
        """Standard output and standard error."""
        self.capture.readouterr()
        assert main(["gradings", *words]) == code
        captured = self.capture.readouterr()
        return captured.out, captured.err

    def keys(self) -> set[str]:
        return {path.stem.rpartition("-")[2] for path in (self.ledger / "grades").glob("[!.]*.parquet")}


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> Shelf:
    monkeypatch.chdir(tmp_path)
    return Shelf(tmp_path, capsys)


def test_all_are_shown_newest_first_with_what_tells_them_apart(shelf: Shelf) -> None:
    lines = shelf.call()[0].splitlines()
    assert lines[0].startswith("3 gradings, ") and lines[1].split()[:2] == ["key", "run"]
    cells = [re.split(" {2,}", line) for line in lines[2:]]
    assert [cell[0] for cell in cells] == [
        each.key[:8] for each in (shelf.of_file, shelf.judged, shelf.by_rule)
    ]
    assert cells[1][1:6] == [
        RUN,
        "cascade v1, then qwen3:4b, phi4-mini with rubric correct, pooled by veto",
        "own",
        "none",
        "2",
    ]
    assert cells[2][2:8] == [
        "exact v1 (case=True)",
        "own",
        "none",
        "3",
        "50.0 % (9.5 to 90.5 %)",
        "1 not graded, 1 never answered",
    ]


@pytest.mark.parametrize("word", [RUN, "solve", "20260412"])
def test_those_of_a_run_are_shown_by_any_of_its_names(shelf: Shelf, word: str) -> None:
    found = json.loads(shelf.call(word, "--json")[0])["gradings"]
    assert [each["key"] for each in found] == [shelf.judged.key, shelf.by_rule.key]


def test_json_tells_what_a_report_tells(shelf: Shelf, capsys: Capture) -> None:
    [found] = json.loads(shelf.call("by.hand", "--json")[0])["gradings"]
    assert main(["report", "by.hand", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert (found["rate"], found["low"], found["high"]) == (
        0.5,
        report["interval"]["low"],
        report["interval"]["high"],
    )
    assert (found["file"], found["at"], found["whole"]) == (report["ledger"], 30, True)
    assert found["bytes"] == shelf.of_file.path.stat().st_size
    judged, by_rule = json.loads(shelf.call(RUN, "--json")[0])["gradings"]
    assert (judged["judges"], judged["rubric"], judged["pool"]) == (
        ["qwen3:4b", "phi4-mini"],
        "correct",
        "veto",
    )
    assert (by_rule["judges"], by_rule["rubric"], by_rule["missing"], by_rule["whole"]) == (
        [],
        None,
        1,
        False,
    )
    assert by_rule["scorer"]["options"] == {"case": True}


def test_a_grading_that_waits_for_a_judge_is_not_whole(shelf: Shelf) -> None:
    entry = Entry(
        run=RUN,
        scorer="exact",
        scorer_version=1,
        options={},
        fields=Fields(),
        outputs_sha256="other",
        references_sha256=None,
    )
    with Recorder(shelf.ledger, entry) as recorder:
        recorder.add(grade("a", None))
        recorder.tell(Facts(unread=["x"], unheard=1))
    newest = json.loads(shelf.call(RUN, "--json")[0])["gradings"][0]
    assert (newest["unheard"], newest["unread"], newest["whole"]) == (1, 1, False)
    assert "not heard by a judge, 1 not read" in shelf.call(RUN)[0]


def test_rows_tell_file_references_groups_and_judges_that_said_nothing(shelf: Shelf, tmp_path: Path) -> None:
    gold = tmp_path / "gold.jsonl"
    gold.write_text('{"id": "a", "reference": "x"}\n')
    (tmp_path / "runA").mkdir()
    (tmp_path / "runA/preds.jsonl").write_text('{"id": "a", "answer": "x", "article": "z"}\n')
    words = ["runA/preds.jsonl", "--references", "gold.jsonl", "--group-field", "article"]
    assert main(
        ["grade", *words, "--judge", "slip", "--rubric", "refusal", "--endpoint", "http://127.0.0.1:9"]
    )
    row = next(line for line in shelf.call()[0].splitlines() if "runA/preds.jsonl" in line)
    assert "then slip (not asked) with rubric refusal" in row
    assert re.search(r"file +article +1 ", row)
    found = json.loads(shelf.call("runA/preds.jsonl", "--json")[0])["gradings"][0]
    assert (found["source"], found["asked"], found["group_field"]) == (
        "runA/preds.jsonl",
        ["slip"],
        "article",
    )


def test_nothing_kept_is_no_failure_and_an_unknown_run_is_one(shelf: Shelf) -> None:
    assert "No grades of r9 are kept" in shelf.call("r9", code=2)[1]
    for path in (shelf.ledger / "grades").iterdir():
        path.unlink()
    assert shelf.call()[0] == "No gradings.\n"


def test_one_is_removed_by_the_beginning_of_its_key_with_its_page(shelf: Shelf, tmp_path: Path) -> None:
    page = tmp_path / ".hybrid" / "reports" / f"{shelf.by_rule.path.stem}.html"
    page.parent.mkdir()
    page.touch()
    labels = tmp_path / "labels.jsonl"
    labels.touch()
    out, err = shelf.call("--remove", shelf.by_rule.key[:4].upper())
    assert out.startswith(f"Removed {shelf.by_rule.key[:8]}: {RUN} by exact, ")
    assert "Labels, calibrations and what judges have said stay." in err
    assert shelf.keys() == {shelf.judged.key, shelf.of_file.key}
    assert labels.exists() and not page.exists()


def test_dry_run_tells_the_same_and_removes_nothing(shelf: Shelf) -> None:
    document = json.loads(shelf.call("--remove", shelf.judged.key, "--dry-run", "--json")[0])
    assert document["dry_run"] and [each["key"] for each in document["gradings"]] == [shelf.judged.key]
    assert shelf.call("--remove", shelf.judged.key, "--dry-run")[0].startswith("Would remove ")
    assert len(shelf.keys()) == 3


def test_the_last_grading_of_a_run_goes_only_by_force(shelf: Shelf) -> None:
    both = (shelf.by_rule.key, shelf.judged.key)
    err = shelf.call("--remove", *both, code=15)[1]
    assert RUN in err and f"--force {both[0]} {both[1]}" in err
    assert "by.hand" in shelf.call("--remove", shelf.by_rule.key, shelf.of_file.key, code=15)[1]
    assert len(shelf.keys()) == 3
    shelf.call("--remove", "--force", *both, both[0])
    assert shelf.keys() == {shelf.of_file.key}


def test_the_last_grading_of_a_file_is_no_more_than_one_of_a_name(shelf: Shelf, tmp_path: Path) -> None:
    for folder in ("runA", "runB"):
        (tmp_path / folder).mkdir()
        row = {"id": "a", "answer": folder, "reference": "x"}
        (tmp_path / folder / "preds.jsonl").write_text(json.dumps(row))
        assert main(["grade", "-q", f"{folder}/preds.jsonl", "--scorer", "exact"]) == 0
    [of_b] = json.loads(shelf.call("runB/preds.jsonl", "--json")[0])["gradings"]
    assert "runB/preds.jsonl" in shelf.call("--remove", of_b["key"], code=15)[1]
    assert main(["grade", "-q", "runB/preds.jsonl", "--scorer", "includes"]) == 0
    assert "runB/preds.jsonl by exact" in shelf.call("--remove", of_b["key"])[0]


def test_a_word_that_means_no_key_or_several_removes_nothing(shelf: Shelf) -> None:
    shelf.damaged("0123456789abcdef")
    shelf.damaged("01234567ffffffff")
    assert "2 keys" in shelf.call("--remove", "01234567", code=2)[1]
    for words in ([], ["012"], ["solve"], [shelf.judged.key, "ffff0000"]):
        shelf.call("--remove", *words, code=2)
    assert "--remove" in shelf.call("--dry-run", code=2)[1]
    assert "--remove" in shelf.call("--force", code=2)[1]
    assert len(shelf.keys()) == 5


def test_what_cannot_be_read_is_named_and_can_be_removed(shelf: Shelf) -> None:
    path = shelf.damaged()
    rows = shelf.of_file.path.read_bytes()
    # Metadata are at the end: the rows before them are gone.
    shelf.of_file.path.write_bytes(b"PAR1" + bytes(len(rows) // 2 - 4) + rows[len(rows) // 2 :])
    out, err = shelf.call()
    assert out.startswith("2 gradings, ") and "2 gradings cannot be read" in err and "01234567" in err
    [one, other] = sorted(json.loads(shelf.call("--json")[0])["unreadable"], key=lambda each: each["bytes"])
    assert (one["key"], other["key"]) == ("0123456789abcdef", shelf.of_file.key)
    assert "what cannot be read" in shelf.call("--remove", "0123")[0]
    assert not path.exists()
