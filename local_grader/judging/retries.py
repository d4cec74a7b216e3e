"""Whether a prompt that got no verdict is sent again, and when. Pure."""

from dataclasses import dataclass

from ..judge import CannotJudge


@dataclass(frozen=True, kw_only=True, slots=True)
class Retries:
    """``attempts`` for what passes (an engine that died, a time-out), ``bad_replies`` for replies that do not fit, which a
    model rarely mends. Waits grow by ``factor`` from ``first_wait_s`` on. ``patience_s`` is how long a server that has
    gone away is waited for, all told, until the rest is left for another time, and one that is there and replies to nothing."""

    attempts: int = 4
    bad_replies: int = 2
    first_wait_s: float = 1.0
    factor: float = 4.0
    patience_s: float = 1800.0

    def wait_s(self, failure: CannotJudge, attempts: int) -> float | None:
        """Seconds until the next try after ``attempts`` of them; None: no more."""
        if not failure.is_passing:
            return None
        if failure.is_busy:
            # Waiting in line is no failure of the sample.
            return self.first_wait_s
        if attempts >= self.attempts:
            return None
        return self.first_wait_s * self.factor ** (attempts - 1)

    def retries_bad_reply(self, attempts: int) -> bool:
        return attempts < self.bad_replies
