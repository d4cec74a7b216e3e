"""The contract of a launcher: it starts a runner on a machine, says whether it lives, and ends it."""

from dataclasses import asdict, dataclass
from enum import Enum
from typing import Any, Protocol

from sync.errors import HybridError


@dataclass(frozen=True, kw_only=True)
class Launch:
    """What to start.

    project      the project's id
    target       what the runner is started as; it takes runs for this target
    runner       SHA-256 of the runner's archive, which is in the mailbox already
    idle_exit    seconds without work after which it ends
    work         folder for its scratch on that machine; empty for its default
    """

    project: str
    target: str
    runner: str
    idle_exit: float
    work: str = ""


@dataclass(frozen=True, kw_only=True)
class Handle:
    """A runner that was started; plain data, so that another process can find it again."""

    target: str
    pid: int
    born: str
    host: str
    log: str
    runner: str

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


class EndedAtOnce(HybridError):
    """The runner was started, and has failed before it was at work."""

    def __init__(self, message: str, hint: str, handle: Handle) -> None:
        super().__init__(message, hint)
        self.handle = handle


class Liveness(Enum):
    """UNKNOWN: the machine cannot be asked now."""

    RUNNING = "running"
    GONE = "gone"
    UNKNOWN = "unknown"


class Launcher(Protocol):
    """Truth about work comes only from the mailbox; a launcher knows machines.

    ``start`` returns once the runner is a process of its own: cutting the network or ending this program changes
    nothing for it. ``liveness`` and ``stop`` may be asked by another process, later. Raises only HybridError.
    """

    @property
    def costs_money(self) -> bool:
        """Whether a machine that it starts is paid for by the time that it runs: nobody but a person starts one then,
        unless they have allowed it and there is a budget."""

    def start(self, launch: Launch) -> Handle:
        """Starts a runner, and gives it a moment to show life. Raises EndedAtOnce where it has failed already."""

    def liveness(self, handle: Handle) -> Liveness:
        """Whether that runner lives; never guesses."""

    def stop(self, handle: Handle) -> None:
        """Asks it to end: it ends its children, publishes what is worth it, and goes. Idempotent."""

    def close(self) -> None:
        """Lets go of connections."""
