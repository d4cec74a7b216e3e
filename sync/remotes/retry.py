"""The only retry policy: wraps any remote, makes a call again after ``Transient``, and after nothing else."""

import logging
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from ..clock import Clock
from ..errors import NotFound, Transient
from .base import Capabilities, Remote, RemoteFile

_T = TypeVar("_T")
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Policy:
    """attempts  calls at most, the first included
    first_s   the wait after the first failure; doubles each time
    cap_s     no wait of our own choice is longer
    total_s   no wait may end later than this after the first call began
    """

    attempts: int = 8
    first_s: float = 0.5
    cap_s: float = 30.0
    total_s: float = 120.0


DEFAULT = Policy()


def next_delay(policy: Policy, attempt: int, error: Transient, elapsed: float, chance: float) -> float | None:
    """Seconds to wait after the failed ``attempt`` (from 1), or None to give up.

    ``elapsed`` is seconds since the first attempt began; ``chance`` in [0, 1) spreads clients that failed
    together over the upper half of the wait. A wait that the remote asked for is never cut short.
    """
    if attempt >= policy.attempts:
        return None
    own = min(policy.cap_s, policy.first_s * 2.0 ** (attempt - 1)) * (0.5 + 0.5 * chance)
    delay = max(own, error.retry_after or 0.0)
    return delay if elapsed + delay <= policy.total_s else None


class Retrying:
    """``inner`` with its transient failures ridden out. The last error is raised as it came."""

    def __init__(self, inner: Remote, clock: Clock, dice: random.Random, policy: Policy = DEFAULT) -> None:
        self.inner = inner
        self._clock = clock
        self._dice = dice
        self._policy = policy

    @property
    def capabilities(self) -> Capabilities:
        return self.inner.capabilities

    @property
    def url(self) -> str:
        return self.inner.url

    def list_files(self, folder: str) -> list[RemoteFile]:
        return self._again(lambda attempt: self.inner.list_files(folder))

    def list_unfinished(self, folder: str) -> list[RemoteFile]:
        return self._again(lambda attempt: self.inner.list_unfinished(folder))

    def list_folders(self, folder: str) -> list[str]:
        return self._again(lambda attempt: self.inner.list_folders(folder))

    def make_folders(self, folders: list[str]) -> None:
        self._again(lambda attempt: self.inner.make_folders(folders))

    def read(self, path: str, offset: int = 0, length: int | None = None) -> bytes:
        return self._again(lambda attempt: self.inner.read(path, offset, length))

    def write(self, path: str, data: bytes, before: Callable[[], None] | None = None) -> bool:
        def forerunner() -> None:
            assert before is not None
            try:
                before()
            except Exception as error:
                raise _Forerunner(error) from error

        def once(attempt: int) -> bool:
            # A first try whose answer was lost may have written the file: then the name is taken, but by us.
            written = self.inner.write(path, data, forerunner if before else None)
            return written or (attempt > 1 and self._holds(path, data))

        try:
            written = self._again(once)
            if written:
                _LOG.info("wrote %s, %d bytes", path, len(data))
            return written
        except _Forerunner as failed:
            raise failed.error from failed.error.__cause__

    def delete(self, path: str) -> None:
        self._again(lambda attempt: self.inner.delete(path))

    def delete_folder(self, folder: str) -> None:
        self._again(lambda attempt: self.inner.delete_folder(folder))

    def close(self) -> None:
        self.inner.close()

    def _holds(self, path: str, data: bytes) -> bool:
        try:
            return self.inner.read(path, 0, len(data) + 1) == data
        except NotFound:
            return False

    def _again(self, call: Callable[[int], _T]) -> _T:
        began, attempt = self._clock.monotonic(), 1
        while True:
            try:
                return call(attempt)
            except Transient as error:
                elapsed = self._clock.monotonic() - began
                delay = next_delay(self._policy, attempt, error, elapsed, self._dice.random())
                if delay is None:
                    raise
                _LOG.info("%s It is tried again in %.1f s.", error, delay)
            self._clock.sleep(delay)
            attempt += 1


class _Forerunner(Exception):
    """What a ``before`` raised. It has ridden out what it could itself, so the write around it is not made again."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error
