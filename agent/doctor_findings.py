"""What a check of ``hybrid doctor`` finds, and how long it may look.

Anything may hang: a mount whose server is gone, a host that takes a connection and says nothing. So each check works in a
thread of its own, which is left behind where it takes too long.
"""

import queue
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum

from sync.errors import HybridError
from sync.progress import Progress

QUICK_S = 10.0


class Status(Enum):
    """WARN: hybrid works, but not as well as it could, or not yet."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """``what`` was found, in a clause; ``fix`` is one sentence on what to do about it, empty where all is well."""

    name: str
    status: Status
    what: str
    fix: str = ""


def ok(name: str, what: str) -> Finding:
    return Finding(name=name, status=Status.OK, what=what)


def warn(name: str, what: str, fix: str) -> Finding:
    return Finding(name=name, status=Status.WARN, what=what, fix=fix)


def fail(name: str, what: str, fix: str) -> Finding:
    return Finding(name=name, status=Status.FAIL, what=what, fix=fix)


def failed(name: str, error: HybridError) -> Finding:
    return fail(name, str(error), error.hint or "Try again; with -vv, hybrid tells more about it.")


Look = Callable[[], Iterable[Finding]]


class Examiner:
    """Makes checks, one after the other. ``limit_s`` wins over the limit of each; ``meter`` names the one at work."""

    def __init__(self, meter: Progress, limit_s: float | None = None) -> None:
        self._meter = meter
        self._limit_s = limit_s

    def limit(self, limit_s: float = QUICK_S) -> float:
        """How many seconds a check may take that has ``limit_s`` of its own."""
        return self._limit_s or limit_s

    def make(self, name: str, look: Look, limit_s: float = QUICK_S) -> list[Finding]:
        """What ``look`` yields, in its own thread; a failure called ``name`` where it takes longer than ``limit_s``
        seconds, or raises what can be expected of a machine: HybridError or OSError."""
        limit = self.limit(limit_s)
        answer: queue.SimpleQueue[list[Finding] | BaseException] = queue.SimpleQueue()

        def work() -> None:
            try:
                answer.put(list(look()))
            except BaseException as error:  # raised again by whoever waits
                answer.put(error)

        self._meter.start(f"checking {name}", unit="")
        try:
            threading.Thread(target=work, name=f"doctor {name}", daemon=True).start()
            found = answer.get(timeout=limit)
        except queue.Empty:
            fix = "See which disk or network it waits for, or give it longer with --limit."
            return [fail(name, f"no answer within {limit:g} s", fix)]
        finally:
            self._meter.finish()
        if isinstance(found, HybridError):
            return [failed(name, found)]
        if isinstance(found, OSError):
            return [_refused(name, found)]
        if isinstance(found, BaseException):
            raise found
        return found


def worst(findings: Iterable[Finding]) -> Finding | None:
    """What to do something about first: the first failure, else the first warning. Later checks lean on earlier ones."""
    wanting = [each for each in findings if each.status is not Status.OK]
    return next((each for each in wanting if each.status is Status.FAIL), wanting[0] if wanting else None)


def _refused(name: str, error: OSError) -> Finding:
    where = f"{error.filename}: " if error.filename else ""
    fix = "See who owns that path, how its disk is mounted, and how much room it has."
    return fail(name, f"{where}{error.strerror or error}", fix)
