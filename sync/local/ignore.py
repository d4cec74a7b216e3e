"""Which rule of git's ignore files decides about a name, asked one directory at a time on the way down.

A ``Level`` stands for a directory: its rules are those of all files read so far, lowest priority first, and its
states say how far each pattern with slashes has been matched by the path down to here. Directories in the same
state share one ``Level``, so nearly all of a tree's directories cost nothing, and a name costs one dictionary
look-up, one ``endswith`` and one regular expression per file of rules that needs one.

A level only says which rule is the last to match a name. What follows from it (an excluded directory is not
entered) is the caller's to do.
"""

import os
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from ..errors import Problem
from .patterns import BadPattern, Component, Pattern, lines, parse

NO_RULE: Final = -1


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One line of an ignore file.

    ``source`` is the file as a person knows it, relative to the project root where it lies inside.
    ``ours`` is true of ``.hybridignore``, which git does not read.
    """

    source: str
    line: int
    text: bytes
    pattern: Pattern
    ours: bool = False

    def __str__(self) -> str:
        where = f"{self.source}:{self.line}" if self.line else self.source
        return f"{where} {self.text.decode('utf-8', 'replace')}"


def read_rules(
    data: bytes, source: str, *, ours: bool = False, ignore_case: bool = False
) -> tuple[list[Rule], list[Problem]]:
    """The rules of an ignore file's content. A line that can never match is a problem, as in git not an error."""
    rules: list[Rule] = []
    problems: list[Problem] = []
    for number, text in lines(data):
        try:
            pattern = parse(text, ignore_case)
        except BadPattern as bad:
            shown = text.decode("utf-8", "replace")
            problems.append(Problem(os.fsencode(source), f"line {number}: {shown!r} never matches: {bad}"))
        else:
            rules.append(Rule(source=source, line=number, text=text, pattern=pattern, ours=ours))
    return rules, problems


class Matcher:
    """Finds the last of many name patterns that matches."""

    def __init__(self, ignore_case: bool) -> None:
        self._ignore_case = ignore_case
        self._literals: dict[bytes, int] = {}
        self._suffixes: dict[bytes, int] = {}
        self._endings: tuple[bytes, ...] = ()
        self._regexes: list[tuple[int, Callable[[bytes], re.Match[bytes] | None], list[int]]] = []

    def extended(self, components: Iterable[tuple[int, Component]]) -> "Matcher":
        """A matcher that also knows these, by number. Higher numbers win, whatever the order."""
        more = Matcher(self._ignore_case)
        more._literals = self._literals.copy()
        more._suffixes = self._suffixes.copy()
        sources: list[tuple[int, bytes]] = []
        for number, component in components:
            if component.literal is not None:
                more._literals[component.literal] = max(number, more._literals.get(component.literal, -1))
            elif component.spans or component.suffix is not None:
                suffix = component.suffix or b""
                more._suffixes[suffix] = max(number, more._suffixes.get(suffix, -1))
            else:
                sources.append((number, component.regex))
        more._endings = tuple(more._suffixes)
        more._regexes = self._regexes.copy()
        if sources:
            sources.sort(reverse=True)
            numbers = [number for number, _ in sources]
            joined = b"|".join(b"(" + source + b")" for _, source in sources)
            more._regexes.append(
                (numbers[0], re.compile(b"(?:" + joined + b")", re.DOTALL).fullmatch, numbers)
            )
            more._regexes.sort(key=lambda regex: -regex[0])
        return more

    def __bool__(self) -> bool:
        return bool(self._literals or self._suffixes or self._regexes)

    def find(self, name: bytes) -> int:
        """The number of the last pattern that matches, or NO_RULE."""
        if self._ignore_case:
            name = name.lower()
        best = self._literals.get(name, NO_RULE)
        if name.endswith(self._endings):
            for suffix, number in self._suffixes.items():
                if number > best and name.endswith(suffix):
                    best = number
        for highest, match, numbers in self._regexes:
            if highest > best and (found := match(name)) is not None:
                best = max(best, numbers[(found.lastindex or 1) - 1])
        return best


# A rule's number and how many of its parts the path has matched so far.
_State = tuple[int, int]


class _Stack:
    """What the levels under one set of ignore files share."""

    def __init__(self, rules: tuple[Rule, ...], files: Matcher, folders: Matcher, ignore_case: bool) -> None:
        self.rules = rules
        self.files = files
        self.folders = folders
        self.ignore_case = ignore_case
        self.levels: dict[tuple[_State, ...], Level] = {}

    def level(self, states: tuple[_State, ...]) -> "Level":
        if states not in self.levels:
            self.levels[states] = Level(self, states)
        return self.levels[states]


class Level:
    """The rules as they stand in one directory.

    ``file(name)`` and ``folder(name)`` give the number in ``rules`` of the last rule that matches an entry of
    this directory, or NO_RULE. Symbolic links, also to directories, are files.
    """

    def __init__(self, stack: _Stack, states: tuple[_State, ...]) -> None:
        self._stack = stack
        self._states = states
        self.rules = stack.rules
        last = [
            (number, rule.pattern.parts[at], rule.pattern.directory_only)
            for number, at in states
            if at == len((rule := stack.rules[number]).pattern.parts) - 1
        ]
        files, folders = stack.files, stack.folders
        if last:
            files = files.extended((number, part) for number, part, folder in last if not folder)
            folders = folders.extended((number, part) for number, part, _ in last)
        self.files = files
        self.folders = folders
        self.file = files.find
        self.folder = folders.find

    @property
    def hopeless(self) -> bool:
        """Nothing in this directory or below can match a pattern that has slashes."""
        return not self._states

    def enter(self, name: bytes, by_name: bool = False) -> "Level":
        """The level of the directory ``name`` in this one.

        With ``by_name`` a pattern has to say something about the name to come along: ``*`` and ``**`` do not.
        """
        if not self._states:
            return self
        if self._stack.ignore_case:
            name = name.lower()
        states: list[_State] = []
        for number, at in self._states:
            parts = self.rules[number].pattern.parts
            if by_name and parts[at].any_name:
                continue
            if parts[at].spans:
                _reach(states, number, at, parts)
            elif at + 1 < len(parts) and parts[at].matches(name):
                _reach(states, number, at + 1, parts)
        return self._stack.level(tuple(dict.fromkeys(states)))

    def add(self, rules: Iterable[Rule], *, names_as_paths: bool = False) -> "Level":
        """This directory's level once the rules of its own ignore file count as well, above all others.

        A name at any depth needs no state, as the matchers of all levels below have it; with ``names_as_paths``
        it is a ``**/name`` like any other, which ``enter`` can leave behind.
        """
        numbered = list(enumerate(rules, start=len(self.rules)))
        if not numbered:
            return self
        names = (
            [] if names_as_paths else [(n, rule.pattern) for n, rule in numbered if _is_name(rule.pattern)]
        )
        states = list(self._states)
        for number, rule in numbered:
            if names_as_paths or not _is_name(rule.pattern):
                _reach(states, number, 0, rule.pattern.parts)
        stack = _Stack(
            self.rules + tuple(rule for _, rule in numbered),
            self._stack.files.extended((n, p.parts[1]) for n, p in names if not p.directory_only),
            self._stack.folders.extended((n, p.parts[1]) for n, p in names),
            self._stack.ignore_case,
        )
        return stack.level(tuple(states))


def top(ignore_case: bool = False) -> Level:
    """The level of the topmost directory before any rule is known."""
    return _Stack((), Matcher(ignore_case), Matcher(ignore_case), ignore_case).level(())


def _is_name(pattern: Pattern) -> bool:
    return len(pattern.parts) == 2 and pattern.parts[0].spans


def _reach(states: list[_State], number: int, at: int, parts: tuple[Component, ...]) -> None:
    states.append((number, at))
    while parts[at].spans and at + 1 < len(parts):
        at += 1
        states.append((number, at))
