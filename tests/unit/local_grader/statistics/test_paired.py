import math
from itertools import product
from statistics import mean, stdev

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from local_grader.errors import Ungradable
from local_grader.statistics.clusters import ROUNDING
from local_grader.statistics.libraries import generator
from local_grader.statistics.paired import Counts, compare

EXTRA_A = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0]
EXTRA_B = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]
"""Hours of sleep gained under two drugs by the same ten people: Cushny and Peebles, Student 1908, R's ``sleep``."""

runs = st.dictionaries(
    st.integers(0, 60).map(str),
    st.tuples(st.sampled_from([0.0, 1.0]), st.sampled_from([0.0, 1.0]), st.integers(0, 5)),
    min_size=1,
)


def named(values):
    return {f"s{at}": value for at, value in enumerate(values)}


def table(both, only_a, only_b, neither):
    a = [1.0] * (both + only_a) + [0.0] * (only_b + neither)
    b = [1.0] * both + [0.0] * only_a + [1.0] * only_b + [0.0] * neither
    return named(a), named(b)


def sleep():
    return named([(x + 2) / 10 for x in EXTRA_A]), named([(x + 2) / 10 for x in EXTRA_B])


def test_few_discordant_pairs_have_the_published_exact_p_value():
    # Bentur and others 2009, in Fagerland, Lydersen and Laake, BMC Medical Research Methodology 13:91 (2013): 21 children, exact
    # conditional McNemar test p = 0.070. By hand: 2 * (1 + 8) / 2 ** 8.
    found = compare(*table(1, 1, 7, 12), None, generator(1))
    assert (found.test, found.p_value) == ("exact McNemar", pytest.approx(2 * 9 / 2**8))
    assert found.p_value == pytest.approx(0.0703, abs=5e-5)
    assert found.counts == Counts(both=1, only_a=1, only_b=7, neither=12)
    assert not found.is_real


def test_many_pairs_have_the_published_difference_and_interval():
    # Agresti, Categorical Data Analysis, 2nd edition, table 10.1: 0.59 and 0.55, -0.04, interval -0.06 to -0.02, z = -4.17.
    found = compare(*table(794, 150, 86, 570), None, generator(1))
    assert (found.a.mean, found.b.mean) == (0.59, 0.55)
    assert found.standard_error == pytest.approx(0.0095, abs=1e-4)
    assert (found.interval.low, found.interval.high) == (
        pytest.approx(-0.06, abs=5e-3),
        pytest.approx(-0.02, abs=5e-3),
    )
    # The exact p value is close to that of z: 3.0e-5.
    assert found.p_value == pytest.approx(3.7e-5, abs=1e-5) and found.is_real


def test_clusters_of_one_give_the_published_paired_t_interval():
    a, b = sleep()
    found = compare(a, b, {name: name for name in a}, generator(1))
    # R: t.test(sleep$extra[11:20], sleep$extra[1:10], paired = TRUE): 1.58, 0.7001142 to 2.4598858.
    assert 10 * found.difference == pytest.approx(1.58)
    assert 10 * found.interval.low == pytest.approx(0.7001142, abs=1e-6)
    assert 10 * found.interval.high == pytest.approx(2.4598858, abs=1e-6)
    assert found.clustered_error == pytest.approx(found.standard_error)


def test_shares_are_tested_by_all_permutations_of_their_pairs():
    found = compare(*sleep(), None, generator(1))
    differences = [b - a for a, b in zip(EXTRA_A, EXTRA_B, strict=True)]
    observed = abs(sum(differences)) - ROUNDING
    sums = [
        abs(sum(s * d for s, d in zip(signs, differences, strict=True)))
        for signs in product((1, -1), repeat=10)
    ]
    assert found.p_value == pytest.approx(sum(one >= observed for one in sums) / 2**10)
    assert (found.test, found.counts) == ("a permutation of pairs", None)
    # Ten pairs are too few to be resampled: a bootstrap of them holds the truth too seldom.
    assert found.interval.method == "Agresti-Min" and found.is_real
    many = compare(named(tripled(0)), named(tripled(1)), None, generator(1))
    assert many.interval.method == "BCa bootstrap" and many.is_real


def tripled(side):
    return [value for value in sleep()[side].values() for _ in range(3)]


def test_whole_clusters_are_permuted():
    a, b = table(10, 0, 20, 10)
    clusters = {name: at // 10 for at, name in enumerate(a)}
    found = compare(a, b, clusters, generator(1))
    # Two of four clusters changed, both for the better: half of the four ways to flip them are as far from 0.
    assert (found.test, found.p_value) == ("a permutation of whole groups", 0.5)
    assert not found.is_real
    assert compare(a, b, None, generator(1)).is_real


def test_the_clustered_error_is_the_sandwich_estimator_of_the_differences():
    a, b = table(6, 3, 9, 5)
    clusters = {name: at % 5 for at, name in enumerate(a)}
    differences = {name: b[name] - a[name] for name in a}
    middle = mean(differences.values())
    sums = [sum(differences[n] - middle for n in a if clusters[n] == c) for c in range(5)]
    found = compare(a, b, clusters, generator(1))
    assert found.clustered_error == pytest.approx(math.sqrt(5 / 4 * sum(s**2 for s in sums)) / len(a))
    assert found.standard_error == pytest.approx(stdev(differences.values()) / math.sqrt(len(a)))
    assert found.difference == pytest.approx(middle)


@settings(max_examples=50)
@given(rows=runs, seed=st.randoms(), grouped=st.booleans())
def test_the_order_of_samples_changes_nothing_and_swapping_runs_only_the_sign(rows, seed, grouped):
    names = list(rows)
    seed.shuffle(names)
    a, b = {n: rows[n][0] for n in rows}, {n: rows[n][1] for n in rows}
    clusters = {n: rows[n][2] for n in rows} if grouped else None
    found = compare(a, b, clusters, generator(1))
    assert compare({n: a[n] for n in names}, {n: b[n] for n in names}, clusters, generator(1)) == found
    other = compare(b, a, clusters, generator(1))
    assert other.difference == -found.difference and other.p_value == pytest.approx(found.p_value)
    assert (other.is_real, other.needed) == (
        found.is_real,
        pytest.approx(found.needed, abs=1) if found.needed else None,
    )
    if found.interval:
        assert found.interval.low - ROUNDING <= found.difference <= found.interval.high + ROUNDING
        assert other.interval.low == pytest.approx(-found.interval.high, abs=1e-12)


def test_the_rounding_of_sums_is_no_difference():
    found = compare(named([0.1 + 0.2] * 40), named([0.3] * 40), None, generator(1))
    assert (found.difference, found.p_value, found.is_real) == (0, 1, False)


@pytest.mark.parametrize("clusters", [None, {f"s{at}": at // 2 for at in range(12)}])
def test_equal_differences_are_real_but_not_known_exactly(clusters):
    found = compare(named([0.5] * 12), named([0.6] * 12), clusters, generator(1))
    assert found.is_real and found.interval.low < 0.095 and found.interval.high > 0.1
    same = compare(named([0.5] * 12), named([0.5] * 12), clusters, generator(1))
    assert not same.is_real and same.interval.low < -0.1 and same.interval.high > 0.1


def test_the_interval_of_few_shares_holds_the_difference_often_enough():
    rng, draws, held = generator(7), 400, 0
    for _ in range(draws):
        b = rng.choice([0.5, 0.75, 1.0, 0.25], p=[0.6, 0.2, 0.1, 0.1], size=10)
        held += compare(named([0.5] * 10), named(b), None, rng).interval.holds(0.075)
    # Three standard errors below 0.95.
    assert held / draws >= 0.917


def test_only_shared_samples_are_compared():
    found = compare({"x": 1, "y": 0, "z": 1}, {"y": 1, "z": 1, "w": 0, "v": 0}, None, generator(1))
    assert (found.n, found.only_in_a, found.only_in_b, found.a.mean, found.b.mean) == (2, 1, 2, 0.5, 1.0)


def test_runs_without_a_common_sample_are_refused():
    with pytest.raises(Ungradable, match="no graded sample in common"):
        compare({"x": 1}, {"y": 1}, None, generator(1))


def test_a_shared_sample_without_a_cluster_is_refused():
    with pytest.raises(Ungradable, match="1 of 2 samples name no group"):
        compare({"x": 1, "y": 1}, {"x": 1, "y": 0}, {"x": "c"}, generator(1))


def test_the_same_grades_differ_by_nothing_though_not_for_certain():
    a, _ = table(30, 0, 0, 10)
    for clusters in (None, {name: at // 4 for at, name in enumerate(a)}):
        found = compare(a, a, clusters, generator(1))
        assert (found.difference, found.p_value, found.is_real, found.needed) == (0, 1, False, None)
        assert found.interval.low < -0.01 and found.interval.high > 0.01
        assert found.detectable > 0.02


def test_too_little_to_tell_from_is_none():
    one = compare({"x": 0.3}, {"x": 0.9}, None, generator(1))
    assert (one.interval, one.p_value, one.test, one.is_real, one.detectable, one.needed) == (
        None,
        None,
        "",
        False,
        None,
        None,
    )
    a, b = table(0, 0, 30, 0)
    single = compare(a, b, dict.fromkeys(a, "c"), generator(1))
    assert (single.interval, single.p_value, single.is_real) == (None, None, False)


def test_very_many_pairs_are_not_resampled():
    rng = generator(1)
    a, b = named(rng.uniform(0, 0.9, size=6_000)), {}
    b = {name: value + 0.1 * rng.random() for name, value in a.items()}
    found = compare(a, b, None, rng)
    assert (found.test, found.interval.method) == ("a paired t-test", "t") and found.p_value < 1e-9
    found = compare(a, b, {name: name for name in a}, rng)
    assert (found.test, found.interval.method) == ("a t-test over groups", "t")


def test_a_difference_that_is_not_there_is_called_real_as_seldom_as_promised():
    rng, draws, plain, clustered = generator(5), 150, 0, 0
    names = [f"s{at}" for at in range(160)]
    clusters = {name: at // 8 for at, name in enumerate(names)}
    for _ in range(draws):
        # Each run is better at some articles and worse at others; over all articles they are level.
        easy_a, easy_b = rng.beta(1, 1, size=20).repeat(8), rng.beta(1, 1, size=20).repeat(8)
        a = dict(zip(names, (rng.random(160) < easy_a).astype(float), strict=True))
        b = dict(zip(names, (rng.random(160) < easy_b).astype(float), strict=True))
        plain += compare(a, b, None, rng).is_real
        clustered += compare(a, b, clusters, rng).is_real
    # Three standard errors above 0.05 in 150 draws.
    assert clustered / draws <= 0.105
    assert plain / draws > 0.15
