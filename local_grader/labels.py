"""Labels: what a person, or a stronger model, says of samples; the yardstick that a judge is measured with.

A file of labels is read as it grows: a later line for the same sample wins, and one without a label takes it back.
"""

import hashlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sync.errors import HybridError, Problem, UsageError

from .reading.fields import Fields, identity, mapping
from .reading.rows import READABLE, BadRow, Row, read
from .samples import Unfit

CORRECT = "correct"
LABEL_NAMES = (
    "label",
    "verdict",
    "verdicts",
    "human",
    "correct",
    "right",
    "passed",
    "pass",
    "grade",
    "score",
)
WORDS: Mapping[str, float] = {
    **dict.fromkeys(("true", "yes", "y", "pass", "passed", "correct", "right", "c", "good"), 1.0),
    **dict.fromkeys(("false", "no", "n", "fail", "failed", "incorrect", "wrong", "i", "bad"), 0.0),
}
"""What labels are written as, besides numbers from 0 to 1."""

_VALUE = "value"
_LONGEST_SHOWN = 40


@dataclass(frozen=True, kw_only=True, slots=True)
class Labels:
    """``by_sample`` holds values in [0, 1]. ``ties`` are samples whose several verdicts are split in half, ``problems`` rows
    that could not be used. ``labellers`` are those whom the rows name, ``hard`` counts labels of samples that were drawn because
    they are hard, ``others`` rows of another run. ``sha256`` names the labels that count, in hex."""

    by_sample: Mapping[str, float]
    ties: Sequence[str]
    problems: Sequence[Problem]
    labellers: Sequence[str]
    hard: int = 0
    others: int = 0

    @property
    def undecided(self) -> Sequence[str]:
        """Labelled as a tie, or with as many verdicts for it as against it: neither says what a judge should."""
        return sorted({*self.ties, *(sample for sample, label in self.by_sample.items() if label == 0.5)})

    @property
    def sha256(self) -> str:
        return hashlib.sha256(json.dumps(sorted(self.by_sample.items())).encode()).hexdigest()


def load(
    path: Path,
    field: str | None = None,
    words: Mapping[str, float] | None = None,
    run: str | None = None,
    rubric: str | None = None,
) -> Labels:
    """``field`` is the only field to look for, where it is given; ``words`` are more words and what they are worth. Rows
    that ``hybrid label`` wrote of another run than ``run``, or by another rubric, are left out: there the same question got
    another answer, or something else was asked about it. Gradings by rule alone, of which ``rubric`` is None, are about
    what is correct.

    Raises UsageError where there is no such file, or no label in it.
    """
    if not path.is_file():
        raise UsageError(
            f"There is no file of labels {path}.", "hybrid label RUN makes one; or name one that is there."
        )
    if path.suffix.lower() not in READABLE:
        raise UsageError(
            f"{path} is not a kind of file that can be read.", f"Name one that ends in {', '.join(READABLE)}."
        )
    names, known = (field,) if field else LABEL_NAMES, {**WORDS, **_folded(words or {})}
    values: dict[str, float] = {}
    ties: set[str] = set()
    problems: list[Problem] = []
    labellers: set[str] = set()
    hard: set[str] = set()
    others = 0
    for row in read(path, Fields().id_names()):
        if isinstance(row, BadRow):
            problems.append(_problem(path, row.what))
            continue
        about = row.value if isinstance(row.value, dict) else {}
        if run is not None and not _is_about(about, run, rubric or CORRECT):
            others += 1
            continue
        try:
            sample, label = _label(row, names, known)
        except Unfit as error:
            problems.append(_problem(path, f"{row.where} {error}".strip()))
            continue
        ties.discard(sample)
        hard.discard(sample)
        values.pop(sample, None)
        if label == 0.5 and _is_list(row, names):
            ties.add(sample)
        elif label is not None:
            values[sample] = label
        if isinstance(name := about.get("labeller"), str):
            labellers.add(name)
        # A table of text has it as text.
        if str(about.get("hard")).casefold() == "true" and sample in values:
            hard.add(sample)
    if not values and problems:
        its = "its" if problems[0].what.startswith(("line ", "row ")) else "it"
        raise UsageError(
            f"{path} holds no labels: {its} {problems[0].what}.", "Name the field with --label-field."
        )
    if not values and others:
        raise UsageError(
            f"{path} holds labels of other runs or rubrics, and none of {run}.", f"hybrid label {run}"
        )
    if not values:
        raise UsageError(f"{path} holds no labels.", f"hybrid label RUN --out {path.name}")
    return Labels(
        by_sample=values,
        ties=sorted(ties),
        problems=problems,
        labellers=sorted(labellers),
        hard=len(hard),
        others=others,
    )


def rubrics(path: Path, run: str) -> set[str]:
    """Those that the rows of a file of labels name, but for rows of another run than ``run``; none where there is no such file."""
    if not path.is_file() or path.suffix.lower() not in READABLE:
        return set()
    rows = (row.value for row in read(path, Fields().id_names()) if not isinstance(row, BadRow))
    return {
        asked
        for about in rows
        if isinstance(about, dict)
        and isinstance(asked := about.get("rubric"), str)
        and asked
        and not (_is_ours(about) and about["run"] != run)
    }


def append(path: Path, row: Mapping[str, object]) -> None:
    """One label more, durable once it returns. Raises HybridError where it cannot be written.

    A line that was cut off by a crash before is ended first, so that it spoils only itself.
    """
    line = json.dumps(row, ensure_ascii=False).encode("utf-8", "backslashreplace") + b"\n"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab+") as file:
            if file.tell():
                file.seek(-1, os.SEEK_END)
                line = line if file.read(1) == b"\n" else b"\n" + line
            file.write(line)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise HybridError(
            f"The label could not be written into {path}: {error.strerror}.",
            "Make room or name another file with --out; all labels before this one are kept.",
        ) from error


def _is_ours(about: Mapping[str, object]) -> bool:
    """Whether ``hybrid label`` wrote it; elsewhere a field named run may mean anything."""
    return isinstance(about.get("run"), str) and isinstance(about.get("labeller"), str)


def _is_about(about: Mapping[str, object], run: str, rubric: str) -> bool:
    """Whether it may be held against grades of that run by that rubric. Who names none in a file of ours means what is correct."""
    asked = about.get("rubric")
    if _is_ours(about):
        return (about["run"], asked or CORRECT) == (run, rubric)
    return not isinstance(asked, str) or asked in ("", rubric)


def _label(row: Row, names: Iterable[str], words: Mapping[str, float]) -> tuple[str, float | None]:
    """The sample and its label; None where it is taken back. Raises Unfit."""
    if row.key is not None and not isinstance(row.value, dict):
        return row.key, _worth(row.value, words)
    values = mapping(row)
    sample = identity(row, values, Fields())
    name = next((each for each in names if each in values), None)
    if name is None:
        have = ", ".join(sorted(values)[:12]) or "none"
        raise Unfit(f"has no field named {' or '.join(names)} (its fields: {have}; see --label-field)")
    label = values[name]
    if isinstance(label, str) and label.strip().casefold() not in words and _VALUE in values:
        # A word of a rubric, as ``hybrid label`` writes it, with what it is worth beside it.
        label = values[_VALUE]
    return sample, _worth(label, words)


def _worth(label: object, words: Mapping[str, float]) -> float | None:
    if label is None:
        return None
    if isinstance(label, bool):
        return float(label)
    if isinstance(label, int | float) and 0 <= label <= 1:
        return float(label)
    if isinstance(label, str) and (word := label.strip().casefold()) in words:
        return words[word]
    if isinstance(label, str) and (number := _number(label)) is not None and 0 <= number <= 1:
        return number
    if isinstance(label, list) and label:
        given = [worth for each in label if (worth := _worth(each, words)) is not None]
        for_it, against = sum(each > 0.5 for each in given), sum(each < 0.5 for each in given)
        return 0.5 if for_it == against else float(for_it > against)
    shown = json.dumps(label, default=str)[:_LONGEST_SHOWN]
    raise Unfit(f"has a label that is neither yes nor no nor a number from 0 to 1: {shown}")


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _is_list(row: Row, names: Iterable[str]) -> bool:
    values = row.value if isinstance(row.value, dict) else {"": row.value}
    name = next((each for each in names if each in values), "")
    return isinstance(values.get(name), list)


def _folded(words: Mapping[str, float]) -> dict[str, float]:
    return {word.strip().casefold(): worth for word, worth in words.items()}


def _problem(path: Path, what: str) -> Problem:
    return Problem(path=os.fsencode(path), what=what)
