"""What ``hybrid gradings`` shows and removes: the files of the ledger that hold grades."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path

from local_grader import kept, kept_figures
from local_grader.kept import KeptGrading
from local_grader.kept_figures import Figures
from sync.errors import UsageError

from .grades import graded
from .grades_text import way
from .project import Project

_LEAST = 4
"""Digits of a key: fewer are more likely a slip."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Kept:
    """``at`` is the wall clock of the file: when it was graded so for the last time."""

    grading: KeptGrading
    figures: Figures
    bytes: int
    at: float

    @property
    def is_whole(self) -> bool:
        """Whether nothing was left for a later grading."""
        facts = self.grading.facts
        return not (self.figures.missing or facts.unheard or facts.unread)


@dataclass(frozen=True, kw_only=True, slots=True)
class Doomed:
    """A file that is to go. ``of`` and ``way`` say what was graded by what; they are empty where it cannot be read."""

    key: str
    path: Path
    bytes: int
    of: str = ""
    way: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Shelf:
    """Newest first; ``unreadable`` is damaged, or of another version of hybrid. ``runs`` are all that were graded."""

    kept: Sequence[Kept]
    unreadable: Sequence[Doomed]
    runs: AbstractSet[str]


def shelf(project: Project, words: Sequence[str] = ()) -> Shelf:
    """All gradings of the ledger; or those of the runs and files that ``words`` mean, as for a report. Raises UsageError where one was
    never graded."""
    gradings = {path: kept.grading_in(path) for path in kept.files(project.state_dir / "ledger")}
    readable = [one for one in gradings.values() if one is not None]
    wanted = {key for word in words for key in graded(project, word).keys}
    found, unreadable = [], []
    for path, grading in gradings.items():
        if wanted and (grading is None or grading.key not in wanted):
            continue
        one = _kept(grading) if grading is not None else None
        if one is not None:
            found.append(one)
        else:
            unreadable.append(_doomed(path))
    return Shelf(kept=found, unreadable=unreadable, runs={one.run for one in readable})


def _kept(grading: KeptGrading) -> Kept | None:
    about = grading.path.stat()
    try:
        figures = kept_figures.figures(grading)
    except UsageError:
        return None
    return Kept(grading=grading, figures=figures, bytes=about.st_size, at=about.st_mtime)


def doomed(ledger: Path, words: Sequence[str]) -> list[Doomed]:
    """What is meant by keys and beginnings of keys. Raises UsageError where one means none, or several."""
    files = kept.files(ledger)
    return [_doomed(path) for path in dict.fromkeys(_meant(word, files) for word in words)]


def left_without(ledger: Path, doomed: Sequence[Doomed]) -> list[str]:
    """The runs and files of which no grading would be left."""
    gone = {each.path for each in doomed}
    left = {one.title for one in kept.gradings(ledger) if one.path not in gone}
    return [of for of in dict.fromkeys(each.of for each in doomed) if of and of not in left]


def remove(project: Project, doomed: Doomed) -> None:
    """With the page that ``hybrid report --open`` has made of it."""
    doomed.path.unlink(missing_ok=True)
    (project.state_dir / "reports" / f"{doomed.path.stem}.html").unlink(missing_ok=True)


def _meant(word: str, files: Sequence[Path]) -> Path:
    starting = [path for path in files if kept.key_of(path).startswith(word.lower())]
    if len(word) < _LEAST:
        raise UsageError(f"{word!r} is too short for a key.", f"Write {_LEAST} digits of it or more.")
    if not starting:
        raise UsageError(
            f"No grading has a key that begins with {word!r}.", "hybrid gradings shows the keys of all."
        )
    if len(starting) > 1:
        keys = ", ".join(map(kept.key_of, starting[:5]))
        raise UsageError(
            f"{word!r} is the beginning of {len(starting)} keys: {keys}.",
            "Write more of the one that you mean.",
        )
    return starting[0]


def _doomed(path: Path) -> Doomed:
    about = Doomed(key=kept.key_of(path), path=path, bytes=path.stat().st_size)
    grading = kept.grading_in(path)
    if grading is None:
        return about
    return Doomed(key=about.key, path=path, bytes=about.bytes, of=grading.title, way=way(grading))
