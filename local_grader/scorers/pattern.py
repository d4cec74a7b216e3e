"""A regular expression decides.

Three ways. A pattern with a group extracts: what the group holds at its last match is compared with the
reference. A pattern without one is the whole rule: found is right. With no pattern, each sample's reference is
the pattern.

Python cannot stop a match that has begun, and an unlucky expression takes exponential time on text that a
remote machine wrote. So longer answers than ``_LONGEST`` are left unscored; Ctrl-C still ends a match.
"""

import re
from dataclasses import dataclass
from typing import ClassVar

from sync.errors import UsageError

from ..samples import Sample
from ..scores import NO_REFERENCE, Score
from ..texts import alternatives, comparable, score_each
from .rule import Rule

_LONGEST = 20_000
# Put together here, because a million times that takes as long as the matching.
_FLAGS = re.MULTILINE
_FLAGS_ANY_CASE = re.MULTILINE | re.IGNORECASE


@dataclass(frozen=True, kw_only=True)
class Pattern(Rule):
    """See the module. A bad ``pattern`` is a UsageError; a bad pattern in a reference is unscored."""

    name: ClassVar[str] = "pattern"

    pattern: str | None = None
    case_sensitive: bool = False

    def __post_init__(self) -> None:
        if self.pattern is None:
            return
        try:
            groups = self._compile(self.pattern).groups
        except (re.error, RecursionError, OverflowError) as error:
            raise UsageError(
                f"The pattern {self.pattern} is no regular expression ({error}).",
                "Write a backslash before what is meant as it stands, as in \\( or \\., and quotes around all of it.",
            ) from error
        if groups > 1:
            raise UsageError(
                f"The pattern {self.pattern} has {groups} groups.",
                "Use one group for the part to compare, and (?:...) for the others.",
            )

    def score(self, sample: Sample) -> Score:
        if self.pattern is not None:
            rule = self._compile(self.pattern)
            if rule.groups:
                return self._extract(sample, rule)
            return score_each(sample, lambda answer: _found([rule], answer))
        references = [reference for reference in alternatives(sample.reference) if reference]
        if not references:
            return Score.unscored(NO_REFERENCE)
        try:
            rules = [self._compile(reference) for reference in references]
        except (re.error, RecursionError, OverflowError) as error:
            return Score.unscored("reference is no regular expression", str(error))
        return score_each(sample, lambda answer: _found(rules, answer))

    def _compile(self, pattern: str) -> re.Pattern[str]:
        return re.compile(pattern, _FLAGS if self.case_sensitive else _FLAGS_ANY_CASE)

    def _extract(self, sample: Sample, rule: re.Pattern[str]) -> Score:
        references = {comparable(text, self.case_sensitive) for text in alternatives(sample.reference)}
        if not references:
            return Score.unscored(NO_REFERENCE)

        def one(answer: str) -> Score:
            if len(answer) > _LONGEST:
                return _too_long()
            last = None
            for match in rule.finditer(answer):
                last = match
            if last is None or last[1] is None:
                return Score.verdict(False, answer, "the pattern is not found")
            right = comparable(last[1], self.case_sensitive) in references
            return Score.verdict(
                right, last[1], "" if right else "what the pattern found differs from the reference"
            )

        return score_each(sample, one)


def _found(rules: list[re.Pattern[str]], answer: str) -> Score:
    if len(answer) > _LONGEST:
        return _too_long()
    right = any(rule.search(answer) for rule in rules)
    return Score.verdict(right, answer, "" if right else "the pattern is not found")


def _too_long() -> Score:
    return Score.unscored("answer too long for a pattern", f"longer than {_LONGEST} characters")
