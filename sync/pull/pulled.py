"""What a pull is told and tells: which attempt is taken for each shard, and what came of it."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from ..errors import Problem
from ..mailbox.state import Phase, ShardState
from ..mailbox.view import RunView


@dataclass(frozen=True, kw_only=True)
class Choice:
    """The one attempt that this laptop takes for a shard."""

    attempt: str
    snapshot: str


class Choices(Protocol):
    """What this laptop has chosen, durable before its outputs take their place, so that a crash never makes it choose
    twice."""

    def get(self, run: str, shard: int) -> Choice | None: ...

    def put(self, run: str, shard: int, choice: Choice) -> None: ...

    def drop(self, run: str, shard: int) -> None: ...


@dataclass(kw_only=True)
class Pulled:
    """What a pull found and did, or would do. Shards are numbers.

    folder      where the run's outputs lie
    fetched     accepted and laid out by this pull
    present     accepted before, and still here
    incomplete  shard -> why an attempt that says it is done cannot be used (yet)
    blocked     those of them whose place on this disk is taken by something else
    unwritten   those of them of which this disk failed to take something
    partial     shards of which ``.partial`` shows something
    files       written by this pull, and their bytes
    reused      of these bytes those that were on this disk before, and were not fetched
    seen        the run's folder as it is after the pull
    left_out    files that the filters kept away from what was fetched, and their bytes
    """

    run: str
    phase: Phase
    states: list[ShardState]
    folder: Path
    fetched: list[int] = field(default_factory=list)
    present: list[int] = field(default_factory=list)
    incomplete: dict[int, str] = field(default_factory=dict)
    blocked: list[int] = field(default_factory=list)
    unwritten: list[int] = field(default_factory=list)
    partial: list[int] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    files: int = 0
    bytes: int = 0
    reused: int = 0
    left_out: int = 0
    left_out_bytes: int = 0
    seen: RunView = field(default_factory=RunView)
