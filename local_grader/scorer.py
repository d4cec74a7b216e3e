"""The contract of a scorer."""

from collections.abc import Mapping
from enum import Enum
from typing import ClassVar, Protocol, runtime_checkable

from .samples import Sample
from .scores import Score

Option = str | int | float | bool | None


class Shape(Enum):
    """How rows of outputs become samples."""

    ROWS = "rows"  # one sample a row, by field names
    ARC = "arc"  # one sample per test output of an ARC task


class Scorer(Protocol):
    """Turns a sample into a score, by a rule.

    ``score`` is pure: the same sample and the same options give the same score on any machine, so a report can
    be reproduced from ``name``, ``version`` and ``options`` (which holds every option, defaults included).
    ``version`` rises whenever any sample's score could change. ``score`` raises nothing on any answer, however
    odd: an answer that cannot be understood is wrong and the explanation says why; a missing or unusable
    reference is unscored. What is wrong with the options is said at construction, as a UsageError. A scorer that runs
    programs of other people is as pure as these, and a ``Holder``.
    """

    name: ClassVar[str]
    version: ClassVar[int]
    shape: ClassVar[Shape]

    @property
    def options(self) -> Mapping[str, Option]: ...

    def score(self, sample: Sample) -> Score: ...


@runtime_checkable
class Holder(Protocol):
    """A scorer that holds something while it scores, such as a process, from the first score on.

    ``close`` lets go of it; it may be called at any time, more than once, and the scorer may score again afterwards.
    """

    def close(self) -> None: ...
