"""How many runs of words answer and reference share: ROUGE, by Google's ``rouge-score``, the only place that loads it."""

import importlib
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

from sync.errors import UsageError

from ..samples import Sample
from ..scores import NO_REFERENCE, Score
from ..texts import alternatives, score_each
from .rule import Rule

VARIANTS = ("rouge1", "rouge2", "rougeL")

_LARGEST = 100_000_000
"""Characters of answer times characters of reference: the longest common subsequence takes time and memory by it."""


@dataclass(frozen=True, kw_only=True)
class Rouge(Rule):
    """The F-measure, the best over the alternatives; words are compared whole, not by their stems.

    ``details`` hold ``precision`` and ``recall``. The library knows words of a to z and figures only: a reference
    without any is unscored.
    """

    name: ClassVar[str] = "rouge"

    variant: str = "rougeL"

    def __post_init__(self) -> None:
        if self.variant not in VARIANTS:
            raise UsageError(
                f"There is no ROUGE named {self.variant}.", f"Choose one of {', '.join(VARIANTS)}."
            )
        _ = self._library

    def score(self, sample: Sample) -> Score:
        references = alternatives(sample.reference)
        if not references:
            return Score.unscored(NO_REFERENCE)
        usable = [text for text in references if self._library.tokenizers.DefaultTokenizer().tokenize(text)]
        if not usable:
            return Score.unscored("reference has no words that ROUGE counts")
        return score_each(sample, lambda answer: self._one(answer, usable))

    def _one(self, answer: str, references: list[str]) -> Score:
        if len(answer) * max(map(len, references)) > _LARGEST:
            return Score.unscored("answer too long for ROUGE")
        found = [self._scorer.score(reference, answer)[self.variant] for reference in references]
        best = max(found, key=lambda one: float(one.fmeasure))
        value = float(best.fmeasure)
        return Score(
            value=min(value, 1.0),
            answer=answer,
            explanation="" if value else "shares nothing with the reference",
            details={"precision": float(best.precision), "recall": float(best.recall)},
        )

    @cached_property
    def _scorer(self) -> Any:
        return self._library.rouge_scorer.RougeScorer([self.variant], use_stemmer=False)

    @cached_property
    def _library(self) -> Any:
        try:
            importlib.import_module("rouge_score.tokenizers")
            importlib.import_module("rouge_score.rouge_scorer")
            return importlib.import_module("rouge_score")
        except ModuleNotFoundError as error:
            raise UsageError(
                f"The scorer rouge needs {(error.name or 'rouge-score').partition('.')[0]}, which is not installed.",
                "Install hybrid with its extra rouge: uv tool install '.[rouge]'",
            ) from error
