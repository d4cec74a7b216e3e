"""What most scorers are: a dataclass whose fields are the options."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import ClassVar

from ..scorer import Option, Shape


@dataclass(frozen=True, kw_only=True)
class Rule:
    """All of the contract of ``Scorer`` but ``name`` and ``score``; a scorer of another shape, or of which there was an
    earlier version, says so."""

    version: ClassVar[int] = 1
    shape: ClassVar[Shape] = Shape.ROWS

    @property
    def options(self) -> Mapping[str, Option]:
        return asdict(self)
