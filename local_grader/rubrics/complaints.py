"""Every mistake of a rubric file, each with its line, gathered and told at once."""

import difflib
import json
import re
from collections.abc import Collection
from pathlib import Path

from sync.errors import UsageError

Key = tuple[str | int, ...]
"""Where something stands in a document: names of tables and keys, and the number of an array's item."""

_LONG_STRING = re.compile(r'"""(?:\\.|[^\\])*?"""|\'\'\'.*?\'\'\'', re.DOTALL)
_HEADING = re.compile(r"\s*(\[\[?)\s*([^\[\]#]+?)\s*\]")
_SETTING = re.compile(r"\s*(\"[^\"]*\"|'[^']*'|[A-Za-z0-9_-]+)\s*=")


class Complaints:
    """``text`` is the file's, valid TOML or not; ``path`` is for messages."""

    def __init__(self, path: Path | str, text: str) -> None:
        self._path = path
        self._lines = _lines_of_keys(text)
        self._found: list[tuple[int, str]] = []

    def add(self, key: Key, what: str) -> None:
        """``what`` completes the sentence that begins with ``key``."""
        line = next((self._lines[key[:n]] for n in range(len(key), 0, -1) if key[:n] in self._lines), 1)
        self.add_at(line, f"{_spelled(key)} {what}" if key else what)

    def add_at(self, line: int, what: str) -> None:
        mark = "" if what.endswith("?") else "."
        self._found.append((line, f"{self._path}:{line}: {what}{mark}"))

    def unknown(self, key: Key, known: Collection[str], kind: str = "key") -> None:
        """Complains that the last part of ``key`` is none of ``known``, with a guess at what was meant."""
        self.add(key, f"is no {kind} here; {guess(str(key[-1]), known)}")

    def raise_any(self) -> None:
        """Raises UsageError if there was any mistake."""
        if self._found:
            raise self.error()

    def error(self) -> UsageError:
        told = [what for _, what in sorted(self._found, key=lambda one: one[0])]
        whole = [f"{len(told)} mistakes in the rubric {self._path}:", *told]
        return UsageError(told[0] if len(told) == 1 else "\n  ".join(whole), "Correct the lines named above.")


def guess(name: str, known: Collection[str]) -> str:
    near = difflib.get_close_matches(name.lower(), known, n=1)
    return f"did you mean {near[0]}?" if near else f"it may be {', '.join(known)}"


def _spelled(key: Key) -> str:
    """As a person would write it: ``examples[2].verdict``."""
    spelled = ""
    for part in key:
        if isinstance(part, int):
            spelled += f"[{part + 1}]"
        else:
            name = part if re.fullmatch(r"[A-Za-z0-9_-]+", part) else json.dumps(part, ensure_ascii=False)
            spelled += f".{name}" if spelled else name
    return spelled


def _lines_of_keys(text: str) -> dict[Key, int]:
    """The line, from 1, of each heading and each key that has a line of its own."""
    text = _LONG_STRING.sub(lambda found: '""' + "\n" * found[0].count("\n"), text)
    lines: dict[Key, int] = {}
    counts: dict[Key, int] = {}
    table: Key = ()
    for number, line in enumerate(text.split("\n"), 1):
        if heading := _HEADING.match(line):
            *outer, name = (part.strip().strip("\"'") for part in heading[2].split("."))
            table = ()
            for part in outer:
                table += (part,)
                table += (counts[table],) if table in counts else ()
            table += (name,)
            if heading[1] == "[[":
                counts[table] = counts.get(table, -1) + 1
                lines.setdefault(table, number)
                table += (counts[table],)
            lines.setdefault(table, number)
        elif setting := _SETTING.match(line):
            lines.setdefault((*table, setting[1].strip("\"'")), number)
    return lines
