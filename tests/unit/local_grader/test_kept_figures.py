"""The figures of a kept grading, from the columns that decide them: those of its report."""

from pathlib import Path

import pytest

from local_grader import kept, kept_figures, tables
from local_grader.kept_figures import Figures
from local_grader.reports.contents import contents
from local_grader.scores import Grade, Missing
from sync.errors import UsageError
from tests.support.kept_grades import keep
from tests.support.study import by_both, study


@pytest.mark.parametrize("grouped", [True, False])
def test_figures_are_those_of_the_report(tmp_path: Path, grouped: bool) -> None:
    grades = study(120)
    if not grouped:
        grades = [Grade(sample=one.sample._replace(group=None), score=one.score) for one in grades]
    grading = keep(tmp_path, "r1", grades, missing=[Missing(sample="x", group="Asia")], by=by_both())
    found, report = kept_figures.figures(grading), contents(grading)
    whole = report.summary
    assert (found.samples, found.scored, found.right) == (whole.samples, whole.scored, whole.right)
    assert (found.missing, found.rate, found.interval) == (1, whole.rate, report.interval)
    assert found.interval is not None and (found.interval.clusters is not None) == grouped


def test_where_nothing_was_scored_there_is_no_rate(tmp_path: Path) -> None:
    found = kept_figures.figures(keep(tmp_path, "r1", {"a": None}, missing=["b"]))
    assert found == Figures(samples=1, scored=0, right=0, missing=1, interval=None) and found.rate is None


def test_a_damaged_file_is_told_with_the_command_that_removes_it(tmp_path: Path) -> None:
    grading = keep(tmp_path, "r1", {"a": 1.0})
    content = grading.path.read_bytes()
    # Metadata are at the end: the rows before them are gone.
    grading.path.write_bytes(b"PAR1" + bytes(len(content) // 2 - 4) + content[len(content) // 2 :])
    with pytest.raises(UsageError, match="cannot be read") as raised:
        kept_figures.figures(grading)
    assert f"hybrid gradings --remove {grading.key}" in raised.value.hint


def test_other_columns_are_not_read(tmp_path: Path) -> None:
    grading = keep(tmp_path, "r1", {"a": 1.0, "b": None})
    found = tables.picked(grading.path, ("value", "sample"))
    assert found == {"value": [1.0, None], "sample": ["a", "b"]}
    with pytest.raises(tables.BadTable):
        tables.picked(grading.path, ("value", "no such column"))


def test_a_file_that_is_removed_while_others_are_listed_is_none_of_them(tmp_path: Path) -> None:
    grading = keep(tmp_path, "r1", {"a": 1.0})
    (grading.path.parent / "gone.parquet").symlink_to(tmp_path / "absent")  # is listed, and is not there
    assert [each.path for each in kept.gradings(grading.path.parent.parent)] == [grading.path]


def test_what_is_damaged_has_no_scores(tmp_path: Path) -> None:
    grading = keep(tmp_path, "r1", {"a": None, "b": 0.0})
    assert kept_figures.has_scores(grading)
    assert not kept_figures.has_scores(keep(tmp_path, "r2", {"a": None}, missing=["b"]))
    grading.path.write_bytes(b"PAR1")
    assert not kept_figures.has_scores(grading)
