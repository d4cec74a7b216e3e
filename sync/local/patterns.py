"""Git's ignore patterns, taken apart: one line becomes path components that can be matched one name at a time.

A compiler of our own, because the whole tree is matched on every push: pathspec matches each path against each
pattern, and wants text where names are bytes. Cutting a pattern at its slashes lets the walk carry along only
the few patterns that can still match below the directory where it stands, and most components then are a plain
name (a dictionary finds it) or ``*.suffix``.

The rules are those of gitignore(5), and of git's own matcher where the page is silent: an escape or a bracket
that is not closed makes a pattern that never matches; ``[!a]`` never matches a slash; only blanks that no
backslash precedes are trimmed, and tabs never. Git before 2.52 reads ``foo**/bar`` as if ``**`` stood alone
there; we follow the page and newer gits, where it is ``foo*/bar``.
"""

import functools
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NamedTuple

_SLASH, _BACKSLASH, _STAR, _QUESTION, _OPEN, _CLOSE, _DASH, _CARET, _BANG = b"/\\*?[]-^!"
_UPPER = frozenset(range(0x41, 0x5B))
_LOWER = frozenset(range(0x61, 0x7B))
_DIGIT = frozenset(range(0x30, 0x3A))
_PRINT = frozenset(range(0x20, 0x7F))
_SPACE = frozenset(b" \t\n\r")
_CLASSES: Final = {
    b"alnum": _UPPER | _LOWER | _DIGIT,
    b"alpha": _UPPER | _LOWER,
    b"blank": frozenset(b" \t"),
    b"cntrl": frozenset(range(0x20)) | {0x7F},
    b"digit": _DIGIT,
    b"graph": _PRINT - _SPACE,
    b"lower": _LOWER,
    b"print": _PRINT,
    b"punct": _PRINT - _SPACE - _UPPER - _LOWER - _DIGIT,
    b"space": _SPACE,
    b"upper": _UPPER,
    b"xdigit": _DIGIT | frozenset(b"abcdefABCDEF"),
}


class BadPattern(ValueError):
    """The pattern can never match anything; the text is a clause saying why."""


class Component(NamedTuple):
    """What one name on a path has to look like. Exactly one of the four is meant.

    ``spans``    ``**`` alone: any number of directories, or, at the end of a pattern, everything below
    ``literal``  the name itself
    ``suffix``   the name's end, of ``*suffix``; empty where any name will do
    ``regex``    source of a regular expression, without groups, for the whole name
    """

    spans: bool = False
    literal: bytes | None = None
    suffix: bytes | None = None
    regex: bytes = b""

    @property
    def any_name(self) -> bool:
        return self.spans or self.suffix == b""

    def matches(self, name: bytes) -> bool:
        if self.literal is not None:
            return name == self.literal
        if self.suffix is not None:
            return name.endswith(self.suffix)
        return self.spans or _compiled(self.regex)(name) is not None


SPANS: Final = Component(spans=True)


@dataclass(frozen=True, kw_only=True)
class Pattern:
    """``parts`` match a path's components from the directory of the pattern's file on; a name to be found at
    any depth is ``(SPANS, name)``."""

    parts: tuple[Component, ...]
    negated: bool
    directory_only: bool


def parse(text: bytes, ignore_case: bool = False) -> Pattern:
    """The pattern of one line, already without its trailing blanks. Raises BadPattern.

    With ``ignore_case`` it has to be matched against names in lower case (ASCII, as git does).
    """
    negated = text.startswith(b"!")
    body = text[1:] if negated else text
    directory_only = body.endswith(b"/")
    if directory_only:
        body = body[:-1]
    anchored = b"/" in body
    parts = _components(body.removeprefix(b"/"), ignore_case)
    if not anchored:
        # Without a slash there are no directories to span: ``**`` is a plain ``*``.
        name = parts[0]
        parts = (SPANS, Component(suffix=b"") if name.spans else name)
    return Pattern(parts=parts, negated=negated, directory_only=directory_only)


def lines(data: bytes) -> list[tuple[int, bytes]]:
    """The numbers, from 1, and texts of an ignore file's lines that hold a pattern."""
    found = []
    for number, line in enumerate(data.removeprefix(b"\xef\xbb\xbf").split(b"\n"), start=1):
        if line.startswith(b"#"):
            continue
        text = _trimmed(line.removesuffix(b"\r").partition(b"\0")[0])
        if text:
            found.append((number, text))
    return found


def escaped(path: bytes) -> bytes:
    """A pattern that matches exactly this path."""
    return re.sub(rb"([\\*?\[\]])", rb"\\\1", path)


def _trimmed(line: bytes) -> bytes:
    end = len(line.rstrip(b" "))
    if end == len(line):
        return line
    backslashes = end - len(line[:end].rstrip(b"\\"))
    return line[: end + backslashes % 2]


class _Shape:
    """One component while it is read: fixed stretches (regex source, and their text while it is plain), with a
    ``*`` between any two."""

    def __init__(self) -> None:
        self.stretches: list[bytes] = [b""]
        self.texts: list[bytes | None] = [b""]
        self.longest_run = 0

    def add(self, source: bytes, text: bytes | None = None) -> None:
        self.stretches[-1] += source
        before = self.texts[-1]
        self.texts[-1] = None if text is None or before is None else before + text

    def star(self, run: int) -> None:
        self.longest_run = max(self.longest_run, run)
        self.stretches.append(b"")
        self.texts.append(b"")

    @property
    def spans(self) -> bool:
        return self.longest_run > 1 and self.stretches == [b"", b""]

    def component(self) -> Component:
        if self.stretches == [b""]:
            raise BadPattern("a part of the path is empty")
        if self.spans:
            return SPANS
        if len(self.texts) == 1 and self.texts[0] is not None:
            return Component(literal=self.texts[0])
        if len(self.texts) == 2 and self.texts[0] == b"" and self.texts[1] is not None:
            return Component(suffix=self.texts[1])
        if len(self.stretches) == 1:
            return Component(regex=self.stretches[0])
        first, *middle, last = self.stretches
        # The first place that fits is as good as any later one, so nothing needs to be tried twice.
        return Component(regex=first + b"".join(b"(?>.*?" + part + b")" for part in middle) + b".*" + last)


def _components(body: bytes, ignore_case: bool) -> tuple[Component, ...]:
    parts: list[Component] = []
    shape = _Shape()
    at = 0
    while at < len(body):
        char = body[at]
        at += 1
        if char == _BACKSLASH:
            if at == len(body):
                raise BadPattern("it ends in a backslash")
            char = body[at]
            at += 1
            if char == _SLASH and shape.spans:
                # Git looks for ``**/`` as it is written; with the slash escaped, one directory at least.
                parts.append(Component(suffix=b""))
            if char != _SLASH:
                # Git folds the case of the name and of the pattern, but not of what is escaped: ``\\A`` matches nothing.
                shape.add(*_fixed(char, ignore_case=False))
                continue
        if char == _SLASH:
            parts.append(shape.component())
            shape = _Shape()
        elif char == _STAR:
            run = 1
            while body[at : at + 1] == b"*":
                at += 1
                run += 1
            shape.star(run)
        elif char == _QUESTION:
            shape.add(b".")
        elif char == _OPEN:
            members, at = _bracket(body, at, ignore_case)
            shape.add(_class(members))
        else:
            shape.add(*_fixed(char, ignore_case))
    parts.append(shape.component())
    return tuple(parts)


def _fixed(char: int, ignore_case: bool) -> tuple[bytes, bytes]:
    text = bytes([char]).lower() if ignore_case else bytes([char])
    return re.escape(text), text


def _class(members: frozenset[int]) -> bytes:
    if not members:
        return b"(?!)"
    return b"[" + b"".join(b"\\x%02x" % member for member in sorted(members)) + b"]"


def _bracket(body: bytes, at: int, ignore_case: bool) -> tuple[frozenset[int], int]:
    """The bytes that the bracket expression opened before ``at`` matches, and the place behind it."""

    def char_at(place: int) -> int:
        if place >= len(body):
            raise BadPattern("a bracket is not closed")
        return body[place]

    negated = char_at(at) in (_BANG, _CARET)
    at += negated
    members: set[int] = set()
    before = 0  # where a range may begin; 0: nowhere
    first = True
    while first or char_at(at) != _CLOSE:
        first = False
        char = char_at(at)
        if char == _BACKSLASH:
            at += 1
            before = char_at(at)
            members.add(before)
        elif char == _DASH and before and body[at + 1 : at + 2] not in (b"", b"]"):
            at += 1
            if char_at(at) == _BACKSLASH:
                at += 1
            span = set(range(before, char_at(at) + 1))
            members |= span
            if ignore_case:
                members |= {char + 0x20 for char in span & _UPPER}
            before = 0
        elif char == _OPEN and body[at + 1 : at + 2] == b":":
            end = body.find(b"]", at + 2)
            if end < 0:
                raise BadPattern("a bracket is not closed")
            name = body[at + 2 : end]
            if not name.endswith(b":"):
                members.add(_OPEN)
                before = _OPEN
            elif name[:-1] in _CLASSES:
                members |= _CLASSES[name[:-1]]
                if ignore_case and name == b"upper:":
                    members |= _LOWER
                before = 0
                at = end
            else:
                raise BadPattern("there is no such character class")
        else:
            members.add(char)
            before = char
        at += 1
    if negated:
        members = set(range(1, 256)) - members
    return frozenset(members - {_SLASH}), at + 1


@functools.lru_cache(maxsize=4096)
def _compiled(source: bytes) -> Callable[[bytes], object]:
    return re.compile(source, re.DOTALL).fullmatch
