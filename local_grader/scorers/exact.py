"""The two plainest rules: the answer is the reference, the answer contains the reference."""

from dataclasses import dataclass
from typing import ClassVar

from ..samples import Sample
from ..scores import NO_REFERENCE, Score
from ..texts import alternatives, comparable, score_against
from .rule import Rule


@dataclass(frozen=True, kw_only=True)
class Exact(Rule):
    """Equal after white space is evened out, and case too unless ``case_sensitive``."""

    name: ClassVar[str] = "exact"

    case_sensitive: bool = False

    def score(self, sample: Sample) -> Score:
        return score_against(sample, self._matches, "differs from the reference")

    def _matches(self, answer: str, reference: str) -> bool:
        return answer == reference or (
            comparable(answer, self.case_sensitive) == comparable(reference, self.case_sensitive)
        )


@dataclass(frozen=True, kw_only=True)
class Includes(Rule):
    """The reference stands somewhere in the answer, as characters: ``10`` is found in ``2010``."""

    name: ClassVar[str] = "includes"

    case_sensitive: bool = False

    def score(self, sample: Sample) -> Score:
        if "" in map(str.strip, alternatives(sample.reference)):
            return Score.unscored(NO_REFERENCE, "the reference is empty, and every answer includes nothing")
        return score_against(sample, self._matches, "does not include the reference")

    def _matches(self, answer: str, reference: str) -> bool:
        return comparable(reference, self.case_sensitive) in comparable(answer, self.case_sensitive)
