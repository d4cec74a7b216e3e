"""The agent, with clocks that jump when it is told so: ``python -m tests.support.jumpy_agent ROOT FILE``.

FILE holds two numbers, seconds by which its wall clock and its monotonic clock are ahead of the system's.
"""

import sys
from pathlib import Path

from agent.cli.failures import report
from agent.daemon import loop, process
from agent.project import Project
from sync.clock import SystemClock


class JumpyClock(SystemClock):
    def __init__(self, path: Path) -> None:
        self._path = path

    def wall(self) -> float:
        return super().wall() + self._ahead()[0]

    def monotonic(self) -> float:
        return super().monotonic() + self._ahead()[1]

    def _ahead(self) -> tuple[float, float]:
        wall, monotonic = self._path.read_text().split()
        return float(wall), float(monotonic)


def jump(path: Path, wall: float, monotonic: float) -> None:
    aside = path.with_suffix(".new")
    aside.write_text(f"{wall} {monotonic}")
    aside.replace(path)


def main() -> int:
    try:
        process.run(Project.find(Path(sys.argv[1])), JumpyClock(Path(sys.argv[2])), loop.run)
    except Exception as error:
        return report(error, as_json=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
