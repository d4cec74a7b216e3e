"""No rule at all: a judge decides about every answer."""

from dataclasses import dataclass
from typing import ClassVar

from ..samples import Sample
from ..scores import UNDECIDED, Score
from ..texts import as_text
from .rule import Rule


@dataclass(frozen=True, kw_only=True)
class Judged(Rule):
    """Leaves every sample undecided."""

    name: ClassVar[str] = "judge"

    def score(self, sample: Sample) -> Score:
        return Score.unscored(UNDECIDED, answer="" if sample.answer is None else as_text(sample.answer))
