"""Finds numbers in text as people and models write them, exactly.

Understood: ``1,234.5`` (a comma, an apostrophe or a thin space groups thousands and is never a decimal sign),
``-3``, ``−3``, ``$5``, ``.5``, ``6.02e23``, ``6.02 x 10^23``, ``3/4``, ``75%``. Fractions keep the value exact, so
that a tolerance is the only thing that can make two different numbers equal.
"""

import re
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

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
_GROUPING = str.maketrans("", "", ",'\u2019\u00a0\u2009\u202f")


@dataclass(frozen=True, slots=True)
class Number:
    """``value`` leaves a percent sign out: ``75%`` is 75 with ``percent`` set."""

    value: Fraction
    percent: bool


def find(text: str) -> list[Number]:
    """Every number in the text, first one first. Of a very long text only the end is looked at."""
    found = (_number(match) for match in _NUMBER.finditer(text[-_LONGEST_TEXT:]))
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


def equal(answer: Number, reference: Number, tolerance: float, relative_tolerance: float) -> bool:
    """Within either tolerance of the reference. Where only one side has a percent sign, 75% is both 75 and 0.75."""
    scales = {answer.percent, reference.percent} == {True, False}
    for scale in (1, 100) if scales else (1,):
        left = answer.value / scale if answer.percent else answer.value
        right = reference.value / scale if reference.percent else reference.value
        allowed = max(Fraction(tolerance), Fraction(relative_tolerance) * abs(right))
        if abs(left - right) <= allowed:
            return True
    return False


def _number(match: re.Match[str]) -> Number | None:
    digits = match["value"].translate(_GROUPING)
    exponent = int((match["e"] or match["power"] or "0").replace("\u2212", "-"))
    below = match["below"] or "1"
    if max(len(digits), len(below)) > _MOST_DIGITS or abs(exponent) > _LARGEST_EXPONENT or not int(below):
        return None
    value = Fraction(digits) * Fraction(10) ** exponent / int(below)
    negative = (match["sign"] in ("-", "\u2212")) != (match["sign2"] in ("-", "\u2212"))
    return Number(-value if negative else value, match["percent"] is not None)
