"""No rule at all: a judge decides about every answer."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import ClassVar

from ..samples import Sample
from ..scorer import Option, Shape
from ..scores import UNDECIDED, Score
from ..texts import as_text


@dataclass(frozen=True, kw_only=True)
class Judged:
    """Leaves every sample undecided."""

    name: ClassVar[str] = "judge"
    version: ClassVar[int] = 1
    shape: ClassVar[Shape] = Shape.ROWS

    @property
    def options(self) -> Mapping[str, Option]:
        return asdict(self)

    def score(self, sample: Sample) -> Score:
        return Score.unscored(UNDECIDED, answer="" if sample.answer is None else as_text(sample.answer))
