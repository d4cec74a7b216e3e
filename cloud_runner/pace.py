"""How long work here waits between two looks."""

from collections.abc import Generator
from typing import TypeVar

T = TypeVar("T")
POLL_S = 0.2
"""Seconds between two looks at a child."""


def unhurried(steps: Generator[object, None, T]) -> Generator[float, None, T]:
    """Steps that want to go on at once."""
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            result: T = stop.value
            return result
        yield 0.0
