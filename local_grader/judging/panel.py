"""Several judges on one sample become one score. Pure.

Small judges err by passing, so that a majority of them errs too, and one that objects is worth hearing: "all must pass"
agrees with people better than any member alone (kappa 0.78 against 0.68 for the majority of three, on 3,200 labels of the
"Judging the Judges" study). So ``veto`` is the default.
"""

from collections import Counter
from collections.abc import Sequence
from enum import Enum

from ..scores import Judgement, Score


class Pool(Enum):
    VETO = "veto"  # the lowest value counts: all must pass
    MAJORITY = "majority"  # the verdict of more than half of the judges
    MEAN = "mean"  # the mean of their values


NO_MAJORITY = "no majority"
STAGE = "judge"


def pooled(judgements: Sequence[Judgement], pool: Pool, answer: str) -> Score:
    """One score. A judge that gave no verdict leaves the sample unscored, unless a majority decides it anyway."""
    decided = [one for one in judgements if one.value is not None]
    lacking = [one for one in judgements if one.value is None]
    values = [one.value for one in decided if one.value is not None]
    deciding = _deciding(judgements, pool)
    if deciding is not None:
        value, why = deciding
        return Score(value=value, answer=answer, explanation=why, stage=STAGE, judgements=judgements)
    if lacking:
        first = lacking[0]
        return Score(
            value=None,
            answer=answer,
            reason=first.reason,
            explanation=first.reasoning,
            stage=STAGE,
            judgements=judgements,
        )
    if pool is Pool.MAJORITY:
        return Score(
            value=None,
            answer=answer,
            reason=NO_MAJORITY,
            explanation=", ".join(f"{one.judge}: {one.verdict}" for one in decided),
            stage=STAGE,
            judgements=judgements,
        )
    mean = sum(values) / len(values)
    return Score(
        value=mean, answer=answer, explanation=decided[0].reasoning, stage=STAGE, judgements=judgements
    )


def _deciding(judgements: Sequence[Judgement], pool: Pool) -> tuple[float, str] | None:
    """The value and the words of the judge whose say it is; None where that cannot be told.

    A veto counts only where all were heard: were an objection to stand alone, the samples that pass would be lacking and
    those that fail not, and the rate of a panel of which one is away would be too low.
    """
    decided = [one for one in judgements if one.value is not None]
    if pool is Pool.VETO and len(decided) == len(judgements):
        lowest = min(decided, key=lambda one: one.value or 0.0)
        return lowest.value or 0.0, lowest.reasoning
    if pool is Pool.MAJORITY and decided:
        verdict, count = Counter((one.verdict, one.value) for one in decided).most_common(1)[0]
        if count * 2 > len(judgements):
            voice = next(one for one in decided if (one.verdict, one.value) == verdict)
            return voice.value or 0.0, voice.reasoning
    return None
