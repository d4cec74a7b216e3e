"""An agent that does nothing but tell of itself: ``python small_agent.py ROOT MODE``.

MODE: ``good``; ``newer``, which tells what nobody here knows; ``busy``, which does not look whether it was asked to end;
``deaf``, which cannot even be interrupted; ``broken``, ``bug``, which end with an error at once.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from agent.cli.failures import report
from agent.daemon import process
from agent.daemon.bell import Bell
from agent.daemon.tell.record import Record
from agent.daemon.tell.status import WATCHING, Status
from agent.project import Project
from sync.clock import Clock, SystemClock
from sync.errors import HybridError


@dataclass(frozen=True, kw_only=True)
class Newer(Status):
    mood: str = "good"


def command(root: Path, mode: str = "good") -> tuple[str, ...]:
    return sys.executable, __file__, str(root), mode


def loop(mode: str) -> process.Loop:
    def act(
        project: Project, clock: Clock, *, bell: Bell, record: Record, stopping: Callable[[], bool]
    ) -> None:
        assert record.last is not None
        if mode == "broken":
            raise HybridError("The mailbox is upside down.", "Turn it round.")
        if mode == "bug":
            raise ValueError("no")
        status = replace(record.last, state=WATCHING, written=clock.wall())
        record.write(Newer(**status.__dict__) if mode == "newer" else status)
        while mode in ("deaf", "busy") or not stopping():
            try:
                bell.wait(None)
            except KeyboardInterrupt:
                if mode != "deaf":
                    raise

    return act


def main() -> int:
    try:
        process.run(Project.find(Path(sys.argv[1])), SystemClock(), loop(sys.argv[2]))
    except Exception as error:
        return report(error, as_json=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
