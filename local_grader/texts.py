"""Answers as text, and the two ways in which texts are made comparable."""

import json
import unicodedata
from collections.abc import Callable

from .samples import Sample, made
from .scores import NO_ANSWER, NO_REFERENCE, NOTHING_MORE, Score, average


def as_text(value: object) -> str:
    """Text as it is; numbers, lists and objects as JSON writes them; anything else as Python does."""
    if isinstance(value, str):
        return value
    if type(value) is int:  # true and false are of another type
        return repr(value)  # as JSON has it, in a tenth of the time
    try:
        return json.dumps(value, ensure_ascii=False, sort_keys=True)
    except (TypeError, ValueError):
        return str(value)


def comparable(text: str, case_sensitive: bool) -> str:
    """The same characters in one encoding, runs of white space as one space, none at the ends; case folded or not."""
    text = " ".join(text.split())
    if text.isascii():
        # Most text, and most of the time: here there is one encoding only, and lower case is all that folding does.
        return text if case_sensitive else text.lower()
    text = unicodedata.normalize("NFC", text)
    return text if case_sensitive else unicodedata.normalize("NFC", text.casefold())


def score_each(sample: Sample, score_one: Callable[[str], Score]) -> Score:
    """One answer, or the average over a list of them. No answer at all is unscored."""
    answers = sample.answer if isinstance(sample.answer, list) else [sample.answer]
    given = [answer for answer in answers if answer is not None]
    if not given:
        return Score.unscored(NO_ANSWER)
    return average([score_one(as_text(answer)) for answer in given])


def alternatives(reference: object) -> list[str]:
    """The acceptable answers as text; none for a sample without a reference."""
    if isinstance(reference, str):
        return [reference]
    values = reference if isinstance(reference, list) else [reference]
    return [as_text(value) for value in values if value is not None]


def score_against(sample: Sample, matches: Callable[[str, str], bool], explanation: str) -> Score:
    """Right where ``matches(answer, reference)`` holds for any alternative; ``explanation`` is for the wrong ones."""
    given, reference = sample.answer, sample.reference
    if isinstance(given, str) and isinstance(reference, str):
        # The usual case, in a third of the time.
        if matches(given, reference):
            return made(Score, (1.0, given, "", None, NOTHING_MORE, "", ()))
        return made(Score, (0.0, given, explanation, None, NOTHING_MORE, "", ()))
    references = alternatives(reference)
    if not references:
        return Score.unscored(NO_REFERENCE)

    def one(answer: str) -> Score:
        right = any(matches(answer, reference) for reference in references)
        return Score.verdict(right, answer, "" if right else explanation)

    return score_each(sample, one)
