"""A worker of the real runner with children that are scripts in memory, on a clock that is moved by hand."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from cloud_runner.child import Command
from cloud_runner.device import Device
from cloud_runner.serve import Runner
from cloud_runner.worker import Place
from sync.clock import ManualClock
from sync.mailbox.records import Hello
from sync.remotes.base import Remote

NO_PROCESS = 2**30
"""No system gives a process this number."""


@dataclass
class ScriptedChild:
    """Runs for ``polls`` looks, then writes ``files`` into its outputs and exits with ``code``.

    Asked to end, it ends at the next look, having written nothing more.
    """

    command: Command
    polls: int
    files: dict[str, bytes]
    code: int
    checkpoint: dict[str, bytes] = field(default_factory=dict)
    pid: int = NO_PROCESS
    signal: int = 0
    ended: int | None = None

    def __post_init__(self) -> None:
        self.command.log.write_text("begun\n")

    def poll(self) -> int | None:
        if self.ended is not None:
            return self.ended
        self.polls -= 1
        if self.signal:
            self.ended = -self.signal
        elif self.polls <= 0:
            _fill(Path(self.command.env["HYBRID_OUTPUT"]), self.files)
            self.ended = self.code
        else:
            _fill(Path(self.command.env["HYBRID_CHECKPOINT"]), self.checkpoint)
        return self.ended

    def terminate(self) -> None:
        self.signal = self.signal or 15

    def kill(self) -> None:
        self.signal = 9


def _fill(folder: Path, files: dict[str, bytes]) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_bytes() != content:
            path.write_bytes(content)


Script = Callable[[Command], ScriptedChild]
"""What a worker's children do."""


def place(
    remote: Remote,
    clock: ManualClock,
    work: Path,
    script: Script,
    *,
    base: str = "lab",
    say: Callable[[str], None] = lambda line: None,
    ending: Callable[[], str] = lambda: "",
    devices: list[Device] | None = None,
) -> Place:
    return Place(
        remote=remote,
        base=base,
        project=base,
        clock=clock,
        work=work,
        devices=devices or [],
        start=script,
        say=say,
        ending=ending,
        tick_s=remote.capabilities.tick_s,
        grace_s=15.0,
    )


def hello(worker: str, host: str = "") -> Hello:
    """Of a worker on a machine of its own, so that nobody can tell at once that it is dead."""
    return Hello(worker=worker, host=host or f"host-of-{worker}", boot="", pid=NO_PROCESS, born="")


def runner(at: Place, who: Hello, *, idle_exit: float = 20.0) -> Runner:
    return Runner(at, who, frozenset(["local"]), idle_exit)


def work_to_the_end(runner: Runner, clock: ManualClock, *, limit_s: float = 36_000.0) -> None:
    """Runs a worker until it ends by itself, its clock jumping over each wait."""
    until = clock.monotonic() + limit_s
    for wait in runner.serve():
        clock.advance(max(wait, 0.001))
        assert clock.monotonic() < until, "the worker does not come to an end"
