"""Which kept grading a word means: for every command that reads grades back."""

import os
import shlex
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from local_grader.kept import KeptGrading, grading_in, gradings
from local_grader.kept_figures import has_scores
from local_grader.reading import outputs
from local_grader.reading.rows import READABLE
from sync.errors import UsageError

from .grades_choice import Choice, choose
from .grades_text import way
from .project import Project
from .run_names import meant, name_of

SHOWN = 8
"""So much of a key is shown: enough to tell thousands of gradings apart."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Graded:
    """What a word means: ``found`` are its gradings, newest first and never none. ``called`` is what to write for it, ``target`` what
    ``hybrid grade`` would take for it. ``is_one``: the word named a single file of the ledger."""

    called: str
    target: str
    found: Sequence[KeptGrading]
    is_one: bool = False

    @property
    def keys(self) -> set[str]:
        """Those of all its gradings."""
        return {one.key for one in self.found}


def graded(project: Project, word: str) -> Graded:
    """The run that ``word`` means: by its id, the beginning of that, or its name. Else the file or folder of that path, with
    what is in it now, or with what it had where it is gone; else what was graded under that name; or one file of the
    ledger, by its path.

    Raises UsageError where no grading of it is kept, or where a name is that of several files.
    """
    path = Path(word)
    if path.suffix == ".parquet" and path.is_file():
        kept = grading_in(path)
        if kept is not None:
            return Graded(called=kept.run, target=_target(kept), found=[kept], is_one=True)
        if path.resolve().parent == project.state_dir.resolve() / "ledger" / "grades":
            raise UsageError(
                f"{path} holds no grades that can be read.", "hybrid gradings shows those that can."
            )
    known = gradings(project.state_dir / "ledger")
    run = _run(project, path, word, known)
    if run is None and (now := _now(project, path, known)) is not None:
        return _of_content(word, now, known)
    if run is None and _is_path(word):
        return _gone(word, known)
    folder = (project.root / project.config.project.outputs).resolve().name
    # A file or folder elsewhere may be called as the run is.
    own = [one for one in known if one.run == run and one.facts.source in ("", f"{folder}/{run}")]
    run = run or meant(word, {one.run for one in known})
    found = own or [one for one in known if one.run == run]
    if run is None or not found:
        raise UsageError(f"No grades of {word} are kept.", _hint(project, word, known))
    titles = list(dict.fromkeys(one.title for one in found))
    if len(titles) > 1 and not own:
        raise UsageError(
            f"{word} is what several graded files are called: {', '.join(titles)}.",
            "Name the one that you mean by its path.",
        )
    return Graded(called=run, target=_target(found[0]), found=found)


def fitting(graded: Graded, grading: str | None) -> Sequence[KeptGrading]:
    """Those that ``grading`` chooses: the name of a scorer, a rubric or a judge, or the beginning of the key that ends the name of the
    ledger's file. Raises UsageError where there are none."""
    if grading is None or graded.is_one:
        return graded.found
    found = [one for one in graded.found if _fits(one, grading)]
    if not found:
        raise UsageError(
            f"{graded.called} was not graded by {grading}.",
            f"It was graded by: {', '.join(_ways(graded.found))}; hybrid gradings {graded.called} shows the keys.",
        )
    # A scorer's name means it alone, where there is such a grading.
    return sorted(found, key=lambda one: one.scorer == grading and one.rubric is not None)


def fitting_two(
    a: Graded, b: Graded, grading: str | None
) -> tuple[Sequence[KeptGrading], Sequence[KeptGrading]]:
    """The same for two: a key is one side's, and names its way for both."""
    if grading is not None and not any(_is_named(one, grading) for one in (*a.found, *b.found)):
        has_key = [any(_has_key(one, grading) for one in side.found) for side in (a, b)]
        if any(has_key):
            words = [grading if has else None for has in has_key]
            return fitting(a, words[0]), fitting(b, words[1])
    return fitting(a, grading), fitting(b, grading)


def find(
    project: Project,
    word: str,
    grading: str | None = None,
    warn: Callable[[str], None] = lambda _sentence: None,
) -> tuple[KeptGrading, str]:
    """The grading of ``word`` that counts, and what to call it. Raises as ``graded`` and ``fitting``."""
    asked = graded(project, word)
    return newest(asked, fitting(asked, grading), warn), asked.called


def newest(graded: Graded, found: Sequence[KeptGrading], warn: Callable[[str], None]) -> KeptGrading:
    """The one of ``found`` that counts."""
    choice = choose(found, has_scores)
    tell_passed(graded, choice, warn)
    return choice.grading


def tell_passed(graded: Graded, choice: Choice, warn: Callable[[str], None]) -> None:
    """One line on a newer grading that does not count."""
    if choice.passed is not None:
        key = choice.passed.key[:SHOWN]
        warn(
            f"The grading {key} of {graded.called}, by {way(choice.passed)}, was passed over: {choice.why}; "
            f"--grading {key} takes it."
        )


def _run(project: Project, path: Path, word: str, known: Sequence[KeptGrading]) -> str | None:
    """The graded run of the project that ``word`` means, if any: no file or folder of that name is meant then."""
    folder = project.root / project.config.project.outputs
    if path.is_dir() and path.resolve().parent == folder.resolve():
        return path.resolve().name
    if path.is_file() and not (folder / word).is_dir():
        return None
    runs = {one.run for one in known}
    return meant(word, [run for run in runs if name_of(run) or (folder / run).is_dir()])


def _now(
    project: Project, path: Path, known: Sequence[KeptGrading]
) -> tuple[outputs.Target, set[str]] | None:
    """What lies at ``path``, and what it hashes to, with all files and with those that were chosen when it was graded. None where
    nothing is there that can be graded."""
    if not path.exists():
        return None
    target, hashes = None, set()
    name = path.resolve().name
    chosen = [tuple(one.facts.files) for one in known if path.is_dir() and one.run == name]
    for files in dict.fromkeys([(), *chosen]):
        with suppress(UsageError):  # a folder without answers
            # As it is absolute, it means no run.
            target = outputs.find(project.root, str(path.resolve()), files)
            hashes.add(outputs.digest(target.sources))
    return (target, hashes) if target else None


def _is_path(word: str) -> bool:
    """A run's id may hold dots, but not these endings."""
    return "/" in word or os.sep in word or Path(word).suffix.lower() in READABLE


def _gone(word: str, known: Sequence[KeptGrading]) -> Graded:
    """What was graded where nothing lies now."""
    found = [one for one in known if one.facts.source and one.facts.source == outputs.short(Path(word))]
    if not found:
        raise UsageError(
            f"There is no file {word}, and no grading of one is kept.",
            "hybrid gradings shows what was graded.",
        )
    return Graded(called=word, target=word, found=found)


def _of_content(word: str, now: tuple[outputs.Target, set[str]], known: Sequence[KeptGrading]) -> Graded:
    target, hashes = now
    named = [one for one in known if one.run == target.name]
    found = [one for one in named if one.entry["outputs_sha256"] in hashes]
    if found:
        return Graded(called=word, target=word, found=found)
    told = f"No grades of {word} are kept."
    if named:
        other = next((one for one in named if one.facts.source == target.source), named[0])
        told = (
            f"{word} was not graded as it is now; {other.title} was, with another content "
            f"(key {other.key[:SHOWN]})."
        )
    raise UsageError(told, f"hybrid grade {shlex.quote(word)}")


def _target(kept: KeptGrading) -> str:
    source = kept.facts.source
    return next(
        (each for each in (source, Path(source).name) if each and Path(each).exists()), source or kept.run
    )


def _hint(project: Project, word: str, known: Sequence[KeptGrading]) -> str:
    """What was never graded may be, where it is there; else it is a slip."""
    folder = project.root / project.config.project.outputs
    runs = [each.name for each in folder.iterdir() if each.is_dir()] if folder.is_dir() else []
    if meant(word, runs):
        return f"hybrid grade {shlex.quote(word)}"
    return (
        "hybrid gradings shows what was graded."
        if known
        else "Nothing was graded yet; hybrid grade RUN|FILE does."
    )


def _fits(kept: KeptGrading, word: str) -> bool:
    return _is_named(kept, word) or _has_key(kept, word)


def _is_named(kept: KeptGrading, word: str) -> bool:
    return word in (kept.scorer, kept.rubric) or word in kept.models


def _has_key(kept: KeptGrading, word: str) -> bool:
    return bool(word) and kept.key.startswith(word)


def _ways(found: Sequence[KeptGrading]) -> list[str]:
    """Each as one could name it, newest first."""
    return list(dict.fromkeys(" with ".join([one.scorer, *one.models]) for one in found))
