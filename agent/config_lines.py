"""Where each key of a TOML text stands, because ``tomllib`` does not say and a complaint without a line is half one."""

import re
from collections.abc import Sequence

import tomllib

Key = tuple[str, ...]

_BASIC = r'"(?:\\.|[^"\\\n])*"'
_LITERAL = r"'[^'\n]*'"
_NAME = re.compile(rf"\s*({_BASIC}|{_LITERAL}|[A-Za-z0-9_-]+)\s*")
_BLANK = re.compile(r"(?:\s+|#[^\n]*)+")
# A piece of a value; several lines belong to one value inside brackets and between triple quotes.
_PIECE = re.compile(
    rf'"""(?:\\.|[^\\])*?"{{3,5}}|\'\'\'.*?\'{{3,5}}|{_BASIC}|{_LITERAL}|#[^\n]*|[\[{{]|[\]}}]|\n|[^"\'#\[\]{{}}\n]+',
    re.DOTALL,
)


class Lines:
    """Lines of the keys of ``text``, which must be valid TOML."""

    def __init__(self, text: str) -> None:
        self._lines: dict[Key, int] = {}
        self._text = text
        position = 0
        table: Key = ()
        while position < len(text):
            blank = _BLANK.match(text, position)
            if blank:
                position = blank.end()
            elif text[position] == "[":
                start = position
                position, table = self._names(position + (2 if text.startswith("[[", position) else 1))
                self._note(table, start)
                position = self._end_of_value(position)
            else:
                start = position
                position, names = self._names(position)
                self._note(table + names, start)
                position = self._end_of_value(position + 1)

    def of(self, key: Sequence[str]) -> int:
        """The line, from 1, where ``key`` stands; else that of the nearest table around it; else 1."""
        return next(
            (self._lines[tuple(key[:n])] for n in range(len(key), 0, -1) if tuple(key[:n]) in self._lines), 1
        )

    def _note(self, key: Key, position: int) -> None:
        for n in range(1, len(key) + 1):
            self._lines.setdefault(key[:n], self._text.count("\n", 0, position) + 1)

    def _names(self, position: int) -> tuple[int, Key]:
        names: list[str] = []
        while match := _NAME.match(self._text, position):
            names.append(_unquoted(match[1]))
            position = match.end()
            if not self._text.startswith(".", position):
                break
            position += 1
        return position, tuple(names)

    def _end_of_value(self, position: int) -> int:
        depth = 0
        while match := _PIECE.match(self._text, position):
            position = match.end()
            if match[0] in ("[", "{"):
                depth += 1
            elif match[0] in ("]", "}"):
                depth -= 1
            elif match[0] == "\n" and depth <= 0:
                break
        return max(position, 0)


def _unquoted(name: str) -> str:
    if name[0] not in "\"'":
        return name
    value: str = tomllib.loads(f"name = {name}")["name"]
    return value
