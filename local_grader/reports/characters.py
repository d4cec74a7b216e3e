"""Text of a run in documents: what it holds is shown and never obeyed.

A character that nobody sees, or that moves the others about, is written as its escape, so that two answers which look alike
are alike. Pure.
"""

import re

# C0 but tab and newline, DEL, C1; what reorders text; white space and marks of no width, but for the joiners that scripts
# and emoji need; tags, in which text can hide; what is no character at all.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ufffe\uffff"
    "\U000e0000-\U000e007f\ud800-\udfff]"
)


def visible(text: str) -> str:
    """``text`` with what cannot be seen as escapes: ``\\x1b``, ``\\u202e``."""
    return text if text.isascii() and text.isprintable() else _UNSEEN.sub(_escape, text)


def one_line(text: str, longest: int = 0) -> str:
    """The same on one line, cut after ``longest`` characters (0: never), with an ellipsis where it was."""
    line = " ".join(visible(text).split())
    return f"{line[: longest - 1].rstrip()}…" if 0 < longest < len(line) else line


def _escape(match: re.Match[str]) -> str:
    return ascii(match[0])[1:-1]
