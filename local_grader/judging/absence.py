"""A server that goes away in the middle is waited for, since a night is lost otherwise; whoever watches is told of it."""

from collections.abc import Callable

from sync.clock import Clock
from sync.progress import Silent

from ..judge import CannotJudge, Judge, JudgeUnavailable, ModelMissing
from .retries import Retries

_LONGEST_WAIT_S = 5.0
_TELL_S = 60.0


class Absence:
    """``tell`` gets a sentence at once, one a minute, and one when the server is back."""

    def __init__(
        self, judge: Judge, name: str, clock: Clock, retries: Retries, tell: Callable[[str], None]
    ) -> None:
        self._judge = judge
        self._name = name
        self._clock = clock
        self._retries = retries
        self._tell = tell
        self._waited_s = 0.0

    def over(self) -> None:
        """It has answered a prompt: only then is what was waited for forgotten, since some come back and die of the next one."""
        self._waited_s = 0.0

    def wait(self, gone: CannotJudge, check: Callable[[], None]) -> None:
        """Returns once the judge is prepared again. Raises what ``check`` does, which is called all the while, and
        JudgeUnavailable for a server that stays away or came back without the model."""
        wait_s = self._retries.first_wait_s
        trouble = JudgeUnavailable(f"The judge has gone away: {gone}", "Start its server, and grade again.")
        patience = _minutes(self._retries.patience_s)
        since = told = self._clock.monotonic()
        before_s, is_told = self._waited_s, False
        while self._waited_s < self._retries.patience_s:
            check()
            self._clock.sleep(wait_s)
            try:
                self._judge.prepare(Silent())
            except ModelMissing:
                raise
            except JudgeUnavailable as error:
                wait_s, trouble = min(2 * wait_s, _LONGEST_WAIT_S), error
                now = self._clock.monotonic()
                if not is_told:
                    self._tell(
                        f"The server of judge {self._name} has gone away. It is waited for, up to {patience}: {error}"
                    )
                    is_told, told = True, now
                elif now - told >= _TELL_S:
                    self._tell(
                        f"The server of judge {self._name} is still away, after {_minutes(now - since)} of {patience}."
                    )
                    told = now
            else:
                if is_told:
                    self._tell(f"The server of judge {self._name} is back.")
                return
            finally:
                self._waited_s = before_s + self._clock.monotonic() - since
        raise trouble


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:.0f} min"
