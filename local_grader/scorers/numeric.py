"""The number in the answer is the number in the reference, within a tolerance."""

import math
from dataclasses import dataclass
from typing import ClassVar

from sync.errors import UsageError

from .. import numbers
from ..samples import Sample
from ..scores import NO_ANSWER, NO_REFERENCE, Score, average
from ..texts import as_text
from .rule import Rule


@dataclass(frozen=True, kw_only=True)
class Numeric(Rule):
    """Compares the last number of the answer, since a conclusion comes last, or with ``single_number`` its only one.

    Right when it lies within ``tolerance``, or within ``relative_tolerance`` times the reference, of the reference.
    """

    name: ClassVar[str] = "numeric"

    tolerance: float = 0.0
    relative_tolerance: float = 1e-6
    single_number: bool = False

    def __post_init__(self) -> None:
        for value in (self.tolerance, self.relative_tolerance):
            if not (math.isfinite(value) and value >= 0):
                raise UsageError(
                    f"A tolerance cannot be {value}.", "Give a finite number that is not negative."
                )

    def score(self, sample: Sample) -> Score:
        values = sample.reference if isinstance(sample.reference, list) else [sample.reference]
        given = [value for value in values if value is not None]
        if not given:
            return Score.unscored(NO_REFERENCE)
        references = [number for value in given if (number := numbers.last(value)) is not None]
        if not references:
            return Score.unscored("reference is not a number", f"the reference is {as_text(given[0])[:100]}")
        answers = sample.answer if isinstance(sample.answer, list) else [sample.answer]
        scores = [self._one(answer, references) for answer in answers if answer is not None]
        return average(scores) if scores else Score.unscored(NO_ANSWER)

    def _one(self, answer: object, references: list[numbers.Number]) -> Score:
        number = numbers.last(answer)
        if number is None:
            return Score.verdict(False, as_text(answer), "not a number")
        if self.single_number and (count := len(numbers.exact(answer))) > 1:
            return Score.verdict(False, as_text(answer), f"{count} numbers where one was asked for")
        for one in references:
            if numbers.equal(number, one, self.tolerance, self.relative_tolerance):
                return Score(1.0, _shown(number))
        return Score(0.0, _shown(number), "differs from the reference")


def _shown(number: numbers.Number) -> str:
    value = number.value
    try:
        text = str(value.numerator) if value.denominator == 1 else repr(float(value))
    except (OverflowError, ValueError):
        text = "a number out of range"
    return text + "%" * number.percent
