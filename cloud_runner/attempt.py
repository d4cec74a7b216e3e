"""One attempt at one shard: its folders, its environment, its child, and what it has published so far."""

import itertools
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sync.mailbox import inputs as shard_inputs
from sync.mailbox.layout import Attempt
from sync.mailbox.records import Spec

from .child import Child, Command
from .device import Device
from .publish import Found, Publisher

LOG_TAIL = 8 * 1024
LOG_A_TICK = 64 * 1024
"""Bytes of logs in one tick at most, all attempts together."""


@dataclass
class Job:
    """A running attempt. Times are monotonic seconds of this worker."""

    attempt: Attempt
    folder: Path
    child: Child
    outputs: Publisher
    checkpoint: Publisher
    started: float
    slot: int
    log_sent: int = 0
    log_offered: tuple[int, int, str] | None = None
    seen: dict[str, tuple[list[Found], float]] = field(default_factory=dict)
    next_publication: dict[str, float] = field(default_factory=dict)

    @property
    def log(self) -> Path:
        return self.folder / "log"

    def new_log(self, limit: int) -> tuple[int, str] | None:
        """Offset and text of what the log grew by since ``log_told``; None where it did not grow.

        Of more than ``limit`` bytes the last ones. A character that is only half written waits for the next call.
        Until it has been told, the same text is given again, unchanged: a write that seemed to fail may have
        succeeded, and a reader then finds the same text at the same offset.
        """
        if self.log_offered is None:
            self.log_offered = self._grown(limit)
        if self.log_offered is None:
            return None
        start, _, text = self.log_offered
        return start, text

    def log_told(self) -> None:
        """What ``new_log`` gave last is in the mailbox."""
        if self.log_offered is not None:
            self.log_sent = self.log_offered[1]
            self.log_offered = None

    def _grown(self, limit: int) -> tuple[int, int, str] | None:
        """Start, end and text."""
        try:
            with open(self.log, "rb") as file:
                size = os.fstat(file.fileno()).st_size
                start = max(self.log_sent, size - limit)
                file.seek(start)
                data = file.read(limit)
        except FileNotFoundError:  # the child may do as it likes with its folder
            return None
        data = data[: len(data) - _half_character(data)]
        return (start, start + len(data), data.decode("utf-8", "replace")) if data else None

    def log_tail(self) -> str:
        return tail(self.log)


def tail(log: Path) -> str:
    """The end of a log, as text."""
    try:
        with open(log, "rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - LOG_TAIL))
            return file.read(LOG_TAIL).decode("utf-8", "replace")
    except FileNotFoundError:
        return ""


def write_input(spec: Spec, shard: int, tree: Path, paths: list[bytes], folder: Path) -> Path | None:
    """The file that tells the child its inputs: their lines, or a path a line. None for a run without inputs.

    ``paths`` are the files of the snapshot. Raises OSError, and ValueError where the snapshot does not hold what the
    spec says.
    """
    inputs = shard_inputs.of(spec)
    if inputs.kind == shard_inputs.NONE:
        return None
    wanted = shard_inputs.span(inputs, shard)
    if inputs.kind == shard_inputs.LINES:
        with open(tree / inputs.path, "rb") as source:
            items = list(itertools.islice(shard_inputs.lines(source), wanted.start, wanted.stop))
        name = "input.jsonl"
    else:
        items = shard_inputs.matching(inputs.path, paths)[wanted.start : wanted.stop]
        name = "input.txt"
        if any(b"\n" in item for item in items):
            raise ValueError("an input has a line break in its name")
    if len(items) != len(wanted):
        raise ValueError(f"the snapshot holds fewer inputs in {inputs.path} than the run was made for")
    target = folder / name
    target.write_bytes(b"".join(item + b"\n" for item in items))
    return target


def command(
    spec: Spec,
    attempt: Attempt,
    tree: Path,
    folder: Path,
    *,
    input_file: Path | None = None,
    devices: list[Device],
    slot: int = 0,
    deadline: float | None = None,
) -> Command:
    """What to start for the attempt, with the environment that it is promised.

    deadline  when the run's time on this machine is up, in seconds since the epoch on this machine's clock
    """
    env = {key: value for key, value in os.environ.items() if not key.startswith("HYBRID_")}
    env |= {
        "PYTHONUNBUFFERED": "1",
        "HYBRID_RUN": spec.run,
        "HYBRID_OUTPUT": str(folder / "out"),
        "HYBRID_CHECKPOINT": str(folder / "ckpt"),
        "HYBRID_SHARD": str(attempt.shard),
        "HYBRID_SHARDS": str(spec.shards),
        "HYBRID_ATTEMPT": str(attempt),
        "HYBRID_SAMPLE": "1" if spec.sample else "",
    }
    if input_file is not None:
        env["HYBRID_SHARD_INPUT"] = str(input_file)
    if deadline is not None:
        env["HYBRID_DEADLINE"] = str(int(deadline))
    env |= _gpu_environment(devices, slot)
    env |= spec.env
    return Command(argv=list(spec.command), shell=spec.shell, folder=tree, env=env, log=folder / "log")


def _gpu_environment(devices: list[Device], slot: int) -> Mapping[str, str]:
    if not devices:
        return {"HYBRID_GPU": "", "HYBRID_VRAM_GB": "0"}
    device = devices[slot % len(devices)]
    env = {"HYBRID_GPU": device.name, "HYBRID_VRAM_GB": f"{device.free_gb:.1f}"}
    if len(devices) > 1:
        # Without the order, CUDA numbers the fastest first, and two slots could mean one GPU.
        env |= {"CUDA_VISIBLE_DEVICES": device.handle}
        if "CUDA_VISIBLE_DEVICES" not in os.environ:
            env["CUDA_DEVICE_ORDER"] = "PCI_BUS_ID"
    return env


def _half_character(data: bytes) -> int:
    """How many bytes at the end begin a UTF-8 character that is not all there yet."""
    for back in range(1, min(3, len(data)) + 1):
        byte = data[-back]
        if byte >= 0xC0:
            wanted = 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4
            return back if wanted > back else 0
        if byte < 0x80:
            return 0
    return 0
