"""Progress as bars on a terminal: what is done, how fast, how long it will take. Needs rich, so imported on use."""

from typing import TextIO

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.text import Text

from sync.clock import Clock

# Half a million small files make half a million calls; the bar is told ten times a second.
_INTERVAL_S = 0.1


class Bars:
    """A ``sync.progress.Progress`` that shows one bar at a time and wipes it when its phase ends.

    It is drawn from ``advance``, without a thread of its own.
    """

    def __init__(self, err: TextIO, clock: Clock) -> None:
        self._console = Console(file=err)
        self._clock = clock
        self._live: Progress | None = None
        self._pending = 0
        self._told = 0.0

    def start(self, label: str, total: int | None = None, unit: str = "B") -> None:
        self.finish()
        columns = (
            (DownloadColumn(), TransferSpeedColumn())
            if unit == "B"
            else (MofNCompleteColumn(), _CountSpeed(unit))
        )
        self._live = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            *columns,
            TimeRemainingColumn(compact=True),
            console=self._console,
            transient=True,
            auto_refresh=False,
            redirect_stdout=False,
            redirect_stderr=False,
            get_time=self._clock.monotonic,
        )
        self._live.add_task(label, total=total)
        self._live.start()
        self._told = self._clock.monotonic()

    def advance(self, amount: int) -> None:
        self._pending += amount
        now = self._clock.monotonic()
        if now - self._told >= _INTERVAL_S:
            self._told = now
            self._tell()

    def finish(self) -> None:
        if self._live is not None:
            self._tell()
            self._live.stop()
            self._live = None

    def write_above(self, text: str) -> bool:
        """Prints ``text`` without breaking the bar; False, having printed nothing, where there is no bar."""
        if self._live is None:
            return False
        self._live.console.print(Text(text), soft_wrap=True)
        return True

    def _tell(self) -> None:
        if self._live is not None:
            self._live.advance(self._live.task_ids[0], self._pending)
            self._live.refresh()
        self._pending = 0


class _CountSpeed(ProgressColumn):
    def __init__(self, unit: str) -> None:
        super().__init__()
        self._unit = unit

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text(f"{speed:,.0f} {self._unit}/s" if speed else self._unit, style="progress.data.speed")
