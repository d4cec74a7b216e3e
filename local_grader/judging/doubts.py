"""Whether a server that is there, and replies to nothing, is still of use. Pure: it is told what happens, and the time."""

from ..judge import CannotJudge, JudgeUnavailable
from .retries import Retries

_SEVERAL = 3
"""So many prompts that get no reply tell something about the server; fewer may be as odd as they like."""


class Doubts:
    """Times are seconds of one monotonic clock."""

    def __init__(self, retries: Retries) -> None:
        self._patience_s = retries.patience_s
        self._failures: dict[str, CannotJudge] = {}
        self._since: float | None = None

    def dispelled(self) -> None:
        """The server has looked at a prompt, whatever it made of it."""
        self._failures, self._since = {}, None

    def failed(self, prompt: str, failure: CannotJudge, now: float) -> None:
        """It was there, and gave no reply. Of servers that are gone, ``Absence`` takes care."""
        if not failure.is_passing:
            self.dispelled()
        elif not failure.is_gone:
            self._failures[prompt] = failure
            self._since = now if self._since is None else self._since

    def raise_where_too_long(self, now: float) -> None:
        """Raises JudgeUnavailable."""
        failures = list(self._failures.values())
        if self._since is None or now - self._since < self._patience_s:
            return
        if len(failures) >= _SEVERAL or any(
            one.is_busy for one in failures
        ):  # who is busy is asked without end
            raise JudgeUnavailable(
                f"The judge has replied to nothing for {self._patience_s / 60:.0f} minutes: {failures[-1]}",
                "See what its server tells in its log, and grade again.",
            )
