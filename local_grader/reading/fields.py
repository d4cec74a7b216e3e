"""Which field of a row is the id, the answer, the reference.

Well-known names are found by themselves, the first of each list that a row has; a name that the user gave is
the only one looked for. The lists are short on purpose: a wrong guess grades the wrong thing without a word. ``answer`` is
what some call the model's answer and others the right one: beside another name for it, and without one for a
reference, nobody knows which is meant, and nothing is guessed. What the rows hold is not looked at for that: were those taken in
which the two agree, all that is graded would be right.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from sync.errors import UsageError

from ..samples import Reference, Unfit
from ..texts import as_text
from .rows import BY_PLACE, Row

ID_NAMES = ("id", "task_id", "sample_id")
ANSWER_NAMES = ("answer", "prediction", "output", "completion", "response")
REFERENCE_NAMES = ("reference", "target", "expected", "gold", "label")
PROMPT_NAMES = ("prompt", "question", "input")
CONTEXT_NAMES = ("context", "passage", "document")
NO_OBJECT = "is no object with fields"
TWO_MEANINGS = ", and either could be the right answer"


@dataclass(frozen=True, kw_only=True, slots=True)
class Fields:
    """Field names given by the user; None means the well-known ones (for the group: none)."""

    id: str | None = None
    answer: str | None = None
    reference: str | None = None
    group: str | None = None
    context: str | None = None

    def id_names(self) -> Sequence[str]:
        return (self.id,) if self.id else ID_NAMES

    def answer_names(self) -> Sequence[str]:
        return (self.answer,) if self.answer else ANSWER_NAMES

    def answer_in(self, have: Collection[str]) -> str:
        """The field of a row that holds the answer. Raises Unfit where it has none, or where two fields could be it."""
        if self.answer is not None:
            return present(have, (self.answer,), "--answer-field")
        reference = first(have, self.reference_names())
        if reference is None:
            _require_one_meaning(have, ANSWER_NAMES)
        return first(have, _without(ANSWER_NAMES, reference)) or present(have, ANSWER_NAMES, "--answer-field")

    def right_in(self, have: Collection[str]) -> str:
        """The field that holds the right answer, in a row of a file of references. Such a file may well call it ``answer``. Raises Unfit."""
        found = first(have, self.reference_names())
        if found is not None:
            return found
        if self.reference is not None:
            return present(have, (self.reference,), "--reference-field")
        # Who calls the model's answer ``answer`` has not said that another name for one is the right one.
        names = ANSWER_NAMES if self.answer == ANSWER_NAMES[0] else _without(ANSWER_NAMES, self.answer)
        _require_one_meaning(have, names)
        # The other names are what models say: such a file holds the outputs of another run.
        return present(have, (*REFERENCE_NAMES, ANSWER_NAMES[0]), "--reference-field")

    def require_two(self) -> None:
        """Raises UsageError where the same field of a row was named for the answer and for the right one."""
        if self.answer is not None and self.answer == self.reference:
            raise UsageError(
                f"One field cannot be both: {self.answer} is named as the answer and as the right one.",
                "Name another with --reference-field or --answer-field, or the file with the right answers with --references.",
            )

    def reference_names(self) -> Sequence[str]:
        return (self.reference,) if self.reference else REFERENCE_NAMES

    def context_names(self) -> Sequence[str]:
        return (self.context,) if self.context else CONTEXT_NAMES

    def or_meant(self, meant: Mapping[str, str] | None) -> "Fields":
        """What the user gave, and for the rest what the kind of file settles."""
        if meant is None:
            return self
        return replace(self, **{name: each for name, each in meant.items() if getattr(self, name) is None})


def reference_of(row: Row, fields: Fields) -> tuple[str, Reference]:
    """A row of a file of references as (sample id, reference). Raises Unfit."""
    if row.key is not None and not isinstance(row.value, dict):
        return row.key, Reference(value=known(row.value))
    values, fields = mapping(row), fields.or_meant(row.meant)
    value = known(values[fields.right_in(values)])
    return identity(row, values, fields), Reference(value=value, group=group_of(values, fields))


def _without(names: Sequence[str], one: str | None) -> Sequence[str]:
    return [name for name in names if name != one]


def _require_one_meaning(have: Collection[str], names: Sequence[str]) -> None:
    found = [name for name in names if name in have]
    if len(found) > 1 and found[0] == ANSWER_NAMES[0]:
        raise Unfit(f"has the fields {' and '.join(found)}{TWO_MEANINGS}")


def mapping(row: Row) -> Mapping[str, object]:
    """The row's fields. Raises Unfit where it is no object."""
    if not isinstance(row.value, dict):
        raise Unfit(NO_OBJECT)
    return row.value


def identity(row: Row, values: Mapping[str, object], fields: Fields) -> str:
    """The sample's id: text, or a whole number as text. Raises Unfit."""
    if row.key is not None:
        return row.key
    name = name_of_id(values, fields)
    if name is None:
        return number_of(row.where)
    return usable_id(values[name], name)


def name_of_id(have: Collection[str], fields: Fields) -> str | None:
    """None where the row's place is the id. Raises Unfit."""
    if fields.id == BY_PLACE and BY_PLACE not in have:
        return None
    return present(have, fields.id_names(), "--id-field")


def number_of(where: str, shard: str | None = None) -> str:
    """The id of a row by its place. A row that is the whole file is the first."""
    number = where.rpartition(" ")[2] or "1"
    return number if shard is None else f"{shard}/{number}"


def usable_id(value: object, name: str) -> str:
    if isinstance(value, str) and value:
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise Unfit(f"has no usable id: field {name} is neither text nor a whole number")


def group_of(values: Mapping[str, object], fields: Fields) -> str | None:
    value = known(values.get(fields.group)) if fields.group else None
    return None if value is None else as_text(value)


def known(value: object) -> object:
    """None for what stands for a missing value: a NaN is how tables write one."""
    return None if isinstance(value, float) and math.isnan(value) else value


def first(have: Collection[str], names: Sequence[str]) -> str | None:
    """The first of the names that a row has."""
    return next((name for name in names if name in have), None)


def present(have: Collection[str], names: Sequence[str], option: str) -> str:
    """The same, where it must have one. Raises Unfit with the ``option`` that names another."""
    name = first(have, names)
    if name is not None:
        return name
    fields = ", ".join(sorted(have)[:12]) or "none"
    raise Unfit(f"has no field named {' or '.join(names)} (its fields: {fields}; see {option})")
