"""What to do about samples that judges could not judge, by reason. Pure."""

from collections.abc import Iterable

from ..judges import reasons
from ..rubrics.verdicts import BAD_REPLY
from ..scores import Grade
from .panel import NO_MAJORITY

_NAMED = 3
_HOW = {
    reasons.TOO_LONG: "Give the judge more room with --context; the model takes more memory then.",
    reasons.WAS_CUT: "Give the judge more room with --context, or bring the server up to date.",
    reasons.CUT_OFF: "Let replies be longer: reply_tokens under [grade].",
    reasons.BROKEN_OFF: "The model repeats itself; another one may not.",
    reasons.TIMED_OUT: "Grade again when the server has less to do; what was answered is not asked again.",
    reasons.FAILED: "See the server's log, and grade again; what was answered is not asked again.",
    BAD_REPLY: "The model does not keep to the rubric; a larger one will.",
    NO_MAJORITY: "Name an odd number of judges, or another --pool.",
}


def advice(grades: Iterable[Grade]) -> list[str]:
    """A sentence or two for each reason for which samples have no verdict although judges were asked about them."""
    by_reason: dict[str, list[str]] = {}
    for grade in grades:
        if is_unjudged(grade):
            by_reason.setdefault(grade.score.reason or "", []).append(grade.sample.id)
    told = []
    for reason, samples in by_reason.items():
        if (how := _HOW.get(reason)) is not None:
            named = ", ".join(samples[:_NAMED]) + (", …" if len(samples) > _NAMED else "")
            many = "1 sample has" if len(samples) == 1 else f"{len(samples):,} samples have"
            told.append(f"{many} no verdict, because of: {reason} ({named}). {how}")
    return told


def is_unjudged(grade: Grade) -> bool:
    """Whether judges were asked about it, and left it without a verdict."""
    return grade.score.value is None and bool(grade.score.judgements)
