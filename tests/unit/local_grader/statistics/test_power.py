import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local_grader.statistics import power
from local_grader.statistics.libraries import generator
from local_grader.statistics.paired import compare


def test_two_separate_runs_need_the_published_number_of_samples():
    # R's manual of power.prop.test: p1 = .50, p2 = .75, power = .90 needs n = 76.7 in each group.
    assert power.needed(0.25, 0.5, power=0.9) == 77
    # Fleiss, Levin and Paik, Statistical Methods for Rates and Proportions, without continuity correction.
    assert power.needed(0.1, 0.6) == 356


def test_one_set_of_samples_for_both_runs_needs_what_connors_formula_says():
    # Connor 1987, by hand: 20 % discordant pairs, a difference of 10 points, 80 % power.
    by_hand = (1.959964 * math.sqrt(0.2) + 0.841621 * math.sqrt(0.2 - 0.01)) ** 2 / 0.01
    assert power.needed(0.1, 0.5, discordant=0.2) == math.ceil(by_hand) == 155


def test_pairs_of_scores_need_what_the_normal_formula_says():
    assert power.pairs(0.05, 0.3) == math.ceil(((1.959964 + 0.841621) * 0.3 / 0.05) ** 2)


def test_the_smallest_difference_that_can_be_found_has_the_published_value():
    # R: power.t.test(n = 20, sd = 1, power = 0.8, type = "paired") and Cohen 1988's tables say an effect of 0.66.
    assert power.detectable(1 / math.sqrt(100 * 20), 20) == pytest.approx(0.066, abs=5e-4)


@given(
    rate=st.floats(0.05, 0.95),
    difference=st.floats(0.01, 0.4),
    smaller=st.floats(0.1, 0.9),
    effect=st.floats(1, 5),
)
def test_a_smaller_difference_and_clusters_cost_samples(rate, difference, smaller, effect):
    difference = min(difference, 1 - rate)
    wanted = power.needed(difference, rate)
    assert power.needed(difference * smaller, rate) >= wanted
    assert power.needed(difference, rate, power=0.9) >= wanted
    assert power.needed(difference, rate, design_effect=effect) >= wanted
    assert power.needed(-difference, rate + difference) == pytest.approx(wanted, abs=1)


@pytest.mark.parametrize(
    ("difference", "rate", "discordant"),
    [(0, 0.5, None), (0.6, 0.5, None), (0.1, 1.2, None), (0.1, 0.5, 0.05), (0.1, 0.5, 1.5)],
)
def test_what_cannot_be_is_refused(difference, rate, discordant):
    with pytest.raises(ValueError):
        power.needed(difference, rate, discordant=discordant)


def test_too_few_units_find_nothing():
    assert power.detectable(0.1, 1) is None
    assert power.detectable(0.5, 4) is None


def test_so_many_pairs_find_the_difference_four_times_in_five():
    rng, n, found = generator(3), power.needed(0.1, 0.5, discordant=0.3), 0
    for _ in range(300):
        # 20 % of pairs only b gets right, 10 % only a.
        cells = rng.choice(4, size=n, p=[0.4, 0.1, 0.2, 0.3])
        a = {str(at): float(cell in (0, 1)) for at, cell in enumerate(cells)}
        b = {str(at): float(cell in (0, 2)) for at, cell in enumerate(cells)}
        found += compare(a, b, None, rng).is_real
    # The exact test is a little more careful than the formula.
    assert 0.7 <= found / 300 <= 0.87
