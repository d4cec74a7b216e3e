"""Rules that cost nothing, cheapest first, and what they leave over for a judge. ``Score.stage`` names the rule that decided.

The rules are in ``stages``; ``docs/cascade.md`` says how often each decides and errs on real answers, and which errors are known.
"""

from dataclasses import dataclass
from typing import ClassVar

from sync.errors import UsageError

from ..samples import Sample
from ..scores import NO_ANSWER, NO_REFERENCE, UNDECIDED, Score, average
from ..texts import as_text
from .rule import Rule
from .stages import EXACT, NORMALISED, NUMERIC, RECALL, YES_NO, Found, decide, is_exact, is_sure
from .words import plain

DECIDE, LEAVE = "decide", "leave"

_WRONG = {
    EXACT: "",
    YES_NO: "does not say the yes or no of the reference",
    NORMALISED: "does not include the reference",
    NUMERIC: "another quantity than the reference, or none",
    RECALL: "holds too little of the reference",
}


@dataclass(frozen=True, kw_only=True)
class Cascade(Rule):
    """``undecided`` says what becomes of doubtful answers: ``decide`` lets the rules decide all, ``leave`` makes them unscored
    with the reason UNDECIDED, for a judge.

    Right where any reference of several is met; in doubt where one may be. The prompt, when it is short enough to be no more
    than a question, tells what of a reference was given already. Answers and references in English are understood
    best; of other languages inflection and function words are not known.
    """

    name: ClassVar[str] = "cascade"

    undecided: str = DECIDE

    def __post_init__(self) -> None:
        if self.undecided not in (DECIDE, LEAVE):
            raise UsageError(f"Undecided cannot be {self.undecided}.", f"Give {DECIDE} or {LEAVE}.")

    def score(self, sample: Sample) -> Score:
        values = sample.reference if isinstance(sample.reference, list) else [sample.reference]
        references = [text for value in values if value is not None and (text := as_text(value)).strip()]
        if not references:
            return Score.unscored(NO_REFERENCE)
        answers = sample.answer if isinstance(sample.answer, list) else [sample.answer]
        scores = [
            self._one(as_text(answer), references, sample.prompt) for answer in answers if answer is not None
        ]
        return average(scores) if scores else Score.unscored(NO_ANSWER)

    def _one(self, text: str, references: list[str], prompt: str | None) -> Score:
        if len(references) == 1 and is_exact(text, references[0]):
            return Score(
                1.0, text, stage=EXACT
            )  # what decide would say, without the words that only others need
        words = plain(text)
        findings = [decide(text, words, reference, prompt) for reference in references]
        best = findings[0] if len(findings) == 1 else max(findings, key=_closeness)
        if self.undecided == LEAVE and not _settled(findings, text, words, references, prompt):
            return Score.unscored(UNDECIDED, f"in doubt by the rule {best.stage}", text)
        return Score(
            value=1.0 if best.right else 0.0,
            answer=text,
            explanation="" if best.right else _WRONG[best.stage],
            stage=best.stage,
        )


def _closeness(found: Found) -> tuple[bool, float]:
    return found.right, found.share


def _settled(findings: list[Found], text: str, words: str, references: list[str], prompt: str | None) -> bool:
    """One sure finding that it is right is enough; that it is wrong must be sure of every reference."""
    right = any(found.right for found in findings)
    return (any if right else all)(
        found.right == right and is_sure(found, text, words, reference, prompt)
        for found, reference in zip(findings, references, strict=True)
    )
