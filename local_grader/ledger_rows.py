"""The columns of a ledger file, and grades in columns."""

import json
from collections.abc import Mapping
from dataclasses import asdict

from . import tables
from .scores import Grade, Missing
from .texts import as_text

COLUMNS: Mapping[str, tables.Kind] = {
    "run": "text",  # the run's id, or the graded file's name without its suffix
    "key": "text",  # SHA-256 of what decides the content, in hex
    "scorer": "text",
    "scorer_version": "number",
    "options": "text",  # JSON object: every option of the scorer
    "sample": "text",  # sample id
    "group": "text",  # unit of sampling (article, task); null where there is none
    "shard": "text",  # null for a run without shards
    "state": "text",  # scored, unscored, missing
    "value": "number",  # in [0, 1]; null unless scored
    "reason": "text",  # why it is unscored; null unless unscored
    "stage": "text",  # which rule or judge decided, where several could; else null
    "answer": "text",  # the answer as the scorer understood it, cut after 2,000 characters
    "explanation": "text",
    "details": "text",  # JSON object of numbers, for diagnosis
    "judgements": "text",  # JSON list, one object a judge (scores.Judgement); null where none was asked
    "prompt": "text",  # the question, cut after 4,000 characters
    "reference": "text",  # as text or JSON, cut after 2,000 characters
    "context": "text",  # what the answer must be supported by, cut after 4,000 characters
    "rival": "text",  # the answer that it was compared with, as text or JSON, cut after 2,000 characters
    "place": "text",  # file and line that the answer was read from
}
OWN = tuple(name for name in COLUMNS if name not in ("run", "key", "scorer", "scorer_version", "options"))
"""The columns that differ from row to row."""

_LONGEST_ANSWER = 2_000
_LONGEST_PROMPT = 4_000
# Of the longest texts, about 60 MB.
BATCH = 4_096
"""Rows that are written together, at most."""


class Rows:
    """Rows of ``OWN``, which come one by one and are taken as columns."""

    def __init__(self) -> None:
        # Row after row, cell after cell: kept rows would be looked at again and again by the garbage collector.
        self._cells: list[object] = []

    @property
    def count(self) -> int:
        return len(self._cells) // len(OWN)

    def add(self, grade: Grade) -> None:
        self._cells += _row(grade)

    def add_missing(self, missing: Missing) -> None:
        cells = {"sample": missing.sample, "group": missing.group, "state": "missing"}
        self._cells += map(cells.get, OWN)

    def columns(self) -> Mapping[str, list[object]]:
        return {name: self._cells[place :: len(OWN)] for place, name in enumerate(OWN)}


def _row(grade: Grade) -> tuple[object, ...]:
    """The values of ``OWN``."""
    # Taken apart as the tuples that they are: this is done by the million, and fields by name cost most of it.
    (sample, _, place, reference, prompt, group, shard, context, rival, _), score = grade
    value, answer, explanation, reason, details, stage, judgements = score
    return (
        sample,
        group,
        shard,
        "unscored" if value is None else "scored",
        value,
        reason,
        stage or None,
        answer[:_LONGEST_ANSWER],
        explanation,
        json.dumps(details, sort_keys=True) if details else "{}",
        json.dumps([asdict(one) for one in judgements]) if judgements else None,
        None if prompt is None else prompt[:_LONGEST_PROMPT],
        None if reference is None else as_text(reference)[:_LONGEST_ANSWER],
        None if context is None else context[:_LONGEST_PROMPT],
        None if rival is None else as_text(rival)[:_LONGEST_ANSWER],
        place,
    )
