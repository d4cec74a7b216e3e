"""What a user may ask to be graded."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from .judging.wish import JudgingRequest
from .reading.fields import Fields
from .report import Partial
from .scorer import Option


class Keep(Enum):
    """Whether the grades go into the ledger; never while what is left to judges is still to be asked of them."""

    ALWAYS = "always"
    HEARD = "where every judge was heard to the end"
    NEVER = "never"


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """What to grade and how.

    ``target`` is the id of a run under the folder ``outputs``, or a path; ``ledger`` is the folder that keeps what
    came out. ``options`` are the scorer's, only those that the user set. ``files`` are globs; none means all.
    ``partial``: not all of the run is there yet. ``is_sample``: it took only the first of its inputs, so that references
    which nobody answered are not missing. ``limit``: grade only so many of the outputs, the first ones; None for all.
    ``processes``: at most so many; None for as many as suit this machine.
    """

    target: str
    scorer: str
    outputs: Path
    ledger: Path
    options: Mapping[str, Option] = field(default_factory=dict)
    fields: Fields = field(default_factory=Fields)
    references: Path | None = None
    files: Sequence[str] = ()
    judging: JudgingRequest | None = None
    is_sample: bool = False
    limit: int | None = None
    processes: int | None = None
    partial: Partial | None = None
    keep: Keep = Keep.ALWAYS
