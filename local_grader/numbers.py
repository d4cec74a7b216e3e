"""Finds numbers in text as people and models write them, exactly.

Understood: ``1,234.5`` (a comma, an apostrophe or a thin space groups thousands and is never a decimal sign),
``-3``, ``−3``, ``$5``, ``.5``, ``6.02e23``, ``6.02 x 10^23``, ``3/4``, ``75%``. Fractions keep the value exact, so
that a tolerance is the only thing that can make two different numbers equal.
"""

import re
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

_MOST_DIGITS = 400
_LARGEST_EXPONENT = 400
_LONGEST_TEXT = 200_000

_NUMBER = re.compile(
    r"""
    (?<![\w.,/])                                     # not inside a word, a version or a longer number
    (?P<sign>[-+\u2212]?) [$€£¥]? (?P<sign2>[-+\u2212]?)
    (?P<value> (?: \d{1,3}(?:[,'\u2019\u00a0\u2009\u202f]\d{3})+(?!\d) | \d+ ) (?:\.\d+)? | \.\d+ )
    (?: [eE](?P<e>[-+\u2212]?\d{1,9}) | \ ?(?:[x×*]|\\times)\ ?10(?:\^|\*\*)\{?(?P<power>[-+\u2212]?\d{1,9})\}? )?
    (?: \ ?/\ ?(?P<below>\d+)(?![\d/]) )?
    (?P<percent>\ ?%)?
    """,
    re.VERBOSE | re.ASCII,
)
_WHOLE = re.compile(r"\d+|\d{1,3}(?:,\d{3})+", re.ASCII)
_MINUS = ("-", "\u2212")
_GROUPING = str.maketrans("", "", ",'\u2019\u00a0\u2009\u202f")


class Number(NamedTuple):
    """``value`` leaves a percent sign out: ``75%`` is 75 with ``percent`` set."""

    value: Fraction
    percent: bool


def find(text: str) -> list[Number]:
    """Every number in the text, first one first. Of a very long text only the end is looked at."""
    found = map(_number, _NUMBER.finditer(text[-_LONGEST_TEXT:]))
    return [number for number in found if number is not None]


def exact(value: object) -> list[Number]:
    """The numbers in a value of any type; a number that is one already is taken as it is."""
    if isinstance(value, bool):
        return []
    if isinstance(value, int):
        return [Number(Fraction(value), False)]
    if isinstance(value, float | Decimal):
        # The shortest decimal that reads back the same is what was meant, not the binary fraction.
        return [Number(Fraction(str(value)), False)] if Decimal(value).is_finite() else []
    return find(value) if isinstance(value, str) else []


def last(value: object) -> Number | None:
    """The last number that ``exact`` finds."""
    if isinstance(value, str):
        before, _, word = value.rpartition(" ")
        word = word.removesuffix(".")
        # So most answers end; looking for a number takes longer.
        if _WHOLE.fullmatch(word) and len(word) <= _MOST_DIGITS and not before.endswith("/"):
            return Number(Fraction(int(word.replace(",", ""))), False)
    elif type(value) is int:
        return Number(Fraction(value), False)
    found = exact(value)
    return found[-1] if found else None


def equal(answer: Number, reference: Number, tolerance: float, relative_tolerance: float) -> bool:
    """Within either tolerance of the reference. Where only one side has a percent sign, 75% is both 75 and 0.75."""
    for scale in (1,) if answer.percent == reference.percent else (1, 100):
        left = answer.value / scale if answer.percent else answer.value
        right = reference.value / scale if reference.percent else reference.value
        if _near(left, right, tolerance, relative_tolerance):
            return True
    return False


def _near(answer: Fraction, reference: Fraction, tolerance: float, relative_tolerance: float) -> bool:
    # Fractions multiplied out to whole numbers: as exact, and many times as fast.
    above, below = answer.numerator, answer.denominator
    wanted_above, wanted_below = reference.numerator, reference.denominator
    apart = abs(above * wanted_below - wanted_above * below)
    allowed, parts = tolerance.as_integer_ratio()
    if apart * parts <= allowed * below * wanted_below:
        return True
    allowed, parts = relative_tolerance.as_integer_ratio()
    return apart * parts <= allowed * below * abs(wanted_above)


def _number(match: re.Match[str]) -> Number | None:
    sign, sign2, digits, e, power, below, percent = match.groups("")
    digits = digits.translate(_GROUPING)
    if digits.isdigit() and len(digits) <= _MOST_DIGITS and not (e or power or below):
        value = Fraction(int(digits))  # the usual number, in a third of the time
    else:
        exponent = int((e or power or "0").replace("\u2212", "-"))
        below = below or "1"
        if max(len(digits), len(below)) > _MOST_DIGITS or abs(exponent) > _LARGEST_EXPONENT or not int(below):
            return None
        value = Fraction(digits) * Fraction(10) ** exponent / int(below)
    negative = (sign in _MINUS) != (sign2 in _MINUS)
    return Number(-value if negative else value, percent != "")
