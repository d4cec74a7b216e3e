"""Text as a row of plain words, and what of a word stays when it is inflected.

Plain words are in lower case, without accents, marks or apostrophes, one space between them and one at either end: so
``" old persian " in plain(answer)`` asks for whole words. A script that writes no spaces is taken sign by sign.
"""

import re
import unicodedata
from functools import lru_cache

_WORDS_FOR = {"$": " dollar ", "&": " and ", "'": None}
_ASCII = str.maketrans(
    {sign: _WORDS_FOR.get(sign, " ") for sign in map(chr, range(128)) if not sign.isalnum()}
)
_BEYOND = str.maketrans({"’": "", "‘": "", "ʼ": "", "£": " pound ", "€": " euro "})
_UNSPACED = re.compile(r"([\u0e00-\u0eff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff])")
_BEYOND_SIGNS = re.compile(r"[^\w\x00-\x7f]+")

_FUNCTION_WORDS = """
    a about all also am an and any are as at be been being but by can cent could did do does for from had has have
    he her his how i if in into is it its many may might more most much must of on or our out over per percent shall
    she should so some such than that the their them then there these they this those to under up was we were what
    when where which who whom whose why will with would you your
"""
FUNCTION_WORDS = frozenset(_FUNCTION_WORDS.split())
"""English articles, pronouns, prepositions, conjunctions and auxiliaries: they say little about what is meant. So does
the word for a percent sign, which an answer may write or leave to the question.

Words of negation are not among them, because they turn the meaning round.
"""

_REMEMBERED = 16384
_HEAD = 5
_HEAD_SHARE = 0.6


def plain(text: str) -> str:
    text = text.casefold()
    if not text.isascii():
        text = _to_plain_letters(text)
    return f" {' '.join(text.translate(_ASCII).split())} "


@lru_cache(maxsize=_REMEMBERED)
def needles(word: str) -> tuple[str, ...]:
    """What to look for in plain text to find the word in any of its forms.

    English changes words at their end, so of a long word its head is looked for: five letters, or three fifths of it.
    A short word has no head that is its own; it is looked for whole, in singular and plural.
    """
    stem = _singular(word)
    if len(stem) < _HEAD or not stem.isalpha():
        return tuple(dict.fromkeys((f" {stem} ", f" {stem}s ", f" {word} ")))
    return (f" {stem[: max(_HEAD, round(_HEAD_SHARE * len(stem)))]}",)


def _singular(word: str) -> str:
    if len(word) > 3 and word.endswith("s") and not word.endswith("ss"):
        return word[:-1]
    return word


def _to_plain_letters(text: str) -> str:
    text = unicodedata.normalize("NFKD", text.translate(_BEYOND)).casefold()
    text = "".join(sign for sign in text if not unicodedata.combining(sign))
    return _BEYOND_SIGNS.sub(" ", _UNSPACED.sub(r" \1 ", text))
