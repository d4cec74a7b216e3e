"""Faults that are planned beforehand, so that a test can prove that each of them really happened."""

import threading
from dataclasses import dataclass
from typing import Literal

When = Literal["before", "after"]


class Crash(BaseException):
    """The process dies at this instruction. No ``except Exception`` may live on after it."""


@dataclass(kw_only=True)
class _Fault:
    method: str
    nth: int
    error: BaseException
    when: When
    path: str
    seen: int = 0
    fired: bool = False


class FaultPlan:
    """Which calls fail. A planned fault that never fires means that a test no longer tests what it says."""

    def __init__(self) -> None:
        self._faults: list[_Fault] = []
        self._lock = threading.Lock()

    def fail(
        self, method: str, error: BaseException, *, nth: int = 1, when: When = "before", path: str = ""
    ) -> "FaultPlan":
        """Plans ``error`` for the ``nth`` call (from 1) of ``method`` whose path contains ``path``.

        ``"*"`` is any method. ``when`` says whether the call has taken effect by then. Returns the plan itself.
        """
        with self._lock:
            self._faults.append(_Fault(method=method, nth=nth, error=error, when=when, path=path))
        return self

    def due(self, method: str, path: str) -> tuple[When, BaseException] | None:
        """Counts one call; returns what it must do, if anything. Called by whoever plays the faults."""
        with self._lock:
            hit = None
            for fault in self._faults:
                if fault.method in (method, "*") and fault.path in path:
                    fault.seen += 1
                    if fault.seen == fault.nth and hit is None:
                        hit, fault.fired = fault, True
            return (hit.when, hit.error) if hit else None

    def verify_all_fired(self) -> None:
        """Raises AssertionError naming the faults that never fired."""
        with self._lock:
            missing = [
                f"{f.error!r} {f.when} call {f.nth} of {f.method}" + (f" with {f.path!r}" if f.path else "")
                for f in self._faults
                if not f.fired
            ]
        if missing:
            raise AssertionError("planned faults never fired: " + "; ".join(missing))
