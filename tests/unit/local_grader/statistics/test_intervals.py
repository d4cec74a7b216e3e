import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local_grader import metrics
from local_grader.statistics.intervals import Interval, matched, student, wilson


@pytest.mark.parametrize(
    ("right", "n", "low", "high"),
    # Newcombe, Two-sided confidence intervals for the single proportion, Statistics in Medicine 17 (1998), table I, method 3.
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_has_the_published_values(right, n, low, high):
    found = wilson(right, n)
    assert (found.low, found.high) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))


@given(n=st.integers(1, 10**6), share=st.floats(0, 1))
def test_the_plain_report_and_statsmodels_have_the_same_wilson_interval(n, share):
    found = wilson(share * n, n)
    assert metrics.wilson(share * n, n) == (
        pytest.approx(found.low, abs=1e-12),
        pytest.approx(found.high, abs=1e-12),
    )


@given(n=st.integers(1, 10**6), share=st.floats(0, 1))
def test_wilson_holds_the_rate_and_solves_the_score_equation(n, share):
    right = round(share * n)
    found = wilson(right, n)
    assert 0 <= found.low <= right / n <= found.high <= 1
    for end in (found.low, found.high):
        # Wilson 1927: the ends are the rates from which the observed one is 1.96 of *their* standard errors away.
        if 0 < end < 1:
            assert abs(right / n - end) == pytest.approx(
                1.959964 * math.sqrt(end * (1 - end) / n), rel=1e-4, abs=1e-9
            )


def test_student_has_the_value_of_the_table():
    # Any table of Student's t: 2.262 for 9 degrees of freedom.
    found = student(1.0, 0.5, 9)
    assert (found.low, found.high) == (pytest.approx(1 - 1.131, abs=1e-3), pytest.approx(1 + 1.131, abs=1e-3))


def test_the_interval_of_matched_proportions_has_the_published_value():
    # Agresti, Categorical Data Analysis, 2nd edition, table 10.1: approval of a prime minister in two surveys of the same 1,600
    # people, -0.04 with the interval (-0.06, -0.02), there without the half samples, which matter little for so many.
    found, error = matched(86 - 150, 86 + 150, 1600)
    assert (found.low, found.high) == (pytest.approx(-0.06, abs=5e-3), pytest.approx(-0.02, abs=5e-3))
    assert error == pytest.approx(0.0095, abs=1e-4)


def test_matched_is_the_normal_interval_after_half_a_sample_in_each_cell():
    weights, values = [7.5, 1.5, 14.0], [1, -1, 0]
    n = sum(weights)
    mean = sum(w * v for w, v in zip(weights, values, strict=True)) / n
    error = math.sqrt(sum(w * (v - mean) ** 2 for w, v in zip(weights, values, strict=True))) / n
    found, said = matched(7 - 1, 7 + 1, 21)
    assert said == pytest.approx(error)
    assert (found.low, found.high) == (
        pytest.approx(mean - 1.959964 * error),
        pytest.approx(mean + 1.959964 * error),
    )


@given(cells=st.tuples(st.integers(0, 500), st.integers(0, 500), st.integers(0, 500)).filter(any))
def test_matched_holds_the_difference_and_is_never_a_point(cells):
    more, fewer, _ = cells
    found, error = matched(more - fewer, more + fewer, sum(cells))
    assert -1 <= found.low <= (more - fewer) / sum(cells) <= found.high <= 1
    assert error > 0


def test_matched_has_the_scale_of_the_differences():
    whole, error = matched(3, 5, 20)
    tenth, small = matched(0.3, 0.05, 20, 0.1)
    assert (tenth.low, tenth.high, small) == pytest.approx((whole.low / 10, whole.high / 10, error / 10))


def test_what_cannot_be_is_cut_off():
    found = Interval(low=-0.2, high=1.3, method="t").within(0, 1)
    assert (found.low, found.high, found.holds(0), found.holds(1.1)) == (0, 1, True, False)
