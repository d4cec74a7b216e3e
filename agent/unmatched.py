"""Patterns of ``[push] include`` that bring nothing in: misspelt, mostly, and nobody would miss the files before a run does."""

import itertools
import json
import os
from collections.abc import Iterable, Iterator

from sync.local.ignore import NO_RULE, Level, Rule, top
from sync.local.index import Index
from sync.local.rules import Rules
from sync.push.changes import Look

_TOLD = "include_unmatched"


def unmatched(rules: Rules, index: Index, seen: Look) -> list[str]:
    """The patterns that no path matches which is published once ``seen`` is, as texts."""
    return [
        os.fsdecode(rule.text).removeprefix("/")
        for rule in rules.include
        if not _is_matched(rule, _going(index, seen, _top(rule, rules)), rules.ignore_case)
    ]


def news(index: Index, found: list[str]) -> list[str]:
    """Those that were not told yet. From now on they are, until each has matched something."""
    told = json.loads(index.meta_get(_TOLD) or "[]")
    if found != told:
        index.meta_set(_TOLD, json.dumps(found))
    return [each for each in found if each not in told]


def line(pattern: str) -> str:
    return f"[push] include names {pattern!r}, and nothing that is pushed matches that"


def _is_matched(rule: Rule, paths: Iterable[tuple[bytes, bool]], ignore_case: bool) -> bool:
    levels: dict[bytes, Level | None] = {b"": top(ignore_case).add([rule], names_as_paths=True)}
    for path, is_folder in paths:
        folder, _, name = path.rpartition(b"/")
        level = _level(levels, folder)
        if level is None or (level.folder if is_folder else level.file)(name) != NO_RULE:
            return True
    return False


def _level(levels: dict[bytes, Level | None], folder: bytes) -> Level | None:
    """The rule as it stands in ``folder``; None where that, or a folder above it, matches."""
    if folder not in levels:
        parent, _, name = folder.rpartition(b"/")
        above = _level(levels, parent)
        is_match = above is None or above.folder(name) != NO_RULE
        levels[folder] = None if above is None or is_match else above.enter(name)
    return levels[folder]


def _top(rule: Rule, rules: Rules) -> bytes | None:
    """The folder or file in which all lies that matches; None where that may be anywhere."""
    parts = itertools.takewhile(lambda part: part.literal is not None, rule.pattern.parts)
    names = [part.literal or b"" for part in parts]
    return b"/".join(names) if names and not rules.ignore_case else None


def _going(index: Index, seen: Look, below: bytes | None) -> Iterator[tuple[bytes, bool]]:
    """The paths that go, and whether each is an empty folder."""
    gone = {*seen.removed, *seen.others_gone}
    others = {**index.others(), **seen.others}
    found = itertools.chain(
        ((row[0], False) for row in index.rows(below)),
        ((entry.path, False) for entry in seen.changed),
        ((path, False) for path in seen.moved),
        ((path, not target) for path, target in others.items()),
    )
    return (each for each in found if each[0] not in gone)
