"""The examples of a rubric file: samples with the replies that are wanted for them."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from .complaints import Complaints, Key
from .rubric import Example, Kind, Rubric
from .values import table, tables, text


def examples(document: Mapping[str, Any], rubric: Rubric, complaints: Complaints) -> Sequence[Example]:
    """Those of ``document``, which must fit ``rubric``, all of which but its examples has been read."""
    said = tables(document, ("examples",), complaints)
    return [_example(one, ("examples", place), rubric, complaints) for place, one in enumerate(said)]


def _example(one: Mapping[str, Any], key: Key, rubric: Rubric, complaints: Complaints) -> Example:
    shown = [*rubric.needs, *rubric.uses, "answer"]
    said = "verdicts" if rubric.kind is Kind.CRITERIA else "verdict"
    needed = [*rubric.needs, "answer", "reason", said]
    for name in one:
        if name not in (*shown, "reason", said):
            complaints.unknown((*key, name), [*shown, "reason", said])
    for name in needed:
        if name not in one:
            complaints.add(key, f"has no {name}")
    fields = {name: text(one, (*key, name), complaints) for name in shown if name in one}
    reason = text(one, (*key, "reason"), complaints)
    if rubric.kind is Kind.CRITERIA:
        return Example(fields=fields, reason=reason, verdicts=_verdicts(one, key, rubric, complaints))
    verdict = text(one, (*key, "verdict"), complaints)
    if verdict:
        _check(verdict, (*key, "verdict"), rubric, complaints)
    return Example(fields=fields, reason=reason, verdict=verdict)


def _verdicts(one: Mapping[str, Any], key: Key, rubric: Rubric, complaints: Complaints) -> Mapping[str, str]:
    key = (*key, "verdicts")
    said = table(one, key, complaints)
    names = [criterion.name for criterion in rubric.criteria]
    for name, word in said.items():
        if name not in names:
            complaints.unknown((*key, name), names, "criterion")
        else:
            _check(word, (*key, name), rubric, complaints)
    lacking = [name for name in names if name not in said]
    if "verdicts" in one and lacking:
        complaints.add(key, f"says nothing of {', '.join(lacking)}")
    return said


def _check(word: object, key: Key, rubric: Rubric, complaints: Complaints) -> None:
    if not isinstance(word, str) or word not in rubric.verdicts:
        allowed = ", ".join(rubric.verdicts)
        complaints.add(
            key, f"is {json.dumps(word, ensure_ascii=False, default=str)}, and must be one of {allowed}"
        )
