"""How much of what a reference says stands in an answer.

A reference is taken to its informative parts: quantities, and words that are neither function words nor given in the
question already (who is asked for the capital of France learns nothing from "capital" and "France"). Where nothing
is left, the words of the question count, and then function words too.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

from . import quantities
from .words import FUNCTION_WORDS, needles, plain

_LONGEST_QUESTION = 400
"""Characters. A longer prompt holds more than a question, such as the text that the answer is to be found in."""

_REMEMBERED = 8192
"""References. An answer seldom comes alone: runs are compared, and questions asked several times."""

_ARTICLES = (" the ", " a ", " an ")
_BOUNDS = re.compile(
    r"\b(?:about|almost|approximately|around|least|less|more|most|nearly|over|roughly|than|under|up to)\b",
    re.IGNORECASE,
)
_OR = re.compile(r"\b(?:and/)?or\b", re.IGNORECASE)
_WORD = re.compile(r"[^\W_]+")
_IN_BRACKETS = re.compile(r"\(([^()]*)\)")


@dataclass(frozen=True, kw_only=True, slots=True)
class Parts:
    """The informative parts of one reference.

    ``text`` is the reference itself, ``row`` its plain words without an article before them, ``stated`` every quantity in it. ``quantities`` and ``words``
    are what is informative; each word is a choice of needles.
    """

    text: str
    row: str
    stated: frozenset[str]
    quantities: frozenset[str]
    words: tuple[tuple[str, ...], ...]

    def words_in(self, answer: str) -> int:
        """How many of the words stand in the answer, given as plain words."""
        count = 0
        for choice in self.words:
            for needle in choice:
                if needle in answer:
                    count += 1
                    break
        return count


@lru_cache(maxsize=_REMEMBERED)
def parts(reference: str, prompt: str | None) -> Parts:
    row = plain(reference)
    stated = quantities.found(reference, row)
    terms = [word for word in dict.fromkeys(row.split()) if not quantities.writes(word)]
    content = [word for word in terms if word not in FUNCTION_WORDS]
    amounts, words = (
        _beyond(prompt, stated, content) if prompt and len(prompt) <= _LONGEST_QUESTION else (stated, content)
    )
    if not words and not amounts:
        amounts, words = stated, content or terms
    return Parts(
        text=reference.strip(),
        row=_without_article(row),
        stated=frozenset(stated),
        quantities=frozenset(amounts),
        words=tuple([needles(word) for word in words]),
    )


def _beyond(question: str, amounts: set[str], words: list[str]) -> tuple[set[str], list[str]]:
    """What of the amounts and words the question does not give."""
    asked = plain(question)
    new = [word for word in words if not any(needle in asked for needle in needles(word))]
    return (amounts - quantities.found(question, asked) if amounts else amounts), new


@lru_cache(maxsize=_REMEMBERED)
def readings(reference: str) -> tuple[str, ...]:
    """Other texts that say enough: each side of an ``or``, the text without what is in brackets, initials in brackets."""
    found = []
    if "(" in reference:
        found = [_IN_BRACKETS.sub(" ", reference)]
        found += [inner for inner in _IN_BRACKETS.findall(reference) if inner.isupper() and inner.isalpha()]
    sides = _OR.split(reference)
    if len(sides) > 1:
        found += sides
    return tuple(text for text in found if plain(text).strip())


def _without_article(row: str) -> str:
    for article in _ARTICLES:
        if row.startswith(article) and len(row) > len(article):
            return row[len(article) - 1 :]
    return row


@lru_cache(maxsize=_REMEMBERED)
def stretches(reference: str) -> bool:
    """Whether it bounds or approximates, so that other quantities than its own may agree with it."""
    return _BOUNDS.search(reference) is not None


@lru_cache(maxsize=_REMEMBERED)
def names_only(reference: str) -> bool:
    """Whether every word that means something has a capital. Names have no synonyms; descriptions have many."""
    big = plain(" ".join([word for word in _WORD.findall(reference) if not word.islower()]))
    return all(f" {word} " in big for word in plain(reference).split() if word not in FUNCTION_WORDS)
