"""From rows to samples. Rows of a file mostly have the same fields, and which of them are the id, the answer and so on is
looked up once for all that do: for each row anew, that took longer than grading a short answer by rule."""

from collections.abc import Collection
from typing import NamedTuple

from ..samples import Sample
from ..texts import as_text
from .fields import PROMPT_NAMES, Fields, first, known, mapping, name_of_id, present, usable_id
from .rows import Row

_MOST_SHAPES = 64
_LONGEST_SHAPE = 2_000
"""Characters in the names of a row's fields; so what is remembered stays small, whatever rows hold."""


class _Names(NamedTuple):
    """Which fields of a row are meant; None for what it does not have. The id may be elsewhere."""

    id: str | None
    answer: str
    reference: str | None
    prompt: str | None
    group: str | None
    context: str | None


class Picker:
    """Samples from rows, with the ``fields`` that the user named."""

    def __init__(self, fields: Fields) -> None:
        self._fields = fields
        self._remembered: dict[tuple[str, ...], _Names] = {}

    def sample(self, row: Row, place: str, shard: str | None) -> Sample:
        """The row as one sample. Raises Unfit where it has no id or no answer field."""
        if row.key is not None and not isinstance(row.value, dict):
            return Sample(id=row.key, answer=known(row.value), place=place, shard=shard)
        values = mapping(row)
        if row.key is None and row.meant is None:
            shape = tuple(values)
            names = self._remembered.get(shape) or self._looked_up(shape)
        else:
            names = _names(values, self._fields.or_meant(row.meant), has_key=row.key is not None)
        prompt = None if names.prompt is None else values[names.prompt]
        context = None if names.context is None else values[names.context]
        group = None if names.group is None else known(values[names.group])
        # In the order of the fields, because names take twice as long.
        return Sample(
            (row.key or "") if names.id is None else usable_id(values[names.id], names.id),
            known(values[names.answer]),
            place,
            None if names.reference is None else known(values[names.reference]),
            prompt if isinstance(prompt, str) else None,
            None if group is None else as_text(group),
            shard,
            context if isinstance(context, str) else None,
        )

    def _looked_up(self, shape: tuple[str, ...]) -> _Names:
        names = _names(shape, self._fields, has_key=False)
        if len(self._remembered) < _MOST_SHAPES and sum(map(len, shape)) <= _LONGEST_SHAPE:
            self._remembered[shape] = names
        return names


def _names(have: Collection[str], fields: Fields, *, has_key: bool) -> _Names:
    return _Names(
        id=None if has_key else name_of_id(have, fields),
        answer=present(have, fields.answer_names(), "--answer-field"),
        reference=first(have, fields.reference_names()),
        prompt=first(have, PROMPT_NAMES),
        group=fields.group if fields.group in have else None,
        context=first(have, fields.context_names()),
    )
