"""A judge that says one thing of everything draws a sentence, and only where that is odd."""

import pytest

from local_grader.judging.sameness import all_alike


def test_verdicts_that_are_all_one_are_told_with_their_number():
    assert all_alike("m", {"incorrect": 1635}) == (
        "All 1,635 verdicts of m are incorrect: look at some of them, or at its prompt with --dry-run."
    )
    assert "are the same:" in all_alike("m", {"": 30})


@pytest.mark.parametrize("verdicts", [{}, {"correct": 29}, {"correct": 600, "incorrect": 1}])
def test_few_verdicts_and_verdicts_that_differ_are_no_news(verdicts):
    assert all_alike("m", verdicts) == ""
