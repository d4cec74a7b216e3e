import math
from statistics import mean, stdev

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from local_grader.errors import Ungradable
from local_grader.statistics.libraries import generator
from local_grader.statistics.rates import bootstrap, rate

scores = st.lists(st.sampled_from([0.0, 0.25, 0.5, 1.0]), min_size=1, max_size=40)
grouped = st.lists(st.tuples(st.sampled_from([0.0, 0.5, 1.0]), st.integers(0, 6)), min_size=2, max_size=40)


def robust(values, clusters):
    """The sandwich estimator by hand: Liang and Zeger 1986, times C / (C - 1)."""
    middle, sums = mean(values), {}
    for value, name in zip(values, clusters, strict=True):
        sums[name] = sums.get(name, 0.0) + value - middle
    return math.sqrt(len(sums) / (len(sums) - 1) * sum(s**2 for s in sums.values())) / len(values)


def test_right_and_wrong_has_wilsons_interval():
    found = rate([1] * 81 + [0] * 182)
    assert found.binary and found.interval.method == "Wilson" and found.clusters is None
    assert (found.n, found.mean, found.trusted) == (263, 81 / 263, found.interval)
    assert (found.interval.low, found.interval.high) == (
        pytest.approx(0.2553, abs=5e-5),
        pytest.approx(0.3662, abs=5e-5),
    )


def test_shares_have_students_interval():
    # Student 1908 on Cushny and Peebles' hours of sleep (R: t.test of sleep's second group), moved into [0, 1].
    hours = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]
    found = rate([(hour + 2) / 10 for hour in hours])
    assert not found.binary and found.interval.method == "t"
    low, high = (10 * end - 2 for end in (found.interval.low, found.interval.high))
    # R: t = 3.6799 on 9 degrees of freedom, 0.8976775 to 3.7623225.
    assert (low, high) == (pytest.approx(0.8976775, abs=1e-6), pytest.approx(3.7623225, abs=1e-6))
    assert 2.33 / (10 * found.standard_error) == pytest.approx(3.6799, abs=5e-5)


def test_equal_values_are_no_certainty():
    for found in (rate([0.5] * 4).interval, rate([0.5] * 8, list("aabbccdd")).clustered_interval):
        assert (found.low, found.high) == pytest.approx(
            (0.1500390, 0.8499610)
        )  # R: prop.test(2, 4, correct = FALSE)


def test_one_sample_shows_no_spread():
    assert rate([0.5]).interval is None and rate([0.5]).standard_error is None
    assert rate([1]).interval.low == pytest.approx(0.2065, abs=1e-4)


@given(rows=grouped)
def test_the_clustered_error_is_the_sandwich_estimator(rows):
    values, clusters = zip(*rows, strict=True)
    assume(len(set(clusters)) > 1)
    found = rate(values, clusters)
    assert found.clustered_error == pytest.approx(robust(values, clusters), abs=1e-12)
    if found.standard_error:
        assert found.design_effect == pytest.approx((found.clustered_error / found.standard_error) ** 2)


def test_the_clustered_interval_has_one_degree_of_freedom_less_than_clusters():
    values, clusters = [1, 1, 0, 1, 0, 0, 1, 0, 1], list("aaabbbbcc")
    found = rate(values, clusters)
    # Student's t for 2 degrees of freedom is 4.303.
    assert found.clustered_interval.high == pytest.approx(min(1, 5 / 9 + 4.302653 * robust(values, clusters)))
    assert found.trusted == found.clustered_interval


@given(values=scores)
def test_clusters_of_one_change_no_standard_error(values):
    assume(len(values) > 1)
    found = rate(values, range(len(values)))
    assert found.clustered_error == pytest.approx(found.standard_error, abs=1e-12)
    assert found.clustered_error == pytest.approx(stdev(values) / math.sqrt(len(values)), abs=1e-12)


@given(values=scores, repeat=st.integers(2, 4))
def test_asking_the_same_thing_again_adds_no_certainty(values, repeat):
    assume(len(values) > 1)
    repeated = rate(values * repeat, list(range(len(values))) * repeat)
    assert repeated.clustered_error == pytest.approx(rate(values).standard_error, abs=1e-12)


@given(rows=grouped, seed=st.randoms())
def test_the_order_of_samples_changes_nothing(rows, seed):
    shuffled = list(rows)
    seed.shuffle(shuffled)
    one, other = (rate(*zip(*order, strict=True)) for order in (rows, shuffled))
    assert one.mean == pytest.approx(other.mean)
    assert one.clustered_error == pytest.approx(other.clustered_error, abs=1e-12)


@given(rows=grouped)
def test_every_interval_holds_the_rate_and_stays_in_0_to_1(rows):
    found = rate(*zip(*rows, strict=True))
    for interval in (found.interval, found.clustered_interval):
        if interval is not None:
            assert 0 <= interval.low <= found.mean + 1e-12 and found.mean - 1e-12 <= interval.high <= 1


def test_one_cluster_gives_no_interval_rather_than_a_false_one():
    found = rate([1, 0, 1], ["a", "a", "a"])
    assert (found.clusters, found.clustered_error, found.clustered_interval, found.trusted) == (
        1,
        None,
        None,
        None,
    )


@pytest.mark.parametrize("values", [[1] * 20, [1, 0] * 10, [0] * 20])
def test_clusters_that_are_all_alike_are_no_certainty(values):
    found = rate(values, [at // 2 for at in range(20)])
    assert found.clustered_error == 0
    assert found.clustered_interval.high - found.clustered_interval.low > 0.25


def test_a_sample_without_a_cluster_is_refused():
    with pytest.raises(Ungradable, match="1 of 3 samples name no group"):
        rate([1, 0, 1], ["a", None, "b"])


@pytest.mark.parametrize("values", [[], [0.5, 1.2], [float("nan")]])
def test_what_is_no_score_is_refused(values):
    with pytest.raises(ValueError):
        rate(values)


def test_clusters_for_other_samples_are_refused():
    with pytest.raises(ValueError, match="2 clusters for 3 samples"):
        rate([1, 0, 1], ["a", "b"])


def test_the_bootstrap_agrees_with_the_formula_on_many_samples():
    values = [1.0] * 330 + [0.5] * 70 + [0.0] * 200
    found, formula = bootstrap(values, generator(1)), rate(values).interval
    assert found.method == "BCa bootstrap"
    assert (found.low, found.high) == (
        pytest.approx(formula.low, abs=0.004),
        pytest.approx(formula.high, abs=0.004),
    )


def test_the_bootstrap_draws_whole_clusters():
    values, clusters = [1.0] * 300 + [0.0] * 300, [at // 20 for at in range(600)]
    found, formula = bootstrap(values, generator(1), clusters), rate(values, clusters)
    assert found.high - found.low > 3 * (formula.interval.high - formula.interval.low)
    assert found.low == pytest.approx(formula.clustered_interval.low, abs=0.04)


def test_many_units_are_drawn_without_acceleration():
    assert bootstrap([1, 0] * 600, generator(1)).method == "percentile bootstrap"


@settings(max_examples=30)
@given(rows=grouped, seed=st.randoms())
def test_the_bootstrap_is_repeatable_in_any_order(rows, seed):
    shuffled = list(rows)
    seed.shuffle(shuffled)
    values, clusters = zip(*rows, strict=True)
    found = bootstrap(values, generator(5), clusters)
    other = bootstrap([v for v, _ in shuffled], generator(5), [c for _, c in shuffled])
    if found is None:
        assert other is None
    else:
        assert (found.low, found.high) == (pytest.approx(other.low), pytest.approx(other.high))
        assert 0 <= found.low <= mean(values) + 1e-12 and mean(values) - 1e-12 <= found.high <= 1


def test_a_bootstrap_of_equal_values_says_nothing():
    assert bootstrap([1, 1, 1], generator(1)) is None
    assert bootstrap([0.1, 0.1, 0.1, 0.1], generator(1), "aaab") is None


def test_the_clustered_interval_covers_as_often_as_it_says():
    rng, draws, plain, clustered = generator(11), 400, 0, 0
    for _ in range(draws):
        easy = rng.beta(2, 2, size=30).repeat(8)
        found = rate((rng.random(240) < easy).astype(float), [at // 8 for at in range(240)])
        plain += found.interval.holds(0.5)
        clustered += found.clustered_interval.holds(0.5)
    # Three standard errors of a coverage of 0.95 in 400 draws are 0.033.
    assert 0.917 <= clustered / draws <= 0.983
    assert plain / draws < 0.9
