"""How long work reports itself, without knowing who listens."""

from typing import Protocol


class Progress(Protocol):
    """One meter. Calls come from one thread at a time; none of them may raise or block."""

    def start(self, label: str, total: int | None = None, unit: str = "B") -> None:
        """A new phase begins: ``scan``, ``upload`` ... ``unit`` is ``B`` for bytes, else a plural noun."""

    def advance(self, amount: int) -> None:
        """``amount`` more units of the current phase are done."""

    def finish(self) -> None:
        """The current phase has ended."""


class Silent:
    def start(self, label: str, total: int | None = None, unit: str = "B") -> None:
        pass

    def advance(self, amount: int) -> None:
        pass

    def finish(self) -> None:
        pass
