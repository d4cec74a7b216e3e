import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local_grader import metrics
from local_grader.grading import Grading, unanswered
from local_grader.metrics import Tallies
from local_grader.samples import Reference, Sample
from local_grader.scorers import make
from local_grader.scores import Grade, Missing, Score, average


def one(value, number=0, group=None, shard=None):
    score = Score.unscored("no reference") if value is None else Score(value=value)
    sample = Sample(id=f"s{number}", answer="", place="a line 1", group=group, shard=shard)
    return Grade(sample=sample, score=score)


def grades(*graded, missing=0):
    tallies = Tallies()
    for grade in graded:
        tallies.add(grade)
    for number in range(missing):
        tallies.add_missing(Missing(sample=f"m{number}", group="z"))
    return tallies


@pytest.mark.parametrize(
    ("right", "n", "low", "high"),
    # From Newcombe 1998, table I, and R's prop.test(correct = FALSE).
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_the_wilson_interval_agrees_with_published_values(right, n, low, high):
    assert metrics.wilson(right, n) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))


@given(n=st.integers(1, 10**6), share=st.floats(0, 1))
def test_the_rate_lies_in_its_interval_and_the_interval_in_0_to_1(n, share):
    low, high = metrics.wilson(share * n, n)
    assert 0 <= low <= share * n / n <= high <= 1


def test_unscored_and_missing_are_counted_apart_and_bound_the_rate():
    summary = grades(one(1), one(1), one(0), one(None), missing=1).whole.summary()
    assert (summary.samples, summary.scored, summary.right, summary.missing) == (4, 3, 2, 1)
    assert summary.rate == pytest.approx(2 / 3)
    assert summary.unscored == {"no reference": 1}
    assert (summary.floor, summary.ceiling) == (0.4, 0.8)


def test_nothing_scored_has_no_rate():
    summary = grades(one(None)).whole.summary()
    assert (summary.rate, summary.low, summary.high) == (None, None, None)
    assert (summary.floor, summary.ceiling) == (0, 1)
    assert grades().whole.summary().floor is None


def test_parts_add_up_to_the_whole():
    whole = grades(one(1, 1, "x", "000"), one(0, 2, "y", "000"), one(1, 3, "x", "001"), one(1, 4))
    shards, groups = whole.shards(), whole.groups()
    assert {name: (part.right, part.scored) for name, part in shards.items()} == {
        "000": (1, 2),
        "001": (1, 1),
    }
    assert {name: part.rate for name, part in groups.items()} == {"x": 1, "y": 0}


def test_counts_of_parts_merge_into_those_of_the_whole():
    graded = [one(1, 1, "x", "000"), one(0.25, 2, "y", "000"), one(None, 3, "x", "001"), one(0, 4)]
    whole, first, second = (
        grades(*graded, missing=2),
        grades(*graded[:2], missing=1),
        grades(*graded[2:], missing=1),
    )
    first.merge(second)
    for counts in (Tallies.shards, Tallies.groups, Tallies.stages):
        assert counts(first) == counts(whole)
    assert first.whole.summary() == whole.whole.summary()


def test_a_group_of_missing_answers_only_is_still_named():
    assert grades(one(1, 1, "x"), missing=1).groups()["z"].missing == 1


def test_an_average_with_an_unscored_part_is_unscored():
    assert average([Score(value=1.0), Score(value=0.0)]).value == 0.5
    assert average([Score(value=1.0), Score.unscored("x")]).reason == "x"


def test_given_references_are_the_only_yardstick():
    samples = [Sample(id=name, answer="x", reference="x", place="p") for name in "ab"]
    references = {"a": Reference(value="y", group="g"), "c": Reference(value="x")}
    result = Grading(samples, make("exact", {}), references)
    assert [(one.score.value, one.score.reason, one.sample.group) for one in result] == [
        (0, None, "g"),
        (None, "no reference", None),
    ]
    assert unanswered(references, result.answered) == [Missing(sample="c")]


@given(st.lists(st.lists(st.floats(0, 1))))
def test_what_others_have_counted_comes_to_the_same(parts):
    whole, merged = Tallies(), Tallies()
    for part in parts:
        merged.merge(grades(*map(one, part)))
        for value in part:
            whole.add(one(value))
    assert merged.whole.summary() == whole.whole.summary()
    assert whole.whole.summary().right == math.fsum(value for part in parts for value in part)
