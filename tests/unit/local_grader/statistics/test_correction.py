import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from local_grader.errors import Ungradable
from local_grader.statistics.agreement import confusion
from local_grader.statistics.correction import corrected
from local_grader.statistics.libraries import generator


def calibration(true_pass, false_fail, true_fail, false_pass):
    judge = [True] * true_pass + [False] * (false_fail + true_fail) + [True] * false_pass
    return confusion(judge, [True] * (true_pass + false_fail) + [False] * (true_fail + false_pass))


def verdicts(passed, n):
    return [1] * passed + [0] * (n - passed)


def graded(rng, truth, sensitivity, specificity):
    """What a judge with these rates says of answers that are right or wrong."""
    chance = rng.random(truth.shape)
    return (truth & (chance < sensitivity)) | (~truth & (chance > specificity))


def test_a_known_test_gives_the_published_prevalence():
    # R's epiR, manual of epi.prev: 23 of 150 cows positive, sensitivity 96 %, specificity 89 %: 5.1 per 100 (0 to 13).
    found = corrected(verdicts(23, 150), calibration(96_000, 4_000, 89_000, 11_000), generator(1))
    assert found.rate == pytest.approx((23 / 150 + 0.89 - 1) / 0.85)
    assert 100 * found.rate == pytest.approx(5.1, abs=0.05)
    assert (100 * found.interval.low, 100 * found.interval.high) == (
        pytest.approx(0, abs=0.5),
        pytest.approx(13, abs=0.5),
    )
    assert (found.reason, found.clipped, found.informedness) == (None, False, pytest.approx(0.85))


def test_fewer_passes_than_the_judge_passes_wrongly_is_a_rate_of_nothing():
    # The same manual, after Moujaber and others 2008: 6 of 151 positive, sensitivity 96.4 %, specificity 92.7 %: 0 (0 to 1.3).
    found = corrected(verdicts(6, 151), calibration(96_400, 3_600, 92_700, 7_300), generator(1))
    assert (found.rate, found.interval.low, found.clipped) == (0, 0, True)
    assert 0 < found.interval.high < 0.013


def test_a_perfect_judge_is_not_corrected_yet_doubted():
    found = corrected(verdicts(60, 100), calibration(30, 0, 30, 0), generator(1))
    assert found.rate == pytest.approx(0.6)
    wilson = found.judged.interval
    assert found.interval.low < wilson.low and found.interval.high > wilson.high


def test_the_delta_error_is_rogan_and_gladens_and_the_draws_agree_with_it():
    found = corrected(verdicts(3_000, 5_000), calibration(270, 30, 240, 60), generator(1))
    rate, j = (0.6 + 0.8 - 1) / 0.7, 0.7
    by_hand = 0.6 * 0.4 / 4_999 + rate**2 * 0.9 * 0.1 / 300 + (1 - rate) ** 2 * 0.8 * 0.2 / 300
    assert found.standard_error == pytest.approx(math.sqrt(by_hand) / j)
    assert found.interval.high - found.interval.low == pytest.approx(
        2 * 1.96 * found.standard_error, rel=0.03
    )


def test_more_verdicts_do_not_take_the_labels_doubt_away():
    few = calibration(27, 3, 24, 6)
    wide = corrected(verdicts(600, 1_000), few, generator(1)).interval
    still = corrected(verdicts(60_000, 100_000), few, generator(1)).interval
    assert still.high - still.low > 0.85 * (wide.high - wide.low)


@pytest.mark.parametrize(
    ("labels", "reason"),
    [
        ((20, 5, 0, 0), "no labelled sample is a fail"),
        ((0, 0, 20, 5), "no labelled sample is a pass"),
        (
            (9, 1, 2, 8),
            "the judge tells pass from fail too badly: sensitivity + specificity - 1 is 0.10, -",
        ),
        ((5_300, 4_700, 5_200, 4_800), "too badly: sensitivity + specificity - 1 is 0.05, 0.0"),
        ((1, 9, 1, 9), "too badly: sensitivity + specificity - 1 is -0.80"),
    ],
)
def test_a_judge_that_does_not_tell_right_from_wrong_is_not_corrected(labels, reason):
    found = corrected(verdicts(60, 100), calibration(*labels), generator(1))
    assert (found.rate, found.interval, found.standard_error) == (None, None, None)
    assert reason in found.reason


def test_scores_that_are_neither_pass_nor_fail_are_not_corrected():
    found = corrected([1, 0.5, 0], calibration(30, 3, 30, 3), generator(1))
    assert (found.rate, found.reason) == (None, "some verdicts are neither pass nor fail")


def test_clusters_widen_the_interval_and_one_gives_none():
    labels, rows = calibration(90, 10, 80, 20), [1] * 300 + [0] * 200
    plain = corrected(rows, labels, generator(1)).interval
    wide = corrected(rows, labels, generator(1), [at // 25 for at in range(500)]).interval
    assert wide.high - wide.low > 2 * (plain.high - plain.low)
    level = corrected([1, 0] * 50, labels, generator(1), [at // 10 for at in range(100)]).interval
    assert level.high - level.low > 0.4
    assert "one group" in corrected(rows, labels, generator(1), ["a"] * 500).reason
    with pytest.raises(Ungradable):
        corrected([1, 0], labels, generator(1), ["a", None])


@settings(max_examples=60)
@given(passed=st.integers(0, 40), labels=st.tuples(*[st.integers(0, 40)] * 4))
def test_a_corrected_rate_lies_in_its_interval_and_in_0_to_1(passed, labels):
    found = corrected(verdicts(passed, 40), calibration(*labels), generator(1))
    assert (found.rate is None) == (found.interval is None) == (found.reason is not None)
    if found.interval is not None:
        assert 0 <= found.interval.low <= found.rate <= found.interval.high <= 1
        other = corrected(verdicts(passed, 40)[::-1], calibration(*labels), generator(1)).interval
        assert (other.low, other.high) == (
            pytest.approx(found.interval.low),
            pytest.approx(found.interval.high),
        )


@pytest.mark.parametrize(
    ("rate", "sensitivity", "specificity", "labels"),
    # The second is a small judge that passes nearly half of what is wrong, with labels for an hour's work.
    [(0.6, 0.9, 0.7, 100), (0.64, 0.996, 0.553, 60)],
)
def test_the_corrected_interval_covers_as_often_as_it_says(rate, sensitivity, specificity, labels):
    rng, draws, held, naive = generator(3), 400, 0, 0
    for _ in range(draws):
        known, truth = rng.random(labels) < rate, rng.random(500) < rate
        measured = confusion(graded(rng, known, sensitivity, specificity), known)
        found = corrected(graded(rng, truth, sensitivity, specificity).astype(float), measured, rng)
        held += found.interval is not None and found.interval.holds(rate)
        naive += found.judged.interval.holds(rate)
    assert 0.917 <= held / draws <= 0.983
    assert naive / draws < 0.7
