"""The quantities in a text, each written one way, so that equal ones are equal strings.

``1,200``, ``1200.0``, ``1.2 thousand`` and ``twelve hundred`` are all ``1200``; ``19th`` and ``nineteenth`` are ``19``; ``1970s`` is
``1970``. Signs and units are left to the words beside them. The number of a line in a list (``2. Rome``) is no quantity.
"""

import re
from collections.abc import Iterator

_SMALL = """
    zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen
    eighteen nineteen
"""
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_CARDINALS = dict(zip(_SMALL.split(), range(20), strict=True)) | dict(
    zip(_TENS, range(20, 100, 10), strict=True)
)
_ORDINALS = {f"{word}th": value for word, value in _CARDINALS.items()}
_ORDINALS |= {f"{word[:-1]}ieth": _CARDINALS[word] for word in _TENS}
_ORDINALS |= {"first": 1, "second": 2, "third": 3, "fifth": 5, "eighth": 8, "ninth": 9, "twelfth": 12}
_VALUES = _CARDINALS | _ORDINALS
_ZEROS = {"hundred": 2, "thousand": 3, "million": 6, "billion": 9, "trillion": 12}
_SPELLED = _VALUES.keys() | _ZEROS.keys()

_FIGURES = frozenset("0123456789")
_LIST_NUMBER = re.compile(r"^[ \t]*\d{1,3}[.)][ \t]", re.MULTILINE | re.ASCII)
_DIGITS = re.compile(
    rf"""
    (?<![\w.])                                  # not inside a word, a version or a longer number
    ((?<![)\]])[-\u2212])?
    (\d{{1,3}}(?:,\d{{3}})++(?!\d)|\d++)
    (?:\.(\d+))?
    (?:[ -]({"|".join(_ZEROS)})\b)?
    """,
    re.ASCII | re.IGNORECASE | re.VERBOSE,
)


def found(text: str, plain: str) -> set[str]:
    """Every quantity of ``text``; ``plain`` are its plain words."""
    written = set()
    if not _FIGURES.isdisjoint(text):
        if "\n" in text or text.lstrip()[0] in _FIGURES:
            text = _LIST_NUMBER.sub("", text)
        for sign, whole, part, magnitude in _DIGITS.findall(text):
            value = _written(whole.replace(",", ""), part, _ZEROS.get(magnitude.lower(), 0))
            written.add(f"-{value}" if sign and value != "0" else value)
    words = plain.split()
    if not _SPELLED.isdisjoint(words):
        written.update(map(str, _spelled(words)))
    return written


def writes(word: str) -> bool:
    """Whether a plain word is part of a quantity."""
    return word[0] in _FIGURES or word in _SPELLED


def _written(whole: str, part: str, zeros: int) -> str:
    whole, part = whole + part[:zeros].ljust(zeros, "0"), part[zeros:].rstrip("0")
    whole = whole.lstrip("0") or "0"
    return f"{whole}.{part}" if part else whole


def _spelled(words: list[str]) -> Iterator[int]:
    """``two million three hundred and five`` is one quantity; ``five and six`` are two."""
    thousands, rest, before = 0, -1, ""
    for word in [*words, ""]:
        value = _VALUES.get(word)
        if value is not None and rest >= 0 and _follows(rest, value):
            rest += value
        elif word in _ZEROS and (rest >= 0 or before == "a"):
            rest = max(rest, 1) * 10 ** _ZEROS[word]
            if word != "hundred":
                thousands, rest = thousands + rest, 0
        elif word != "and" or rest < 0:
            if rest >= 0:
                yield thousands + rest
            thousands, rest = 0, -1 if value is None else value
        before = word


def _follows(rest: int, value: int) -> bool:
    """Twenty may be followed by four, and hundred by whatever is less than it."""
    return (rest % 10 == 0 and rest % 100 >= 20 and 0 < value < 10) or (rest % 100 == 0 and 0 < value < 100)
