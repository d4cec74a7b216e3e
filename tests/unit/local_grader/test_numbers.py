import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local_grader import numbers

FINITE = st.decimals(allow_nan=False, allow_infinity=False, places=6, min_value=-(10**12), max_value=10**12)


def only(text):
    (number,) = numbers.find(text)
    return number


@pytest.mark.parametrize(
    "form", ["{}", "{:,}", "${:,}", "It is {:,}.", "({:f})", "x={}", "{} kg", "**{}**", "{:.20e}"]
)
@given(value=FINITE)
def test_a_number_in_any_form_is_read_back_equal(form, value):
    assert only(form.format(value)).value == Fraction(value)


@given(value=FINITE)
def test_a_typographic_minus_is_a_minus(value):
    assert only(f"{value:f}".replace("-", "\u2212")).value == Fraction(value)


@given(value=st.integers(0, 10**15))
@pytest.mark.parametrize("mark", ["'", "\u2019", "\u00a0", "\u2009", "\u202f"])
def test_thousands_may_be_grouped_by_apostrophes_and_thin_spaces(mark, value):
    assert only(f"{value:,}".replace(",", mark)).value == value


@given(above=st.integers(0, 10**6), below=st.integers(1, 10**6))
def test_a_fraction_is_exact(above, below):
    assert only(f"so {above}/{below} of it").value == Fraction(above, below)


@given(value=st.floats(allow_nan=False, allow_infinity=False))
def test_a_float_means_its_shortest_decimal(value):
    (number,) = numbers.exact(value)
    assert float(number.value) == value
    assert number == only(repr(value))


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("6.02 x 10^23", [602 * 10**21]),
        ("1.5×10^{-3}", [Fraction(3, 2000)]),
        ("2 * 10**3", [2000]),
        ("-$5", [-5]),
        ("$-5", [-5]),
        ("10-20", [10, 20]),
        ("1, 2, 23", [1, 2, 23]),
        ("H2O and v1.2.3 and GPT-4", [4]),
        ("1/0", []),
        ("no number", []),
        ("", []),
        ("1e999999999", []),
        ("9" * 5000, []),
        ("1/" + "9" * 5000, []),
        (".5", [Fraction(1, 2)]),
        ("It was 1984.", [1984]),
    ],
)
def test_what_is_found_in_a_text(text, values):
    assert [number.value for number in numbers.find(text)] == values


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, True, None, [1], {"a": 1}])
def test_no_number_is_found_in_what_is_none(value):
    assert numbers.exact(value) == []


@given(st.text(alphabet="0123456789.,'eE+-−/%$ x^{}10", max_size=80))
def test_any_text_is_read_without_failing_and_its_last_number_is_the_last_found(text):
    assert [numbers.last(text)] == (numbers.find(text)[-1:] or [None])


def test_a_percent_sign_on_one_side_may_mean_either_scale():
    percent, share, points = only("75%"), only("0.75"), only("75")
    assert numbers.equal(percent, share, 0, 0) and numbers.equal(percent, points, 0, 0)
    assert numbers.equal(share, percent, 0, 0) and numbers.equal(points, percent, 0, 0)
    assert not numbers.equal(share, points, 0, 0)
    assert not numbers.equal(only("0.75%"), percent, 0, 0)


def test_either_tolerance_is_enough_and_its_edge_is_inside():
    assert numbers.equal(only("101"), only("100"), 1, 0)
    assert numbers.equal(only("101"), only("100"), 0, 0.01)
    assert not numbers.equal(only("101.01"), only("100"), 1, 0.01)
