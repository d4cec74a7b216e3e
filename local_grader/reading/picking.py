"""From rows to samples. Rows of a file mostly have the same fields, and which of them are the id, the answer and so on is
looked up once for all that do: for each row anew, that took longer than grading a short answer by rule."""

from collections.abc import Collection
from typing import NamedTuple

from ..samples import Sample, Unfit, made
from ..texts import as_text
from .csv_rows import Cells
from .fields import NO_OBJECT, PROMPT_NAMES, Fields, first, known, name_of_id, number_of, usable_id
from .rows import Row

_MOST_SHAPES = 64
_LONGEST_SHAPE = 2_000
"""Characters in the names of a row's fields; so what is remembered stays small, whatever rows hold."""


class _Names(NamedTuple):
    """Which fields of a row are meant; None for what it does not have. The id may be the row's key or place."""

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

    def samples(self, row: Row, place: str, shard: str | None) -> tuple[Sample]:
        """The row as one sample. Raises Unfit where it has no id or no answer field."""
        # Tuples are taken apart and made by place, because by name all of this takes twice as long.
        where, value, key, meant = row
        if not isinstance(value, dict):
            if key is None:
                raise Unfit(NO_OBJECT)
            return (Sample(id=key, answer=known(value), place=place, shard=shard),)
        if key is None and meant is None:
            shape = tuple(value)
            names = self._remembered.get(shape) or self._looked_up(shape)
        else:
            names = _names(value, self._fields.or_meant(meant), has_key=key is not None)
        id_name, answer_name, reference_name, prompt_name, group_name, context_name = names
        if id_name is not None:
            key = value[id_name]
            if not key or not isinstance(key, str):
                key = usable_id(key, id_name)
        elif key is None:
            key = number_of(where, shard)
        answer = value[answer_name]
        if answer is None and isinstance(value, Cells):
            answer = ""
        reference = None if reference_name is None else value[reference_name]
        prompt = None if prompt_name is None else value[prompt_name]
        context = None if context_name is None else value[context_name]
        group = None if group_name is None else known(value[group_name])
        sample = made(
            Sample,
            (
                key,
                known(answer) if isinstance(answer, float) else answer,
                place,
                known(reference) if isinstance(reference, float) else reference,
                prompt if isinstance(prompt, str) else None,
                None if group is None else as_text(group),
                shard,
                context if isinstance(context, str) else None,
                None,
                None,
            ),
        )
        return (sample,)

    def _looked_up(self, shape: tuple[str, ...]) -> _Names:
        names = _names(shape, self._fields, has_key=False)
        if len(self._remembered) < _MOST_SHAPES and sum(map(len, shape)) <= _LONGEST_SHAPE:
            self._remembered[shape] = names
        return names


def _names(have: Collection[str], fields: Fields, *, has_key: bool) -> _Names:
    identity = None if has_key else name_of_id(have, fields)
    answer = fields.answer_in(have)
    reference = first(have, fields.reference_names())
    return _Names(
        id=identity,
        answer=answer,
        reference=None if reference == answer else reference,
        prompt=first(have, PROMPT_NAMES),
        group=fields.group if fields.group in have else None,
        context=first(have, fields.context_names()),
    )
