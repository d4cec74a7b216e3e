"""The JSON schema of a judge's reply.

Some servers ask a model for the properties of an object in alphabetical order, others as they are declared: both must be
the wanted order, in which the reason comes before the verdict. So names are chosen and declared for it. Only what all
servers can enforce is used: choices, a largest length, no further properties.
"""

from collections.abc import Mapping, Sequence

from .rubric import Kind, Rubric

REASON_CHARS = 400
"""Longest reason. Beside a verdict it fits well into the tokens that a reply may have."""

FIRST, SECOND, NEITHER = "A", "B", "tie"
"""The words for two answers by their place in the prompt."""


def schema_of(rubric: Rubric) -> Mapping[str, object]:
    """``reason`` and ``verdict``; for CRITERIA ``reason`` and ``verdicts``, an object with each criterion's."""
    reason = {"type": "string", "maxLength": REASON_CHARS}
    if rubric.kind is Kind.CRITERIA:
        each = {one.name: _choice(words(rubric)) for one in rubric.criteria}
        return _object({"reason": reason, "verdicts": _object(each)})
    return _object({"reason": reason, "verdict": _choice(words(rubric))})


def words(rubric: Rubric) -> Sequence[str]:
    """What the judge may write as a verdict."""
    return [FIRST, SECOND, NEITHER] if rubric.kind is Kind.PAIRWISE else list(rubric.verdicts)


def _choice(allowed: Sequence[str]) -> dict[str, object]:
    return {"type": "string", "enum": list(allowed)}


def _object(properties: Mapping[str, object]) -> dict[str, object]:
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties),
        "additionalProperties": False,
    }
