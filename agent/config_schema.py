"""How a table of ``hybrid.toml`` becomes a frozen dataclass, with every mistake in it noted.

A setting is a dataclass field made by ``setting``: a kind, which checks and converts the value, and a default.
``Reader`` works through such classes and gathers complaints instead of stopping at the first.
"""

import dataclasses
import difflib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

from .config_lines import Key, Lines

N = TypeVar("N")


@dataclass(frozen=True)
class Kind:
    """What a setting may be. ``read(value, folder)`` returns the value as the program wants it, or raises ValueError.

    ``name`` completes the sentence "must be ..."; ``folder`` is where ``hybrid.toml`` lies.
    """

    name: str
    read: Callable[[object, Path], object]


@dataclass(frozen=True, kw_only=True)
class Complaint:
    """One mistake: the line, the key as a person would write it, what is wrong and what to do."""

    line: int
    key: str
    what: str


def setting(kind: Kind, default: Any = None) -> Any:
    """A field of a settings class; ``default`` as the program wants it, not as TOML spells it."""
    return dataclasses.field(default=default, metadata={"kind": kind})


def kinds_of(nouns: type) -> dict[str, Kind]:
    """The keys that a table read into ``nouns`` may have."""
    return {
        field.name: field.metadata["kind"] for field in dataclasses.fields(nouns) if "kind" in field.metadata
    }


class Reader:
    """Reads tables into settings and gathers ``complaints``."""

    def __init__(self, lines: Lines, folder: Path) -> None:
        self.complaints: list[Complaint] = []
        self._lines = lines
        self._folder = folder

    def complain(self, key: Key, what: str) -> None:
        self.complaints.append(
            Complaint(line=self._lines.of(key), key=".".join(map(_spelled, key)), what=what)
        )

    def table(self, value: object, key: Key) -> dict[str, object]:
        """``value`` if it is a table; else an empty one and a complaint."""
        if isinstance(value, dict):
            return value
        self.complain(key, f"must be a table: write [{'.'.join(map(_spelled, key))}] above its settings")
        return {}

    def read(self, nouns: type[N], given: Mapping[str, object], key: Key, base: N | None = None) -> N:
        """``given`` as ``nouns``. What is not given comes from ``base`` where there is one; tables are joined."""
        kinds = kinds_of(nouns)
        values: dict[str, Any] = {}
        for name, value in given.items():
            if name not in kinds:
                self.unknown(name, kinds, key)
                continue
            try:
                values[name] = kinds[name].read(value, self._folder)
            except ValueError as error:
                self.complain((*key, name), f"must be {kinds[name].name}{_instead(error, value)}")
        if base is None:
            return nouns(**values)
        for name, value in values.items():
            if isinstance(value, Mapping):
                values[name] = {**getattr(base, name), **value}
        return dataclasses.replace(base, **values)  # type: ignore[type-var]

    def unknown(self, name: str, known: Mapping[str, object], key: Key) -> None:
        """Complains that ``name`` is no setting of the table ``key``, with a guess at what was meant."""
        near = difflib.get_close_matches(name.lower(), known, n=1)
        guess = f"did you mean {near[0]}?" if near else f"it may hold {', '.join(known) or 'nothing'}"
        where = f"[{'.'.join(map(_spelled, key))}]" if key else "hybrid.toml"
        self.complain((*key, name), f"is no setting of {where}; {guess}")


def _spelled(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else json.dumps(name)


def _instead(error: ValueError, value: object) -> str:
    if error.args:
        return f": {error}"
    shown = json.dumps(value, default=str)
    return f", not {shown if len(shown) <= 60 else shown[:57] + '...'}"


def _text(value: object, _: Path) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError
    return value


def _texts(value: object, folder: Path) -> tuple[str, ...]:
    return tuple(_text(each, folder) for each in (value if isinstance(value, list) else [value]))


def _git_patterns(value: object, folder: Path) -> tuple[str, ...]:
    # Imported here: only who has such patterns needs to know how they are read.
    from sync.local.patterns import BadPattern, parse

    patterns = _texts(value, folder)
    for each in patterns:
        try:
            parse(each.encode("utf-8", "surrogateescape"))
        except BadPattern as error:
            raise ValueError(f"{each!r} never matches: {error}") from error
    return patterns


def _flag(value: object, _: Path) -> bool:
    if not isinstance(value, bool):
        raise ValueError
    return value


def _command(value: object, folder: Path) -> str | tuple[str, ...]:
    if not isinstance(value, list):
        return _text(value, folder)
    if not value:
        raise ValueError
    return tuple(_text(each, folder) for each in value)


def gpu(value: object, folder: Path) -> str:
    """``none``, ``any``, or a word of a GPU's name. Raises ValueError."""
    text = _text(value, folder).strip()
    if not re.fullmatch(r"[A-Za-z0-9]+([ -][A-Za-z0-9]+)*", text):
        raise ValueError
    return text.lower() if text.lower() in ("none", "any") else text


def _variables(value: object, _: Path) -> dict[str, str]:
    if not isinstance(value, dict):
        raise ValueError
    for name, each in value.items():
        if not isinstance(each, str):
            raise ValueError(f'{name} is not a string; write {name} = "{json.dumps(each, default=str)}"')
        if not name or "=" in name or "\0" in name + each:
            raise ValueError(f"{json.dumps(name)} cannot be the name of an environment variable")
    return dict(value)


def _path(value: object, folder: Path) -> Path:
    try:
        return folder / Path(_text(value, folder)).expanduser()
    except RuntimeError as error:
        raise ValueError(f"{value} names a home folder that is not there") from error


def _inner_folder(value: object, folder: Path) -> str:
    path = PurePosixPath(_text(value, folder).replace("\\", "/"))
    if (
        path.is_absolute()
        or not path.parts
        or {"..", ".git", ".hybrid"} & set(path.parts)
        or ":" in path.parts[0]
    ):
        raise ValueError
    return str(path)


def _project_id(value: object, folder: Path) -> str:
    if not re.fullmatch(r"[a-z0-9-]{1,48}", _text(value, folder)):
        raise ValueError
    return str(value)


def _url(value: object, folder: Path) -> str:
    if not re.match(r"[a-z][a-z0-9]*:.", _text(value, folder)):
        raise ValueError
    return str(value)


def _pattern(value: object, folder: Path) -> str:
    try:
        return re.compile(_text(value, folder)).pattern
    except re.error as error:
        raise ValueError(f"{error}") from error


def _number(value: object, _: Path) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < float("inf"):
        raise ValueError
    return float(value)


def _positive(value: object, folder: Path) -> float:
    if not _number(value, folder):
        raise ValueError
    return _number(value, folder)


def _whole(least: int) -> Kind:
    def read(value: object, _: Path) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise ValueError
        return value

    return Kind(f"a whole number, at least {least}", read)


_UNITS = {"": 1, "b": 1} | {
    letter + suffix: base**power
    for power, letter in enumerate("kmgt", 1)
    for suffix, base in (("b", 1000), ("ib", 1024))
}


def _size(value: object, _: Path) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    found = (
        re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*", value.lower()) if isinstance(value, str) else None
    )
    if not found or found[2] not in _UNITS:
        raise ValueError
    return int(float(found[1]) * _UNITS[found[2]])


TEXT = Kind("a string", _text)
TEXTS = Kind("a list of strings", _texts)
GIT_PATTERNS = Kind("a list of patterns as in .gitignore", _git_patterns)
FLAG = Kind("true or false", _flag)
COMMAND = Kind("a string (for the shell) or a list of strings (program and arguments)", _command)
GPU = Kind('"none", "any", or a word of the name that nvidia-smi shows, such as "T4"', gpu)
VARIABLES = Kind("a table of strings", _variables)
PATH = Kind("a path", _path)
INNER_FOLDER = Kind("a folder inside the project, other than .git and .hybrid", _inner_folder)
PROJECT_ID = Kind("1 to 48 small letters, digits and hyphens", _project_id)
URL = Kind('a URL such as "folder:/path" or "sftp://user@host/path"', _url)
PATTERN = Kind("a regular expression", _pattern)
NUMBER = Kind("a number, at least 0", _number)
POSITIVE = Kind("a number above 0", _positive)
NATURAL = _whole(0)
COUNT = _whole(1)
SIZE = Kind('a size such as "500 MB" or "2GiB", or a number of bytes', _size)
