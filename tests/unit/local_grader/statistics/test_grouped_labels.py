"""Labels that share groups: what they tell of a judge is told as surely as they tell it, and no surer."""

import pytest

from local_grader.statistics.agreement import confusion, kappa
from local_grader.statistics.correction import corrected, worth
from local_grader.statistics.libraries import generator
from local_grader.statistics.rates import rate

RIGHT, SENSITIVITY, SPECIFICITY = 0.6, 0.9, 0.75


def labelled(rng, groups, each, alike, rates=(RIGHT, SENSITIVITY, SPECIFICITY)):
    """Verdicts, labels and groups, where each group has rates of its own; ``alike`` is their correlation within a group."""
    size = 1 / alike - 1
    right, passed, failed = (rng.beta(p * size, (1 - p) * size, groups).repeat(each) for p in rates)
    labels, chance = rng.random(groups * each) < right, rng.random(groups * each)
    judge = (labels & (chance < passed)) | (~labels & (chance > failed))
    return judge.tolist(), labels.tolist(), [at // each for at in range(groups * each)]


def test_samples_alone_in_their_groups_have_the_error_of_independent_ones():
    rng = generator(1)
    first, second = (rng.integers(0, 3, 80).tolist() for _ in range(2))
    second[:50] = first[:50]
    plain, alone = kappa(first, second), kappa(first, second, range(80))
    # Fleiss, Cohen and Everitt's error, but for the small-sample factor of clusters.
    assert alone.standard_error == pytest.approx(plain.standard_error * (80 / 79) ** 0.5)
    assert (alone.kappa, alone.clusters, plain.clusters) == (plain.kappa, 80, None)


def test_samples_that_repeat_another_add_nothing():
    rng = generator(2)
    judge, labels, _ = labelled(rng, 40, 1, 0.01)
    once = kappa(judge, labels, range(40))
    repeated = kappa(judge * 5, labels * 5, [*range(40)] * 5)
    assert repeated.standard_error == pytest.approx(once.standard_error)
    assert kappa(judge * 5, labels * 5).standard_error < 0.5 * once.standard_error


def test_full_agreement_in_a_few_groups_is_no_certainty():
    verdicts = [True, False] * 50
    found = kappa(verdicts, verdicts, [at // 10 for at in range(100)])
    assert (found.kappa, found.standard_error, found.interval.high) == (1.0, None, 1.0)
    assert found.interval.low < kappa(verdicts, verdicts).interval.low - 0.2
    assert kappa(verdicts, verdicts, ["one"] * 100).interval is None


def test_sensitivity_counts_groups_only_where_its_own_samples_share_some():
    judge, labels = [True, False, True, False], [True, True, False, False]
    assert confusion(judge, labels, "abcc").sensitivity.clusters is None
    found = confusion(judge, labels, "aabc")
    assert (found.sensitivity.clusters, found.specificity.clusters) == (1, None)
    assert found.sensitivity.trusted is None
    refused = corrected([1, 0], confusion(judge * 9, labels * 9, "aabc" * 9), generator(1))
    assert refused.rate is None and "all labels of a pass are of one group" in refused.reason


def test_grouped_labels_are_worth_as_many_as_they_tell():
    alike = rate([1.0] * 50 + [0.0] * 50, [at // 5 for at in range(100)])
    assert worth(rate([1.0, 0.0] * 50)) == 100
    assert 15 < worth(alike) < 20  # 20 groups, each of one mind, whose spread is seen in 20 only
    assert worth(rate([1.0] * 100, [at // 5 for at in range(100)])) == 20
    assert worth(rate([1.0, 0.0] * 50, [at // 2 % 10 for at in range(100)])) == 10


@pytest.mark.parametrize(("groups", "each", "alike"), [(10, 10, 0.1), (30, 5, 0.3)])
def test_the_interval_of_kappa_covers_as_often_as_it_says_in_groups(groups, each, alike):
    rng, draws, plain, grouped = generator(3), 400, 0, 0
    truth = kappa(*labelled(rng, 20_000, 10, alike)[:2]).kappa
    for _ in range(draws):
        judge, labels, names = labelled(rng, groups, each, alike)
        plain += kappa(judge, labels).interval.holds(truth)
        grouped += kappa(judge, labels, names).interval.holds(truth)
    # Three standard errors of a coverage of 0.95 in 400 draws are 0.033.
    assert 0.917 <= grouped / draws <= 0.983
    assert plain / draws < 0.917


@pytest.mark.parametrize(("groups", "each", "alike"), [(12, 8, 0.3), (20, 5, 0.3)])
def test_the_corrected_interval_covers_as_often_as_it_says_in_groups(groups, each, alike):
    rng, draws, plain, grouped = generator(4), 250, 0, 0
    for _ in range(draws):
        judge, labels, names = labelled(rng, groups, each, alike)
        verdicts, _, clusters = labelled(rng, 60, 8, alike)
        for known in (None, names):
            found = corrected(map(float, verdicts), confusion(judge, labels, known), rng, clusters)
            held = found.interval is not None and found.interval.holds(RIGHT)
            plain, grouped = plain + (held and known is None), grouped + (held and known is not None)
    # Three standard errors of a coverage of 0.95 in 250 draws are 0.041.
    assert 0.909 <= grouped / draws <= 0.991
    assert plain / draws < 0.909
