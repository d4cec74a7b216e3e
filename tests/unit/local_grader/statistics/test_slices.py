import pytest

from local_grader.statistics.libraries import generator
from local_grader.statistics.slices import by_slice


def test_the_p_values_are_adjusted_by_benjamini_and_hochbergs_rule():
    a, b, slices = {}, {}, {}
    # Slice k has k pairs that only b gets right: the exact p value is 2 ** (1 - k).
    for k in (5, 6, 7, 8, 9):
        for at in range(12):
            name = f"{k}-{at}"
            a[name], b[name], slices[name] = 0, float(at < k), f"slice {k}"
    found = by_slice(a, b, slices, None, generator(1))
    p_values = [2.0 ** (1 - k) for k in (9, 8, 7, 6, 5)]
    adjusted = [p * 5 / rank for rank, p in enumerate(p_values, start=1)]
    by_hand = [min(adjusted[at:]) for at in range(5)]
    assert list(found) == ["slice 5", "slice 6", "slice 7", "slice 8", "slice 9"]
    assert [found[f"slice {k}"].adjusted for k in (9, 8, 7, 6, 5)] == pytest.approx(by_hand)
    assert [found[f"slice {k}"].is_real for k in (5, 6, 7, 8, 9)] == [False, True, True, True, True]


def test_one_chance_finding_among_many_slices_is_not_called_real():
    a, b, slices = {}, {}, {}
    for number in range(20):
        for at in range(20):
            name = f"{number}-{at}"
            a[name], b[name] = float(at % 2), float(at % 2)
            slices[name] = f"slice {number:02}"
    for at in range(0, 12, 2):
        b[f"7-{at}"] = 1.0
    found = by_slice(a, b, slices, None, generator(1))
    assert found["slice 07"].comparison.is_real and not found["slice 07"].is_real


def test_a_slice_without_shared_samples_or_evidence_has_no_adjusted_p_value():
    found = by_slice(
        {"x": 0.5, "y": 1, "z": 1}, {"x": 0.7, "z": 0}, {"x": "one", "y": "two"}, None, generator(1)
    )
    assert list(found) == ["one"]
    assert (found["one"].adjusted, found["one"].is_real) == (None, False)
