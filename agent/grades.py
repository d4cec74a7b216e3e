"""Which kept grading a word means: for every command that reads grades back."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from local_grader.kept import KeptGrading, grading_in, gradings
from sync.errors import UsageError

from .project import Project
from .run_names import meant

SHOWN = 8
"""So much of a key is shown: enough to tell thousands of gradings apart."""


def find(project: Project, word: str, grading: str | None = None) -> KeptGrading:
    """The newest grading of the run that ``word`` means: its id, the beginning of that, or its name; or of the graded file
    of that name, with its ending or without. ``word`` may also be the path of a file of the ledger.

    ``grading`` chooses among several: the name of a scorer or of a judge, or the beginning of the key that ends the name of
    the ledger's file. Raises UsageError where there is none.
    """
    ledger = project.state_dir / "ledger"
    path = Path(word)
    if path.suffix == ".parquet" and path.is_file():
        return _of_file(path)
    known = gradings(ledger)
    run = run_meant(word, known)
    found = [one for one in known if one.run == run]
    if not found:
        raise UsageError(f"No grades of {word} are kept.", f"hybrid grade {word}")
    fitting = [one for one in found if grading is None or _fits(one, grading)]
    # A scorer's name means it alone, where there is such a grading.
    fitting.sort(key=lambda one: grading == one.scorer and bool(one.judges))
    if not fitting:
        raise UsageError(
            f"{run} was not graded by {grading}.",
            f"It was graded by: {', '.join(_ways(found))}; hybrid gradings {run} shows the keys.",
        )
    return _whole(fitting)


def run_meant(word: str, known: Iterable[KeptGrading]) -> str | None:
    """The run, or the graded file, that ``word`` means among those ``known``; None where there is none. Raises UsageError where
    it is several."""
    runs = {one.run for one in known}
    stem = Path(word).stem
    # A run's id may hold dots, so the word as it is comes first.
    return meant(word, runs) or (stem if stem in runs else None)


def _whole(found: Sequence[KeptGrading]) -> KeptGrading:
    """The newest; but one to which a judge was lacking does not hide one of the same outputs that has all verdicts."""
    newest = found[0]
    if newest.facts.unheard:
        same = [one for one in found if one.entry["outputs_sha256"] == newest.entry["outputs_sha256"]]
        return next((one for one in same if one.judges and not one.facts.unheard), newest)
    return newest


def _of_file(path: Path) -> KeptGrading:
    kept = grading_in(path)
    if kept is None:
        raise UsageError(f"{path} holds no grades that can be read.", "hybrid grade RUN")
    return kept


def _fits(kept: KeptGrading, word: str) -> bool:
    return word == kept.scorer or word in kept.judges or (bool(word) and kept.key.startswith(word))


def _ways(found: Sequence[KeptGrading]) -> list[str]:
    """Each as one could name it, newest first."""
    return list(dict.fromkeys(" with ".join([one.scorer, *one.judges]) for one in found))
