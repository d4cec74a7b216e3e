import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local_grader.statistics.agreement import alpha, confusion, kappa, pairwise
from local_grader.statistics.libraries import generator

pairs = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("abc")), min_size=1, max_size=60)
panels = st.dictionaries(
    st.sampled_from(["j1", "j2", "j3"]),
    st.dictionaries(st.integers(0, 8).map(str), st.sampled_from("ab")),
    min_size=2,
)


def graders(table):
    """Verdicts of two graders whose cross table is ``table``."""
    cells = [
        (row, column) for row, counts in enumerate(table) for column, n in enumerate(counts) for _ in range(n)
    ]
    return [row for row, _ in cells], [column for _, column in cells]


def panel(*judges):
    """From rows of one verdict a sample; a dot stands for none."""
    return {
        f"j{row}": {str(at): int(verdict) for at, verdict in enumerate(verdicts) if verdict != "."}
        for row, verdicts in enumerate(judges)
    }


FOUR = panel("123321412...", "1233224125.3", ".3332342251.", "12332441251.")
"""Four observers, twelve units: Krippendorff, Computing Krippendorff's alpha-reliability (2011), section C."""

THREE = panel(".....34121133.3", "1.213343.......", "..21344.21133.4")
"""Three coders, fifteen units: the table of the encyclopaedia's article on Krippendorff's alpha."""


@pytest.mark.parametrize(
    ("table", "value", "error"),
    [
        # Agresti, Categorical Data Analysis, 2nd edition, section 10.5.4: two pathologists on carcinoma of 118 women.
        ([[22, 2, 2, 0], [5, 7, 14, 0], [0, 2, 36, 0], [0, 1, 17, 10]], 0.493, 0.057),
        # Fleiss, Levin and Paik, Statistical Methods for Rates and Proportions, table 18.1: two raters, 100 subjects.
        ([[75, 1, 4], [5, 4, 1], [0, 0, 10]], 0.676, 0.088),
    ],
)
def test_kappa_has_the_published_value_and_error(table, value, error):
    found = kappa(*graders(table))
    assert (found.kappa, found.standard_error) == (
        pytest.approx(value, abs=5e-4),
        pytest.approx(error, abs=5e-4),
    )
    assert found.interval.low == pytest.approx(found.kappa - 1.959964 * found.standard_error)
    assert found.interval.high == pytest.approx(found.kappa + 1.959964 * found.standard_error)


@given(rows=pairs)
def test_kappa_is_what_its_definition_says_and_lies_in_its_interval(rows):
    first, second = zip(*rows, strict=True)
    found = kappa(first, second)
    n = len(rows)
    by_chance = sum(first.count(v) * second.count(v) for v in "abc") / n**2
    assert found.agreement == pytest.approx(sum(x == y for x, y in rows) / n)
    if found.kappa is None:
        assert by_chance == 1
    else:
        assert found.kappa == pytest.approx((found.agreement - by_chance) / (1 - by_chance), abs=1e-9)
        other = kappa(second, first)
        assert other.kappa == pytest.approx(found.kappa)
        if 1 in (len(set(first)), len(set(second))):
            assert found.interval is None and other.interval is None
            return
        assert (
            -1 <= found.interval.low <= found.kappa + 1e-12
            and found.kappa - 1e-12 <= found.interval.high <= 1
        )
        assert found.interval.low < found.interval.high
        assert other.interval.low == pytest.approx(found.interval.low)


def test_full_agreement_on_few_samples_is_no_certainty():
    found = kappa(*graders([[10, 0], [0, 10]]))
    assert (found.kappa, found.standard_error, found.interval.high) == (1.0, None, 1.0)
    # Wilson's lower end for 20 of 20 is 0.8389; half of the agreement is chance.
    assert found.interval.low == pytest.approx(2 * 0.8389 - 1, abs=1e-4)


def test_a_judge_that_always_passes_agrees_by_chance_alone():
    found = kappa([1] * 10, [1] * 6 + [0] * 4)
    assert found.kappa == pytest.approx(0) and found.interval is None


def test_one_verdict_for_everything_shows_nothing():
    found = kappa([1, 1], [1, 1])
    assert (found.agreement, found.kappa, found.interval) == (1, None, None)


def test_no_verdicts_or_unequal_numbers_of_them_are_refused():
    with pytest.raises(ValueError):
        kappa([], [])
    with pytest.raises(ValueError):
        kappa([1], [1, 0])


def test_the_interval_of_kappa_covers_as_often_as_it_says():
    rng, draws, held = generator(2), 400, 0
    # Both graders say pass half of the time and agree on 80 %: kappa is 0.6.
    for _ in range(draws):
        cells = rng.choice(4, size=100, p=[0.4, 0.1, 0.1, 0.4])
        held += kappa((cells < 2).tolist(), (cells % 2 == 0).tolist()).interval.holds(0.6)
    assert 0.91 <= held / draws <= 0.985


def test_a_confusion_counts_passes_and_fails_by_label():
    found = confusion([True, True, False, False, True], [True, False, True, False, True])
    assert (found.true_pass, found.false_pass, found.false_fail, found.true_fail, found.n) == (2, 1, 1, 1, 5)
    assert (found.sensitivity.mean, found.specificity.mean) == (pytest.approx(2 / 3), 0.5)
    assert (found.sensitivity.n, found.specificity.interval.method) == (3, "Wilson")


def test_labels_of_one_kind_leave_the_other_rate_unknown():
    assert confusion([True, False], [True, True]).specificity is None
    assert confusion([True, False], [False, False]).sensitivity is None
    assert confusion([], []).n == 0


@pytest.mark.parametrize(
    ("verdicts", "level", "value"),
    [
        (FOUR, "nominal", 0.743),
        (FOUR, "ordinal", 0.815),
        (FOUR, "interval", 0.849),
        (FOUR, "ratio", 0.797),
        (THREE, "nominal", 0.691),
        (THREE, "interval", 0.811),
    ],
)
def test_alpha_has_the_published_value_with_verdicts_missing(verdicts, level, value):
    assert alpha(verdicts, level) == pytest.approx(value, abs=5e-4)


@given(verdicts=panels)
def test_nominal_alpha_is_what_its_definition_says(verdicts):
    samples = {sample for given in verdicts.values() for sample in given}
    units = [[given[sample] for given in verdicts.values() if sample in given] for sample in sorted(samples)]
    units = [unit for unit in units if len(unit) > 1]
    values = [verdict for unit in units for verdict in unit]
    found = alpha(verdicts)
    if len(set(values)) < 2:
        assert found is None
        return
    n = len(values)
    unlike = sum(x != y for x in values for y in values) / (n * (n - 1))
    observed = sum(sum(x != y for x in unit for y in unit) / (len(unit) - 1) for unit in units) / n
    assert found == pytest.approx(1 - observed / unlike, abs=1e-9)
    renamed = {
        judge: {i: {"a": "pass", "b": "fail"}[v] for i, v in given.items()}
        for judge, given in verdicts.items()
    }
    assert alpha(renamed) == pytest.approx(found, abs=1e-9)


def test_alpha_of_judges_who_share_no_sample_is_none():
    assert alpha({"x": {"1": "pass"}, "y": {"2": "fail"}}) is None
    assert alpha({}) is None


def test_each_two_judges_are_compared_on_what_both_graded():
    found = pairwise({"c": {"1": "p", "2": "f", "3": "p"}, "a": {"1": "p", "2": "p"}, "b": {"9": "p"}})
    assert [(pair.first, pair.second) for pair in found] == [("a", "b"), ("a", "c"), ("b", "c")]
    assert (found[0].kappa, found[1].kappa.n, found[1].kappa.agreement) == (None, 2, 0.5)
    assert not math.isnan(found[1].kappa.kappa)
