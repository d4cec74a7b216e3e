import pytest
from hypothesis import given
from hypothesis import strategies as st

from local_grader.judging.panel import NO_MAJORITY, Pool, pooled
from local_grader.scores import Judgement


def said(*values):
    return [
        Judgement(judge=f"m{number}", reason="timed out", reasoning="too slow")
        if value is None
        else Judgement(judge=f"m{number}", verdict=f"v{value}", value=value, reasoning=f"because {number}")
        for number, value in enumerate(values)
    ]


@pytest.mark.parametrize(
    ("pool", "values", "expected"),
    [
        (Pool.VETO, (1.0, 1.0), 1.0),
        (Pool.VETO, (1.0, 0.0), 0.0),
        (Pool.VETO, (1.0, None), None),
        (Pool.VETO, (0.0, None), None),
        (Pool.VETO, (0.5, None), None),
        (Pool.VETO, (0.5, 1.0), 0.5),
        (Pool.MAJORITY, (1.0, 1.0, 0.0), 1.0),
        (Pool.MAJORITY, (0.0, 1.0, 0.0), 0.0),
        (Pool.MAJORITY, (1.0, 1.0, None), 1.0),
        (Pool.MAJORITY, (1.0, 0.0, None), None),
        (Pool.MAJORITY, (1.0, 0.0), None),
        (Pool.MEAN, (1.0, 0.0, 0.5), 0.5),
        (Pool.MEAN, (1.0, None), None),
        (Pool.VETO, (1.0,), 1.0),
    ],
)
def test_judges_become_one_verdict(pool, values, expected):
    assert pooled(said(*values), pool, "x").value == expected


def test_a_split_panel_says_so_and_who_said_what():
    score = pooled(said(1.0, 0.0), Pool.MAJORITY, "x")
    assert (score.reason, score.explanation) == (NO_MAJORITY, "m0: v1.0, m1: v0.0")


def test_the_objection_is_what_is_shown():
    assert pooled(said(1.0, 0.0, 1.0), Pool.VETO, "x").explanation == "because 1"


def test_the_reason_of_a_missing_verdict_is_kept():
    score = pooled(said(1.0, None), Pool.VETO, "x")
    assert (score.value, score.reason, score.explanation) == (None, "timed out", "too slow")


@given(st.lists(st.sampled_from([0.0, 0.5, 1.0, None]), min_size=1, max_size=5), st.sampled_from(list(Pool)))
def test_a_score_has_a_value_or_a_reason_and_all_that_was_said(values, pool):
    score = pooled(said(*values), pool, "x")
    assert (score.value is None) == (score.reason is not None)
    assert len(score.judgements) == len(values)
    given_values = [value for value in values if value is not None]
    if score.value is not None:
        assert min(given_values) <= score.value <= max(given_values)
