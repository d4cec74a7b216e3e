"""How many words answer and reference share: the F1 of SQuAD, with its official way of comparing words."""

import re
import string
from collections import Counter
from dataclasses import dataclass
from typing import ClassVar

from ..samples import Sample
from ..scores import NO_REFERENCE, Score
from ..texts import alternatives, score_each
from .rule import Rule

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_NO_PUNCTUATION = str.maketrans("", "", string.punctuation)


@dataclass(frozen=True, kw_only=True)
class F1(Rule):
    """The best over the alternatives. ``details`` hold ``precision`` and ``recall`` of that one."""

    name: ClassVar[str] = "f1"

    def score(self, sample: Sample) -> Score:
        references = [words(text) for text in alternatives(sample.reference)]
        if not references:
            return Score.unscored(NO_REFERENCE)

        def one(answer: str) -> Score:
            given = words(answer)
            value, precision, recall = max(overlap(given, reference) for reference in references)
            return Score(
                value=value,
                answer=answer,
                explanation="" if value else "shares no word with the reference",
                details={"precision": precision, "recall": recall},
            )

        return score_each(sample, one)


def words(text: str) -> list[str]:
    """In lower case, without ASCII punctuation, without English articles."""
    return _ARTICLES.sub(" ", text.lower().translate(_NO_PUNCTUATION)).split()


def overlap(answer: list[str], reference: list[str]) -> tuple[float, float, float]:
    """F1, precision, recall. No words at all equal only no words at all."""
    if not answer or not reference:
        same = float(answer == reference)
        return same, same, same
    shared = sum((Counter(answer) & Counter(reference)).values())
    if not shared:
        return 0.0, 0.0, 0.0
    precision, recall = shared / len(answer), shared / len(reference)
    return 2 * precision * recall / (precision + recall), precision, recall
