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


def grade(
    sample: str,
    value: float | None,
    answer: str = "an answer",
    *,
    stage: str = "",
    reason: str | None = None,
    explanation: str = "",
    details: Mapping[str, float] | None = None,
    judges: Mapping[str, float] | None = None,
    judgements: Sequence[Judgement] = (),
    **about: Any,
) -> Grade:
    """``about`` are fields of Sample (``prompt``, ``reference``, ``group``, ``context``, ``rival``). ``judges``, values by model, are
    judgements without more to them."""
    said = [
        Judgement(judge=model, verdict="yes" if worth > 0.5 else "no", value=worth, reasoning="because")
        for model, worth in (judges or {}).items()
    ]
    score = Score(
        value=value,
        answer=answer,
        reason=reason or ("reply cut off" if value is None else None),
        explanation=explanation,
        stage=stage,
        details=details or {},
        judgements=[*said, *judgements],
    )
    return Grade(sample=Sample(id=sample, answer=answer, place="answers.jsonl line 1", **about), score=score)


def keep(
    ledger: Path,
    run: str,
    grades: Sequence[Grade] | Mapping[str, float | None],
    *,
    scorer: str = "exact",
    options: Mapping[str, Any] | None = None,
    by: Judging | None = None,
    missing: Sequence[str | Missing] = (),
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
        for each in grades:
            recorder.add(each)
        for one in missing:
            recorder.add_missing(Missing(sample=one) if isinstance(one, str) else one)
    path = recorder.recorded.path
    if at is not None:
        os.utime(path, (at, at))
    kept = grading_in(path)
    assert kept is not None
    return kept
