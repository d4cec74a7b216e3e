"""Which of several choices a text states: ``B``, ``(B)``, ``the answer is **B**``, ``\\boxed{B}``, ``B is correct``.

What counts most comes first, and the first that finds a choice decides:

1. a statement (``answer: B``, ``I choose B``, ``B is right``, a box). The last one, as a conclusion comes last.
2. a line that holds nothing but a choice. The last one.
3. a choice at the beginning of lines (``B. Paris``), where they all begin with the same one: several are a list.
4. a choice in brackets, or where choices are words, a choice anywhere; where there is only one such.

A letter must be a capital, because ``a`` is an article and ``i`` a person, unless brackets or the end of its line say
otherwise.
"""

import re
from collections.abc import Sequence
from functools import cached_property

_MARKDOWN = re.compile(r"[*_`$~\u200b\u200c\u200d\u2060\ufeff]+")
_TEXT_IN_BOX = re.compile(r"\\(?:text|mathrm|mathbf|textbf)\{([^{}]*)\}")
_FILLERS = (
    r"(?:\s*(?::|=|->|→|[-–—]|\b(?:is|was|be|would|must|should|will|therefore|thus|hence|clearly|definitely|likely|most|probably|"
    r"indeed|simply|the|a|an|letter|option|choice|answer|correct|best|final|right)\b))"
)
_SAID = r"(?:(?:is|was|would|must|should|will)\b|:|=|->|→)"


class Choices:
    """``labels`` in the form in which they are reported."""

    def __init__(self, labels: Sequence[str]) -> None:
        self.labels = labels
        self._are_letters = all(len(label) == 1 for label in labels)
        self._by_lower = {label.lower(): label for label in labels}

    def label(self, text: str) -> str | None:
        """The choice that is written with that label, in any case."""
        return self._by_lower.get(" ".join(text.split()).lower())

    def stated(self, text: str) -> str | None:
        """None where no choice is stated, or several are and none more than another."""
        text = _even(_TEXT_IN_BOX.sub(r"\1", _MARKDOWN.sub("", text)))
        return (
            self._last(self._statement, text)
            or self._last(self._alone, text)
            or self._only(self._leading, text)
            or self._only(self._bracketed if self._are_letters else self._anywhere, text)
        )

    def listed(self, prompt: str) -> dict[str, str]:
        """The texts beside the labels, where a prompt lists the choices: ``B) Paris`` gives Paris for B."""
        if not self._are_letters:
            return {}
        return {self._found(match): match["rest"] for match in self._listing.finditer(_even(prompt))}

    def _last(self, rule: re.Pattern[str], text: str) -> str | None:
        last = None
        for match in rule.finditer(text):
            last = match
        return None if last is None else self._found(last)

    def _only(self, rule: re.Pattern[str], text: str) -> str | None:
        found = {self._found(match) for match in rule.finditer(text)}
        return found.pop() if len(found) == 1 else None

    def _found(self, match: re.Match[str]) -> str:
        groups = match.groupdict()
        return self._by_lower[next(text for name, text in groups.items() if text and name != "rest").lower()]

    @cached_property
    def _any(self) -> str:
        return "|".join(re.escape(label) for label in sorted(self.labels, key=len, reverse=True))

    def _choice(self, number: int) -> str:
        """One choice; ``number`` tells its groups from those of the others in a pattern."""
        in_brackets = rf"[(\[{{<]\s*(?P<b{number}>{self._any})\s*[)\]}}>]"
        if not self._are_letters:
            return rf"(?:{in_brackets}|[\"'“‘]?(?<!\w)(?P<w{number}>{self._any})(?!\w))"
        capital = rf"(?-i:(?P<c{number}>{self._any}))(?![\w'’]|-\w)"
        at_end = rf"(?P<e{number}>{self._any})(?=[).\]]?$)"
        return rf"(?:{in_brackets}|[\"'“‘(\[]?(?<!\w)(?:{capital}|{at_end}))"

    @cached_property
    def _statement(self) -> re.Pattern[str]:
        ways = (
            rf"(?<!wrong )(?<!incorrect )\b(?:answer|choice|option|solution)\b(?:\s+(?:to|for)\b[^\n.:]{{0,60}}?)?\s*{_SAID}"
            rf"{_FILLERS}{{0,8}}\s*{self._choice(1)}",
            rf"(?<!not )(?<!n't )\b(?:choose|chose|pick|picked|select|selected|go with|going with)\b{_FILLERS}{{0,4}}\s*{self._choice(2)}",
            rf"(?<!nor )(?<!neither )(?<!\w){self._choice(3)}\s+is\s+(?:(?:the|clearly|definitely|most|likely|therefore|thus)\s+){{0,3}}"
            r"(?:correct|right|best|true|answer)\b",
            rf"\\boxed\s*\{{\s*{self._choice(4)}",
        )
        return self._compile("|".join(f"(?:{way})" for way in ways))

    @cached_property
    def _alone(self) -> re.Pattern[str]:
        return self._compile(rf"^{self._choice(1)}[.)\]]?$")

    @cached_property
    def _leading(self) -> re.Pattern[str]:
        return self._compile(rf"^[(\[]?(?P<l>{self._any})(?:[).:,;!\]]| (?:[-–—]|because\b|since\b))(?!\w)")

    @cached_property
    def _bracketed(self) -> re.Pattern[str]:
        return self._compile(rf"(?<!\w)[(\[]\s*(?P<b>{self._any})\s*[)\]]")

    @cached_property
    def _anywhere(self) -> re.Pattern[str]:
        return self._compile(rf"(?<!\w)(?P<w>{self._any})(?!\w)")

    @cached_property
    def _listing(self) -> re.Pattern[str]:
        return self._compile(rf"^[(\[]?(?P<l>{self._any})[).:\]] (?P<rest>.+)$")

    @staticmethod
    def _compile(pattern: str) -> re.Pattern[str]:
        return re.compile(pattern, re.IGNORECASE | re.MULTILINE)


def _even(text: str) -> str:
    """Without empty lines, and one space between words: where white space is endless, a search would be too."""
    return "\n".join(" ".join(line.split()) for line in text.splitlines() if not line.isspace())
