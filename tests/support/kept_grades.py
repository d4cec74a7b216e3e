"""Kept gradings as a real one would have left them, without grading anything."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from local_grader.judge import Identity
from local_grader.kept import KeptGrading, grading_in
from local_grader.ledger import Entry, Judging, Recorder
from local_grader.reading.fields import Fields
from local_grader.samples import Sample
from local_grader.scores import Grade, Judgement, Missing, Score


def judging(*models: str, rubric: str = "correct", digest: str = "d", server: str = "ollama 0.30") -> Judging:
    judges = [Identity(model=model, digest=digest, server=server, options={"seed": 0}) for model in models]
    return Judging(
        rubric=rubric, rubric_sha256=f"of {rubric}", judges=judges, pool="veto", verdicts_sha256="v"
    )


def grade(sample: str, value: float | None, **about: Any) -> Grade:
    """``about`` are fields of Sample (``prompt``, ``reference``, ``group``), ``answer``, ``stage``, and ``judges``: values by model."""
    stage = about.pop("stage", "")
    judges: Mapping[str, float] = about.pop("judges", {})
    answer = about.pop("answer", "an answer")
    said = [
        Judgement(judge=model, verdict="yes" if worth > 0.5 else "no", value=worth, reasoning="because")
        for model, worth in judges.items()
    ]
    reason = None if value is not None else "reply cut off"
    score = Score(value=value, answer=answer, reason=reason, stage=stage, judgements=said)
    return Grade(sample=Sample(id=sample, answer=answer, place="a.jsonl line 1", **about), score=score)


def keep(
    ledger: Path,
    run: str,
    grades: Sequence[Grade] | Mapping[str, float | None],
    *,
    scorer: str = "exact",
    options: Mapping[str, Any] | None = None,
    by: Judging | None = None,
    missing: Sequence[str] = (),
    at: float | None = None,
) -> KeptGrading:
    """``at`` is the time of the file, in seconds since the epoch."""
    entry = Entry(
        run=run,
        scorer=scorer,
        scorer_version=1,
        options=options or {},
        fields=Fields(),
        outputs_sha256="o",
        references_sha256=None,
        judging=by,
    )
    if isinstance(grades, Mapping):
        grades = [grade(sample, value) for sample, value in grades.items()]
    with Recorder(ledger, entry) as recorder:
        for one in grades:
            recorder.add(one)
        for sample in missing:
            recorder.add_missing(Missing(sample=sample))
    path = recorder.recorded.path
    if at is not None:
        os.utime(path, (at, at))
    kept = grading_in(path)
    assert kept is not None
    return kept
