"""What is between the library that hears of changes and who listens, where the system watches whole trees."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, kw_only=True)
class Word:
    """Of a stream.

    path    what changed, relative to the root, with ``/``; empty where that is the root
    came    it may not have been there before
    folder  it is a folder; None where the system does not say
    """

    path: bytes
    came: bool = False
    folder: bool | None = None


class Listener(Protocol):
    """Is called by one thread, that of the library."""

    def overflowed(self) -> None:
        """Words were lost."""

    def failed(self, error: Exception) -> None:
        """``error`` came up while a word was listened to."""

    def ended(self, error: Exception) -> None:
        """There will be no more words."""

    def rested(self) -> None:
        """All was told that there was to tell."""


class Stream(Protocol):
    """Words about everything below one folder, from ``start``, which may raise OSError, until ``stop``."""

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def join(self) -> None: ...


Listen = Callable[[Path, Listener, Callable[[Word | None], None]], Stream]
"""Makes the stream of a folder. The last argument gets its words, and None when the folder itself went."""
