"""Reads back what the ledger keeps: which gradings of a run there are, and their grades. For reports, comparisons and labels."""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sync.errors import UsageError

from . import tables
from .ledger import FACTS, FORMAT, METADATA, Facts
from .scores import Judgement


@dataclass(frozen=True, kw_only=True, slots=True)
class KeptGrading:
    """One file of the ledger. ``entry`` is what decided it: ``ledger.Entry`` as JSON makes it; ``facts`` are what it leaves open."""

    path: Path
    run: str
    scorer: str
    entry: Mapping[str, Any]
    facts: Facts = field(default_factory=Facts)

    @property
    def key(self) -> str:
        """Tells it from the others: 16 digits in hex, as in the file's name."""
        return key_of(self.path)

    @property
    def title(self) -> str:
        """What to call it in a heading: the run, or the graded file with its folder."""
        return self.facts.source or self.run

    @property
    def judges(self) -> Sequence[str]:
        """The models that were asked, by name; none for a grading by rule alone."""
        judging = self.entry.get("judging")
        return [one["model"] for one in judging["judges"]] if judging else []

    @property
    def models(self) -> Sequence[str]:
        """The judges that were asked, and those that were to be and were not heard."""
        return list(dict.fromkeys([*self.judges, *self.facts.asked]))

    @property
    def told_models(self) -> Sequence[str]:
        """The same, for people. Where rules left nothing open, none was asked."""
        lacking = "not heard" if self.facts.unheard else "not asked"
        return [one if one in self.judges else f"{one} ({lacking})" for one in self.models]

    @property
    def rubric(self) -> str | None:
        judging = self.entry.get("judging")
        return judging["rubric"] if judging else None


@dataclass(frozen=True, kw_only=True, slots=True)
class KeptGrade:
    """One row; the fields are ``ledger_rows.COLUMNS``. ``state`` is ``scored``, ``unscored`` or ``missing``."""

    sample: str
    state: str
    value: float | None = None
    reason: str | None = None
    group: str | None = None
    shard: str | None = None
    stage: str | None = None
    answer: str = ""
    explanation: str = ""
    details: Mapping[str, float] = field(default_factory=dict)
    judgements: Sequence[Judgement] = ()
    prompt: str | None = None
    reference: str | None = None
    context: str | None = None
    rival: str | None = None
    place: str = ""


def key_of(path: Path) -> str:
    """The key of the grading in that file of the ledger, whether it can be read or not."""
    return path.stem.rpartition("-")[2]


def files(ledger: Path) -> list[Path]:
    """Those of all gradings, the newest first."""
    found = [path for path in (ledger / "grades").glob("*.parquet") if not path.name.startswith(".")]
    return sorted(found, key=_newest_first)


def gradings(ledger: Path, run: str | None = None) -> list[KeptGrading]:
    """Those of the run of that id (or the graded file's name without its ending), or of all; the newest first.

    What another version of hybrid wrote in another form, or what is damaged, is left out: grading again is free.
    """
    found = [kept for path in files(ledger) if (kept := grading_in(path)) is not None]
    return [kept for kept in found if run is None or kept.run == run]


def read(grading: KeptGrading) -> Iterator[KeptGrade]:
    """Its grades, in the order of the samples. Raises UsageError where the file is damaged."""
    try:
        for row in tables.read(grading.path):
            yield _grade(row)
    except (tables.BadTable, OSError) as error:
        raise damaged(grading, error) from error


def damaged(grading: KeptGrading, why: Exception) -> UsageError:
    """What to raise where its file cannot be read."""
    return UsageError(
        f"The grades in {grading.path} cannot be read: {why}.",
        f"Remove it (hybrid gradings --remove {grading.key}), and grade {grading.run} again.",
    )


def grading_in(path: Path) -> KeptGrading | None:
    """That of one file; None where it holds none that can be read."""
    try:
        metadata = tables.metadata(path)
        entry = json.loads(metadata.get(METADATA, "null"))
        facts = Facts(**json.loads(metadata.get(FACTS, "{}")))
    except (tables.BadTable, OSError, ValueError, TypeError):
        return None
    if not isinstance(entry, dict) or entry.get("format") != FORMAT:
        return None
    return KeptGrading(path=path, run=entry["run"], scorer=entry["scorer"], entry=entry, facts=facts)


def _newest_first(path: Path) -> tuple[float, str]:
    try:
        return (-os.stat(path).st_mtime, path.name)
    except OSError:  # it has just been removed
        return (0.0, path.name)


def _grade(row: Mapping[str, Any]) -> KeptGrade:
    judgements = json.loads(row["judgements"]) if row["judgements"] else []
    return KeptGrade(
        sample=row["sample"],
        state=row["state"],
        value=row["value"],
        reason=row["reason"],
        group=row["group"],
        shard=row["shard"],
        stage=row["stage"],
        answer=row["answer"] or "",
        explanation=row["explanation"] or "",
        details=json.loads(row["details"] or "{}"),
        judgements=[Judgement(**one) for one in judgements],
        prompt=row["prompt"],
        reference=row["reference"],
        context=row["context"],
        rival=row["rival"],
        place=row["place"] or "",
    )
