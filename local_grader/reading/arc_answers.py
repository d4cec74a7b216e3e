"""ARC answers and tasks as samples: one sample per test output, its task as the group.

Answers come as a submission (task id -> one entry per test input, each with ``attempt_1``, ``attempt_2``, …) or as
rows ``{"task_id", "attempts": [[a grid per test input], …]}`` or ``{"task_id", "test_index", "attempts": [grid, …]}``,
where ``attempts`` may be called ``predictions``. A grid may be a list or text; null stands for no attempt made.
References are task files as ARC publishes them, or Kaggle's solutions (task id -> a grid per test input).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from ..samples import Reference, Sample, Unfit
from .fields import Fields, identity, mapping
from .rows import Row

ATTEMPT_FIELDS = ("attempts", "predictions")

_INDEX = re.compile(r"[0-9]{1,6}")
_ATTEMPT = re.compile(r"attempt_(\d{1,6})")


def output_id(task: str, index: int) -> str:
    """The sample id of a task's test output, counted from 0."""
    return f"{task}/{index}"


def samples_of(row: Row, fields: Fields, place: str, shard: str | None) -> list[Sample]:
    """One sample per test output; ``answer`` is the list of attempts at it, first one first. Raises Unfit."""
    if row.key is not None and isinstance(row.value, list):
        outputs = [_attempts_at(value) for value in row.value]
        return _samples(row.key, dict(enumerate(outputs)), place, shard)
    values = mapping(row)
    task = identity(row, values, _task_first(values, fields))
    attempts = _attempts_in(values, fields)
    index = values.get("test_index")
    if isinstance(index, str) and _INDEX.fullmatch(index):  # from a table of text
        index = int(index)
    if index is None:
        return _samples(task, _by_output(attempts), place, shard)
    if isinstance(index, bool) or not isinstance(index, int) or index < 0:
        raise Unfit("has a test_index that is no whole number")
    return _samples(task, {index: attempts}, place, shard)


def references_of(row: Row, fields: Fields, stem: str) -> list[tuple[str, Reference]]:
    """The right outputs of one task; ``stem`` names the task where the row itself does not. Raises Unfit."""
    if isinstance(row.value, list) and row.key is not None:
        return _references(row.key, row.value)
    values = mapping(row)
    tests = values.get("test")
    if not isinstance(tests, list) or not all(isinstance(test, dict) for test in tests):
        raise Unfit("is no ARC task: it has no list of tests")
    named = row.key is not None or any(name in values for name in fields.id_names())
    task = identity(row, values, _task_first(values, fields)) if named else stem
    return _references(task, [test.get("output") for test in tests])


def _task_first(values: Mapping[str, object], fields: Fields) -> Fields:
    """A row that has both an ``id`` and a ``task_id`` is about the task."""
    return replace(fields, id="task_id") if fields.id is None and "task_id" in values else fields


def _references(task: str, outputs: Sequence[object]) -> list[tuple[str, Reference]]:
    return [
        (output_id(task, index), Reference(value=output, group=task))
        for index, output in enumerate(outputs)
        if output is not None
    ]


def _samples(task: str, outputs: Mapping[int, list[object]], place: str, shard: str | None) -> list[Sample]:
    base = Sample(id=task, answer=None, group=task, place=place, shard=shard)
    return [base._replace(id=output_id(task, index), answer=attempts) for index, attempts in outputs.items()]


def _attempts_in(values: Mapping[str, object], fields: Fields) -> list[object]:
    names = (fields.answer,) if fields.answer else (*ATTEMPT_FIELDS, *fields.answer_names())
    for name in names:
        if name in values:
            value = values[name]
            return value if isinstance(value, list) and not _is_grid(value) else [value]
    numbered = _numbered(values)
    if numbered is not None and not fields.answer:
        return numbered
    raise Unfit(f"has no field named {' or '.join(names)}")


def _attempts_at(value: object) -> list[object]:
    """The attempts at one test output, as a submission holds them."""
    numbered = _numbered(value) if isinstance(value, dict) else None
    if numbered is not None:
        return numbered
    return value if isinstance(value, list) and not _is_grid(value) else [value]


def _numbered(values: Mapping[str, object]) -> list[object] | None:
    found = {int(match[1]): values[name] for name in values if (match := _ATTEMPT.fullmatch(name))}
    return [found[number] for number in sorted(found)] if found else None


def _by_output(attempts: list[object]) -> dict[int, list[object]]:
    """Attempts at a whole task, turned into attempts per test output. A bare grid answers the first one."""
    whole = [
        attempt if isinstance(attempt, list) and not _is_grid(attempt) else [attempt] for attempt in attempts
    ]
    most = max((len(grids) for grids in whole), default=1) or 1
    return {index: [grids[index] if index < len(grids) else None for grids in whole] for index in range(most)}


def _is_grid(value: list[object]) -> bool:
    """Rows that hold a number somewhere, as opposed to a list of grids, of texts, or of nulls."""
    return all(isinstance(row, list) for row in value) and any(
        isinstance(cell, int | float) for row in value if isinstance(row, list) for cell in row
    )
