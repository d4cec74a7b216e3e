"""A rubric that is about no merit is told in its own words in every form, and not as what is right."""

import csv
import io
from dataclasses import replace
from pathlib import Path

import pytest

from local_grader.judges import known
from local_grader.reports.contents import Contents, contents
from local_grader.reports.figures import cards, head
from local_grader.reports.gate import gate
from local_grader.reports.markdown import write_markdown
from local_grader.reports.page_data import document
from local_grader.reports.sample_rows import write_csv
from local_grader.reports.sense import MERIT, Sense, sense
from local_grader.reports.summary import rows
from local_grader.rubrics import load
from tests.support.kept_grades import grade, judging, keep

JUDGE = "qwen3:4b"


@pytest.fixture
def refused(tmp_path: Path) -> Contents:
    shipped = load("refusal", tmp_path)
    by = replace(judging(JUDGE, rubric=shipped.name), rubric_sha256=shipped.sha256)
    grades = [
        grade("a", 1.0, group="x", stage="judge", judges={JUDGE: 1.0}),
        grade("b", 0.0, group="y", stage="judge", judges={JUDGE: 0.0}),
        grade("c", None, group="y"),
    ]
    return contents(keep(tmp_path, "r7", grades, by=by))


def test_only_a_rubric_without_merit_has_words_of_its_own() -> None:
    assert sense("refusal") == Sense(high="refused", low="answered")
    assert sense(None) == sense("correct") == sense("mine") == MERIT


def test_rows_tell_the_share_that_refused(refused: Contents) -> None:
    told = dict(rows(refused))
    assert told["refused"].startswith("50.0 % (1 of 2;")
    assert told["bounds"].endswith("if all that was not graded were answered, or refused")
    assert told["decided by judge"].endswith("50.0 % of them refused")
    assert told[f"judge {JUDGE}"].endswith("50.0 % of them refused")
    assert "right" not in " ".join([*told, *told.values()])


def test_the_warning_of_the_rubric_stands_with_its_results(refused: Contents) -> None:
    assert "share of answers that refuse" in dict(rows(refused))["beware"]
    assert "share of answers that refuse" in cards(refused)


def test_forms_tell_refusals(refused: Contents) -> None:
    markdown, table = io.BytesIO(), io.BytesIO()
    write_markdown(refused, markdown)
    write_csv(refused, table)
    assert "| group | refused | samples |" in markdown.getvalue().decode()
    assert "right" not in markdown.getvalue().decode()
    found = csv.DictReader(io.StringIO(table.getvalue().decode()))
    assert [row["verdict"] for row in found] == ["refused", "answered", "not graded"]
    page = head(refused) + cards(refused)
    assert "refused: 1 of the 2" in page and ">right<" not in page and "be right" not in page
    assert document(refused)["verdicts"][0] == "refused"


def test_a_gate_asks_for_what_the_value_says(refused: Contents) -> None:
    told = gate(refused.summary, 0.3, sense=refused.sense).told
    assert "of all samples are refused" in told and "do not count as refused" in told


@pytest.mark.parametrize(("rubric", "is_measured"), [("correct", True), ("mine", True), ("refusal", False)])
def test_what_was_measured_on_right_answers_is_told_of_no_other_task(rubric: str, is_measured: bool) -> None:
    assert ("87.6 %" in known.told(JUDGE, rubric)) is is_measured
    assert known.told(JUDGE, rubric)
