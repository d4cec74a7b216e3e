"""What is graded: one answer to one question, and where it was read.

Values keep the form they had in the file (text, number, grid, list); each scorer reads them its own way,
because only it knows which tolerance is meant. A sample is a named tuple, as a row and a score are: they are made by the
million, and a frozen dataclass takes three times as long.
"""

from dataclasses import dataclass
from typing import NamedTuple

made = tuple.__new__
"""``made(Sample, (every field))`` is ``Sample(...)``, defaults spelled out, in a third of the time; for what is done by the million."""


class Sample(NamedTuple):
    """One answer. ``id`` is unique within a grading.

    ``answer`` is None where the run gave none; a list holds several answers to the same question, first one
    first. ``reference`` is None where none is known; a list holds alternatives that are all right. ``group`` is
    the unit of sampling (an article, a task), ``shard`` the run's part that wrote it. ``place`` says where it
    was read, for people: ``000/answers.jsonl line 3``. ``context`` is the text that the answer must be supported by,
    ``rival`` another answer to the same question, that this one is compared with. ``contested`` is the place of another answer with the
    same id, where there is one: then nobody knows which of them is meant, and none is graded.
    """

    id: str
    answer: object
    place: str
    reference: object = None
    prompt: str | None = None
    group: str | None = None
    shard: str | None = None
    context: str | None = None
    rival: object = None
    contested: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Reference:
    """The right answer to one sample, from a file of references."""

    value: object
    group: str | None = None


class Unfit(Exception):
    """A row is no sample; ``str(error)`` is a clause such as ``has no field named id``."""
