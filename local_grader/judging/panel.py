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
    value, reason, why = _said(judgements, pool)
    return Score(
        value=value, answer=answer, explanation=why, reason=reason, stage=STAGE, judgements=judgements
    )


def _said(judgements: Sequence[Judgement], pool: Pool) -> tuple[float | None, str | None, str]:
    """Value, reason where there is none, and the words of the judge whose say it is.

    A veto counts only where all were heard: were an objection to stand alone, the samples that pass would be lacking and
    those that fail not, and the rate of a panel of which one is away would be too low.
    """
    if pool is Pool.MAJORITY:
        votes = [(one.verdict, one.value) for one in judgements]
        vote, count = Counter(votes).most_common(1)[0]
        if vote[1] is not None and 2 * count > len(votes):
            return vote[1], None, judgements[votes.index(vote)].reasoning
    values = []
    for one in judgements:
        if one.value is None:
            return None, one.reason, one.reasoning
        values.append(one.value)
    if pool is Pool.MAJORITY:
        return None, NO_MAJORITY, ", ".join(f"{one.judge}: {one.verdict}" for one in judgements)
    if pool is Pool.VETO:
        lowest = min(values)
        return lowest, None, judgements[values.index(lowest)].reasoning
    return sum(values) / len(values), None, judgements[0].reasoning
