"""What costs nothing: rules that decide the same samples, for a judge to beat.

A judge that agrees with people no better than "most of the reference's words stand in the answer" is not worth its time.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping

from . import scorers
from .kept import KeptGrade
from .samples import Sample
from .scorers.words import plain

RECALL = 0.8
TOKEN_RECALL = "token recall"
ALWAYS_NO = "always no"
ALWAYS_YES = "always yes"
CONSTANT = (ALWAYS_NO, ALWAYS_YES)

_ARTICLES = frozenset(("a", "an", "the"))
_RULES = ("exact", "includes", "cascade")

Rule = Callable[[KeptGrade], float | None]


def names(scorer: str) -> list[str]:
    """The baselines for grades of that scorer, without that scorer itself."""
    rules = [name for name in _RULES if name in scorers.NAMES and name != scorer]
    return [ALWAYS_NO, ALWAYS_YES, *rules, TOKEN_RECALL]


def verdicts(grades: Iterable[KeptGrade], scorer: str) -> dict[str, dict[str, bool]]:
    """By baseline, its verdict on each sample by id. What a rule cannot decide is no pass; a rule that can decide nothing,
    because there are no references, is left out."""
    kept = list(grades)
    found: dict[str, dict[str, bool]] = {}
    for name, rule in _rules(scorer).items():
        values = {grade.sample: rule(grade) for grade in kept}
        if any(value is not None for value in values.values()):
            found[name] = {sample: (value or 0.0) > 0.5 for sample, value in values.items()}
    return found


def token_recall(answer: str, reference: str) -> float:
    """The share of the reference's words, without articles, that stand in the answer."""
    wanted = Counter(word for word in plain(reference).split() if word not in _ARTICLES)
    given = Counter(plain(answer).split())
    total = sum(wanted.values())
    return sum((wanted & given).values()) / total if total else 0.0


def _rules(scorer: str) -> Mapping[str, Rule]:
    rules: dict[str, Rule] = {}
    for name in names(scorer):
        if name in CONSTANT:
            rules[name] = _constant(float(name == ALWAYS_YES))
        elif name == TOKEN_RECALL:
            rules[name] = _recalls
        else:
            rules[name] = _by(name)
    return rules


def _constant(value: float) -> Rule:
    return lambda grade: value


def _by(name: str) -> Rule:
    scorer = scorers.make(name, {})
    return lambda grade: scorer.score(_sample(grade)).value


def _recalls(grade: KeptGrade) -> float | None:
    references = _references(grade.reference)
    if not references:
        return None
    return float(any(token_recall(grade.answer, each) >= RECALL for each in references))


def _sample(grade: KeptGrade) -> Sample:
    references = _references(grade.reference)
    return Sample(
        id=grade.sample,
        answer=grade.answer,
        reference=references or None,
        prompt=grade.prompt,
        place=grade.place,
    )


def _references(kept: str | None) -> list[str]:
    """The alternatives: the ledger holds a list of them as JSON."""
    if kept is None:
        return []
    if kept.startswith("["):
        try:
            values = json.loads(kept)
        except ValueError:
            return [kept]
        if isinstance(values, list) and all(isinstance(each, str | int | float) for each in values):
            return [str(each) for each in values]
    return [kept]
