"""What goes wrong, and when: faults are planned, and each planned fault must happen."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum

from .asked import Asked


class Kind(Enum):
    STATUS = "status"  # answers with ``status`` and ``text``, before any work
    SAYS = "says"  # the model says ``text``, whatever was asked: what breaks the schema, JSON in fences, an injection
    SLOW = "slow"  # ``seconds`` pass before the reply, and as many between its pieces if it is streamed
    STALLED = "stalled"  # stops after ``pieces`` and says nothing more, with the connection open
    UNFINISHED = "unfinished"  # status 200 that ends after ``pieces``, without a last record: done is false
    CUT = "cut"  # ends after ``pieces`` tokens with done_reason "length"
    ERROR_LINE = "error line"  # after ``pieces`` a line with ``error`` in a stream of status 200
    HANG_UP = "hang up"  # the connection ends after ``pieces``, in the middle of a reply
    RUNNER_DIED = (
        "runner died"  # status 500, for all that the model works on; the next request loads it again
    )
    SERVER_DIED = "server died"  # all connections end; nothing listens for ``seconds``, for ever if None


_GENERATING = ("/api/chat", "/api/generate", "/v1/chat/completions")


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """Strikes the requests to ``paths`` whose prompt has ``match`` in it (or of which it says so, as a function):
    it lets ``skip`` of them pass first, then strikes ``times`` of them. The empty ``match`` is in every prompt, and in
    that of a request that only loads the model, which has none."""

    kind: Kind
    match: str | Callable[[Asked], bool] = ""
    paths: Sequence[str] = _GENERATING
    skip: int = 0
    times: int = 1
    status: int = 500
    text: str = ""
    pieces: int = 0
    seconds: float | None = None

    def concerns(self, asked: Asked) -> bool:
        if asked.path not in self.paths:
            return False
        return self.match in asked.prompt if isinstance(self.match, str) else self.match(asked)


@dataclass(slots=True)
class _Planned:
    fault: Fault
    passed: int = 0
    struck: int = 0


@dataclass(slots=True)
class Plan:
    """Faults in the order in which they were planned; the first that concerns a request strikes it."""

    _planned: list[_Planned] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, *faults: Fault) -> None:
        with self._lock:
            self._planned += [_Planned(each) for each in faults]

    def strikes(self, asked: Asked) -> Fault | None:
        with self._lock:
            for each in self._planned:
                if each.struck >= each.fault.times or not each.fault.concerns(asked):
                    continue
                if each.passed < each.fault.skip:
                    each.passed += 1
                    continue
                each.struck += 1
                return each.fault
        return None

    def assert_all_fired(self) -> None:
        """Raises AssertionError that names the faults that did not happen as often as planned."""
        with self._lock:
            left = [
                f"{each.fault.kind.value} ({each.struck} of {each.fault.times})"
                for each in self._planned
                if each.struck < each.fault.times
            ]
        assert not left, f"planned, but did not happen: {', '.join(left)}"
