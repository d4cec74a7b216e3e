"""What a reply is made of, and who makes it: the emulator's own writer, or one that has a real engine behind it."""

from collections.abc import Generator
from dataclasses import dataclass
from typing import Protocol

from .asked import Asked
from .connection import Connection
from .faults import Fault
from .loading import Runner, Slot
from .tokens import Window


class HangUp(Exception):
    """The connection is to end here, in the middle of whatever is being said."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Piece:
    text: str
    is_thought: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Final:
    """Durations in nanoseconds, measured, not made up."""

    reason: str
    total_ns: int = 0
    load_ns: int = 0
    prompt_count: int = 0
    prompt_ns: int = 0
    reply_count: int = 0
    reply_ns: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Task:
    """One request that has its model and its slot. ``sorts_keys``: a schema's keys come in alphabetical order."""

    asked: Asked
    connection: Connection
    runner: Runner
    slot: Slot
    prompt: str
    fault: Fault | None
    sorts_keys: bool


class Writer(Protocol):
    def fitted(self, asked: Asked, window: Window) -> str:
        """The prompt as the model will see it; sets the counts in ``asked``. Raises PromptTooLong."""

    def write(self, task: Task) -> Generator[Piece, None, Final | None]:
        """Returns None where there is no last record; loading and the whole are for the caller to measure. Raises
        Refusal, HangUp and Gone."""
