import json
import os
from pathlib import Path

import pytest

from local_grader import report as reports
from local_grader import tables
from local_grader.errors import Ungradable
from local_grader.grade import grade_outputs
from local_grader.kept import grading_in
from local_grader.ledger_rows import COLUMNS
from local_grader.reading.fields import Fields
from local_grader.reports import words
from local_grader.reports.contents import contents
from local_grader.reports.gate import gate
from local_grader.reports.summary import rows
from local_grader.request import Request
from sync.errors import HybridError, UsageError


@pytest.fixture
def project(tmp_path):
    put(tmp_path / "outputs/r1/000/a.jsonl", {"id": "a", "answer": "x"}, {"id": "b", "answer": "y"})
    put(tmp_path / "outputs/r1/001/a.jsonl", {"id": "c", "answer": None}, {"id": "d", "answer": "z"})
    put(tmp_path / "gold.jsonl", *({"id": name, "answer": "x", "topic": "t"} for name in "abce"))
    return tmp_path


def gold(project, **changes):
    """Grading run r1 against the second file, but for the changes."""
    asked = {
        "target": "r1",
        "scorer": "exact",
        "references": project / "gold.jsonl",
        "fields": Fields(group="topic"),
    }
    return graded(project, **asked | changes)


def graded(project, **asked):
    return grade_outputs(Request(outputs=project / "outputs", ledger=project / ".hybrid/ledger", **asked))


def put(path, *rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def ledger(project):
    return sorted((project / ".hybrid/ledger/grades").iterdir())


def test_a_run_is_graded_against_a_second_file(project):
    summary = gold(project).summary
    assert (summary.right, summary.scored, summary.missing) == (1, 2, 1)
    assert summary.unscored == {"no answer": 1, "no reference": 1}


def test_every_grade_is_in_the_ledger(project):
    report = gold(project)
    (path,) = ledger(project)
    assert path == report.ledger
    rows = list(tables.read(path))
    assert [list(row) for row in rows] == [list(COLUMNS)] * 5
    seen = [
        (row["sample"], row["state"], row["value"], row["reason"], row["group"], row["shard"]) for row in rows
    ]
    assert seen == [
        ("a", "scored", 1, None, "t", "000"),
        ("b", "scored", 0, None, "t", "000"),
        ("c", "unscored", None, "no answer", "t", "001"),
        ("d", "unscored", None, "no reference", None, "001"),
        ("e", "missing", None, None, "t", None),
    ]
    assert rows[0]["place"] == "000/a.jsonl line 1"
    assert {(row["run"], row["scorer"], row["options"]) for row in rows} == {
        ("r1", "exact", '{"case_sensitive": false}')
    }


def test_the_same_grading_again_writes_nothing(project):
    assert gold(project).recorded
    (path,) = ledger(project)
    os.utime(path, (1, 1))
    again = gold(project)
    assert (again.recorded, again.ledger) == (False, path)
    assert path.stat().st_mtime > 1, "what was graded last is the newest"


def test_what_a_function_says_today_is_what_is_kept(project):
    (project / "rules.py").write_text("from rules_of_mine import right\ndef grade(a, r, s): return right")
    asked = {"scorer": "python", "options": {"function": f"{project / 'rules.py'}:grade"}}
    first = gold(project, **asked)
    assert first.summary.unscored["function cannot be loaded"] == 3
    (project / "rules_of_mine.py").write_text("right = True")
    again = gold(project, **asked)
    assert again.ledger == first.ledger and ledger(project) == [again.ledger]
    assert [row["value"] for row in tables.read(again.ledger)] == [1, 1, None, 1, None]


@pytest.mark.parametrize("change", ["outputs", "references", "options", "fields", "scorer"])
def test_whatever_changes_the_grades_makes_an_entry_of_its_own(project, change):
    gold(project)
    if change == "outputs":
        put(project / "outputs/r1/001/a.jsonl", {"id": "c", "answer": "x"})
    elif change == "references":
        put(project / "gold.jsonl", {"id": "a", "answer": "y", "topic": "t"})
    changes = {
        "options": {"options": {"case_sensitive": True}},
        "fields": {"fields": Fields()},
        "scorer": {"scorer": "includes"},
    }
    assert gold(project, **changes.get(change, {})).recorded
    assert len(ledger(project)) == 2


def test_a_failed_write_leaves_nothing_behind(project, monkeypatch):
    def refuse(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(OSError, match="No space"):
        gold(project)
    assert ledger(project) == []


def test_text_that_utf8_cannot_hold_is_recorded(project):
    put(project / "odd.jsonl", {"id": "\ud800", "answer": "\udfff\x00", "reference": "x"})
    report = graded(project, target=str(project / "odd.jsonl"), scorer="exact")
    (row,) = tables.read(report.ledger)
    assert row["sample"] == "\\ud800"


def test_problems_do_not_end_the_grading_and_are_reported(project):
    with (project / "outputs/r1/000/a.jsonl").open("a") as file:
        file.write('{"id": "cut')
    report = gold(project)
    assert report.summary.samples == 4
    (problem,) = reports.to_json(report)["problems"]
    assert problem["path"] == "000/a.jsonl" and problem["what"].startswith("line 3 is not valid JSON")


def test_nothing_to_grade_says_what_was_found_instead(project):
    put(project / "outputs/r2/a.jsonl", {"name": "a", "text": "x"})
    with pytest.raises(
        Ungradable, match=r"r2 holds no answers: a\.jsonl line 1 has no field named id"
    ) as caught:
        graded(project, target="r2", scorer="exact")
    assert "--id-field" in caught.value.hint
    assert not (project / ".hybrid").exists()


@pytest.mark.parametrize(
    "row", ['{"id": "a"', '{"answer": "x"}', '{"id": "a"}', '{"id": "a", "answer": "other"}', "[]", "\x00"]
)
def test_unusable_references_end_the_grading(project, row):
    with (project / "gold.jsonl").open("a") as file:
        file.write(row)
    with pytest.raises(HybridError, match=r"gold\.jsonl") as caught:
        gold(project)
    assert str(caught.value).endswith(".")


def test_absent_references_are_a_usage_error(project):
    with pytest.raises(UsageError, match=r"absent\.jsonl"):
        graded(project, target="r1", scorer="exact", references=project / "absent.jsonl")


def test_the_report_is_json_and_its_rows_name_what_was_not_graded(project):
    report = gold(project)
    document = json.loads(json.dumps(reports.to_json(report)))
    assert document["summary"]["rate"] == 0.5
    assert sorted(document["shards"]) == ["000", "001"]
    rows = dict(reports.rows(report))
    assert rows["samples"] == "4, of which 2 could not be graded"
    assert rows["right"].startswith("50.0 % (1 of 2; 95 % interval 9.5 to 90.5 %)")
    assert rows["never answered"] == "1 (e)"
    assert rows["bounds"].startswith("20.0 to 80.0 %")
    assert words.part_rows(report.shards)[1][:2] == ("001", "nothing could be graded")


def read_lines(path):
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def real(name):
    folder = os.environ.get("HYBRID_TEST_DATA")
    if not folder:
        pytest.skip("HYBRID_TEST_DATA names no folder of real data")
    path = Path(folder) / name
    if not path.is_file():
        pytest.skip(f"{path} is not there")
    return path


def test_includes_agrees_with_a_large_judge_as_often_as_is_known(tmp_path):
    path = real("seal_answers.jsonl")
    report = graded(tmp_path, target=str(path), scorer="includes", fields=Fields(group="article"))
    verdicts = {row["id"]: row["verdicts"] for row in read_lines(path)}
    agreed = [
        (row["value"] == 1) == (sum(verdicts[row["sample"]]) * 2 > len(verdicts[row["sample"]]))
        for row in tables.read(report.ledger)
    ]
    assert len(agreed) == 2_000
    assert sum(agreed) / len(agreed) == pytest.approx(0.847, abs=0.02)


def test_real_arc_tasks_are_right_against_themselves_and_wrong_against_their_inputs(tmp_path):
    path = real("arc_training.jsonl")
    tasks = read_lines(path)
    truth = {
        task["task_id"]: [{"attempt_1": [[0]], "attempt_2": test["output"]} for test in task["test"]]
        for task in tasks
    }
    (tmp_path / "submission.json").write_text(json.dumps(truth))
    put(
        tmp_path / "inputs.jsonl",
        *(
            {"task_id": task["task_id"], "attempts": [[test["input"] for test in task["test"]]]}
            for task in tasks
        ),
    )
    report = graded(tmp_path, target=str(tmp_path / "submission.json"), scorer="arc", references=path)
    assert (report.summary.right, report.arc.solved, report.arc.tasks) == (416, 400, 400)
    # One real output is a single black cell, so that even the usual filler scores there.
    assert report.arc.pass_at == {1: 1 / 416, 2: 1}
    report = graded(tmp_path, target=str(tmp_path / "inputs.jsonl"), scorer="arc", references=path)
    assert (report.summary.right, report.summary.scored, report.arc.solved) == (0, 416, 0)


def test_a_group_that_no_sample_has_is_a_slip_of_the_pen(project):
    put(project / "outputs/r2/a.jsonl", {"id": "a", "answer": "x", "reference": "x", "article": "X"})
    assert list(graded(project, target="r2", scorer="exact", fields=Fields(group="article")).groups) == ["X"]
    with pytest.raises(UsageError, match="No sample has a field artcile"):
        graded(project, target="r2", scorer="exact", fields=Fields(group="artcile"))


def test_what_could_not_be_read_is_kept_with_the_grades(project):
    put(project / "outputs/r2/a.jsonl", {"id": "a", "answer": "x", "reference": "x"})
    with (project / "outputs/r2/a.jsonl").open("a") as file:
        file.write("{broken\n")
    kept = grading_in(graded(project, target="r2", scorer="exact").ledger)
    assert len(kept.facts.unread) == 1
    assert "line 2 is not valid JSON" in kept.facts.unread[0]
    found = contents(kept)
    assert dict(rows(found))["not read"].startswith("1 (a.jsonl line 2")
    assert gate(found.summary, 0.6, len(kept.facts.unread)).passed is False
    assert gate(found.summary, 0.5, len(kept.facts.unread)).passed
