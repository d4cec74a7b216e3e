"""The outcome for one sample. Could-not-grade is an outcome of its own: no number stands for it.

A harness that writes 0 when grading failed reports its own failures as the model's; so an unscored sample has
no value, keeps its reason, and is counted beside the rate, never in it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NamedTuple

from .samples import Sample

NO_REFERENCE = "no reference"
NO_ANSWER = "no answer"
ANSWERED_TWICE = "answered twice"
UNDECIDED = "undecided"
"""No rule could tell; a judge may."""

NOTHING_MORE: Mapping[str, float] = MappingProxyType({})


@dataclass(frozen=True, kw_only=True, slots=True)
class Judgement:
    """What one judge said of one sample.

    ``judge`` is the model's name. ``verdict`` is the word that it chose, ``value`` that word's worth in [0, 1]; where
    there is no verdict, ``value`` is None and ``reason`` says why in a few words that can be counted. ``reasoning`` are the
    judge's own words, or more about the reason. ``parts`` are verdicts by criterion, where a rubric has several.
    """

    judge: str
    verdict: str = ""
    value: float | None = None
    reasoning: str = ""
    reason: str | None = None
    parts: Mapping[str, str] = field(default_factory=dict)


class Score(NamedTuple):
    """``value`` is in [0, 1], or None: then ``reason`` says why in a few words that can be counted.

    ``answer`` is the answer as the scorer understood it, ``explanation`` one sentence or nothing, ``details``
    further numbers for diagnosis. ``stage`` names the rule or judge that decided, where several could; ``judgements`` are
    what the judges said, where any was asked.
    """

    value: float | None
    answer: str = ""
    explanation: str = ""
    reason: str | None = None
    details: Mapping[str, float] = NOTHING_MORE
    stage: str = ""
    judgements: Sequence[Judgement] = ()

    @classmethod
    def unscored(cls, reason: str, explanation: str = "", answer: str = "") -> "Score":
        return cls(value=None, reason=reason, explanation=explanation, answer=answer)

    @classmethod
    def verdict(cls, right: bool, answer: str, explanation: str = "") -> "Score":
        return cls(1.0 if right else 0.0, answer, explanation)


class Grade(NamedTuple):
    """A sample and its score."""

    sample: Sample
    score: Score


@dataclass(frozen=True, kw_only=True, slots=True)
class Missing:
    """A reference that no sample answers."""

    sample: str
    group: str | None = None


def average(scores: Sequence[Score]) -> Score:
    """Several answers to one question as one score: the share that is right.

    One unscored answer leaves the whole unscored, because a share of unknown parts is not known.
    """
    if len(scores) == 1:
        return scores[0]
    values = []
    for score in scores:
        if score.value is None:
            return score
        values.append(score.value)
    right = sum(values)
    return Score(
        value=right / len(values),
        answer=scores[0].answer,
        explanation=f"{right:g} of {len(values)} answers right",
    )
