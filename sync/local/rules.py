"""What of a project tree goes, and why the rest is held back: ignore files, includes, secrets, our own files.

From the strongest word to the weakest:

1. ``.git`` never goes, at any depth; neither do ``.hybrid`` at the root, the folder of outputs, and the mailbox
   itself where it lies inside the project.
2. A secret's name is held back, unless an include names it by more than ``*``.
3. An include brings in the path that it matches and all below, but not, below it, what ``.hybridignore`` holds
   back there (that file speaks to us, so it is how to carve something out), nor well-known junk.
4. The last rule that matches, of: junk, the user's own ignore file, ``.git/info/exclude``, then in each directory
   from the repository's top down ``.gitignore`` and after it ``.hybridignore``. Rules cannot bring back anything
   below a directory that is held back, as in git.
5. What git tracks in spite of git's rules goes: for git, it is not ignored.

A ``Folder`` is the state of the rules in one directory on the way down. Nothing here reads the disk.
"""

import enum
import itertools
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from ..errors import Problem
from .ignore import NO_RULE, Level, Rule, read_rules, top
from .include import names, suggestion
from .secrets import Secrets

GIT_RULES: Final = b".gitignore"
OUR_RULES: Final = b".hybridignore"

_JUNK = (
    b"__pycache__/\n.venv/\nnode_modules/\n.mypy_cache/\n.pytest_cache/\n.ruff_cache/\n.hypothesis/\n.tox/\n.nox/\n"
    b".ipynb_checkpoints/\n.DS_Store\nThumbs.db\ndesktop.ini\n"
)


@dataclass(frozen=True, kw_only=True)
class HeldBack:
    """A path that stays, with everything below it; what lies below it is not listed.

    path     as in a snapshot entry
    folder   it is a directory
    why      a clause, such as ``git ignores it: .gitignore:3 data/``
    secret   held back for its name
    junk     well known and hardly ever missed: not worth suggesting
    include  what to write into ``[push] include`` to bring it in
    partly   something below it goes all the same
    """

    path: bytes
    folder: bool
    why: str
    secret: bool = False
    junk: bool = False
    include: str = ""
    partly: bool = False


class _Mode(enum.Enum):
    NORMAL = enum.auto()  # ignore rules decide
    INCLUDED = enum.auto()  # below what an include matched
    TRACKED = enum.auto()  # below what git's rules hold back: includes go, and what git tracks
    EXCLUDED = enum.auto()  # below what else is held back: includes go


class Rules:
    """The rules of one project before any of its directories is read.

    ``outside`` are the rules from outside the project as they stand at its root, built on ``junk_level``;
    ``tracked`` are the paths that git tracks in spite of its rules; ``problems`` are lines that never match;
    ``outputs`` is the folder of pulled outputs, and ``mailbox`` that of the mailbox, empty where it lies elsewhere.
    """

    def __init__(
        self,
        include: Sequence[Rule] = (),
        outside: Level | None = None,
        tracked: frozenset[bytes] = frozenset(),
        ignore_case: bool = False,
        problems: Sequence[Problem] = (),
        outputs: bytes = b"outputs",
        mailbox: bytes = b"",
    ) -> None:
        self.include = tuple(include)
        self.ignore_case = ignore_case
        self.problems = tuple(problems)
        self.junk = junk_level(ignore_case)
        self.secrets = Secrets()
        self.outside = self.junk if outside is None else outside
        self.tracked = tracked
        self.tracked_folders = frozenset(
            path[:i] for path in tracked for i, c in enumerate(path) if c == 0x2F
        )
        self._never = _spellings((b".git",), ignore_case)
        self._never_in = {b"": self._never | _spellings((b".hybrid",), ignore_case)}
        for path in (outputs, mailbox):
            parent, slash, name = path.rpartition(b"/")
            if name:
                self._never_in[parent + slash] = self.never(parent + slash) | _spellings((name,), ignore_case)

    def never(self, path: bytes) -> frozenset[bytes]:
        """Names that never go in the directory ``path``, which is empty or ends with a slash."""
        return self._never_in.get(path, self._never)

    def root(self) -> "Folder":
        nothing = top(self.ignore_case)
        wanted = nothing.add(self.include, names_as_paths=True)
        return Folder(self, b"", _Mode.NORMAL, self.outside, nothing, wanted)


def junk_level(ignore_case: bool) -> Level:
    """The level above all others: only what is well known to be junk."""
    return top(ignore_case).add(read_rules(_JUNK, "built in", ignore_case=ignore_case)[0])


class Folder:
    """The rules as they stand in one directory of the project.

    path   relative to the root, with a slash at its end; empty for the root
    whole  what lies here goes unless something holds it back, so an empty directory is worth an entry
    apart  it may lie below what is held back, so that what goes here is an exception
    """

    __slots__ = (
        "_level",
        "_mode",
        "_never",
        "_own",
        "_own_file",
        "_rules",
        "_wanted",
        "apart",
        "path",
        "whole",
    )

    def __init__(
        self, rules: Rules, path: bytes, mode: _Mode, level: Level, own: Level, wanted: Level
    ) -> None:
        self.path = path
        self.whole = mode is _Mode.NORMAL or mode is _Mode.INCLUDED
        self.apart = mode is not _Mode.NORMAL
        self._rules = rules
        self._mode = mode
        self._level = level if mode is _Mode.NORMAL else rules.junk
        self._own = own  # the rules of .hybridignore alone
        self._own_file = own.file if mode is _Mode.INCLUDED and own.rules else None
        self._wanted = wanted
        self._never = rules.never(path)

    def read(self, files: dict[bytes, bytes]) -> tuple["Folder", list[Problem]]:
        """This folder once its own ignore files count, given by name and content."""
        level, own = self._level, self._own
        problems: list[Problem] = []
        for name in (GIT_RULES, OUR_RULES):
            ours = name == OUR_RULES
            if name not in files or (not ours and self._mode is not _Mode.NORMAL):
                continue
            source = os.fsdecode(self.path + name)
            found, bad = read_rules(files[name], source, ours=ours, ignore_case=self._rules.ignore_case)
            problems += bad
            level = level.add(found)
            own = own.add(found) if ours else own
        return Folder(self._rules, self.path, self._mode, level, own, self._wanted), problems

    def file(self, name: bytes) -> tuple[bool, HeldBack | None]:
        """Whether a file or symbolic link of this directory goes, and if not, what there is to tell about it."""
        if (
            self.whole
            and self._level.file(name) == NO_RULE
            and self._rules.secrets.file(name) is None
            and (self._own_file is None or self._own_file(name) == NO_RULE)
            and name not in self._never
        ):
            return True, None
        mode, held = self._judge(name, folder=False)
        return mode is not None, held

    def folder(self, name: bytes) -> tuple["Folder | None", HeldBack | None]:
        """The directory ``name`` of this one if anything there may go, and what there is to tell about it."""
        mode, held = self._judge(name, folder=True)
        if mode is None:
            return None, held
        path = self.path + name
        going = mode is _Mode.NORMAL or mode is _Mode.INCLUDED
        # ``**/x`` is no reason to search a virtual environment, nor to open a folder of secrets.
        rules = self._rules
        shut = not going and (rules.junk.folder(name) != NO_RULE or rules.secrets.folder(name) is not None)
        wanted = self._wanted.enter(name, by_name=shut)
        tracked = mode is _Mode.TRACKED and path in rules.tracked_folders
        if not going and wanted.hopeless and not tracked:
            return None, held
        level = self._level.enter(name) if mode is _Mode.NORMAL else self._level
        return Folder(rules, path + b"/", mode, level, self._own.enter(name), wanted), held

    def _judge(self, name: bytes, folder: bool) -> tuple[_Mode | None, HeldBack | None]:
        """For a file: None if it stays. For a directory: how its content is to be judged, None if by nothing."""
        if name in self._never:
            return None, None
        search = _Mode.EXCLUDED if folder else None
        include = _last(self._wanted, name, folder)
        secret = (self._rules.secrets.folder if folder else self._rules.secrets.file)(name)
        if secret is not None and (include is None or not names(include)):
            why = f"its name is that of a secret: {secret}"
            return search, self._held(name, folder, why, secret=True) if self.whole or include else None
        if include is not None:
            return _Mode.INCLUDED, None
        if self._mode is _Mode.EXCLUDED:
            return search, None
        own = _last(self._own, name, folder)
        if self._mode is _Mode.TRACKED:
            if own is not None and not own.pattern.negated:
                return search, None
            return _Mode.TRACKED if folder or self.path + name in self._rules.tracked else None, None
        rule = _last(self._level, name, folder)
        if self._mode is _Mode.INCLUDED and own is not None:
            rule = own
        if rule is None or rule.pattern.negated:
            return self._mode, None
        if rule.ours:
            return search, self._held(name, folder, f"hybrid ignores it: {rule}")
        if self._mode is _Mode.INCLUDED:
            return search, self._held(name, folder, f"junk: {rule}")
        if not folder and self.path + name in self._rules.tracked:
            return _Mode.NORMAL, None
        return _Mode.TRACKED if folder else None, self._held(name, folder, f"git ignores it: {rule}")

    def _held(self, name: bytes, folder: bool, why: str, secret: bool = False) -> HeldBack:
        junk = self._rules.junk.folder(name) if folder else self._rules.junk.file(name)
        return HeldBack(
            path=self.path + name,
            folder=folder,
            why=why,
            secret=secret,
            junk=junk != NO_RULE,
            include=suggestion(self.path + name, folder),
        )


def _last(level: Level, name: bytes, folder: bool) -> Rule | None:
    number = level.folder(name) if folder else level.file(name)
    return None if number == NO_RULE else level.rules[number]


def _spellings(names: Iterable[bytes], ignore_case: bool) -> frozenset[bytes]:
    if not ignore_case:
        return frozenset(names)
    return frozenset(
        bytes(letters)
        for name in names
        for letters in itertools.product(*zip(name.lower(), name.upper(), strict=True))
    )
