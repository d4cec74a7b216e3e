"""One attempt at one shard: its folders, its environment, its child, and what it has published so far."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sync.mailbox import inputs as shard_inputs
from sync.mailbox.layout import CHECKPOINT, OUTPUTS, Attempt, RunFolder
from sync.mailbox.records import Inputs, Spec

from .child import Child, Command
from .device import Device
from .publish import Found, Outlet, Publisher

LOG_TAIL = 8 * 1024
LOG_A_TICK = 64 * 1024


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
    seen: dict[str, tuple[list[Found], float]] = field(default_factory=dict)
    next_publication: dict[str, float] = field(default_factory=dict)

    @property
    def log(self) -> Path:
        return self.folder / "log"

    def new_log(self) -> tuple[int, str] | None:
        """Offset and text of what the log grew by since the last call, bounded; None where it did not grow."""
        size = self.log.stat().st_size
        if size <= self.log_sent:
            return None
        start = max(self.log_sent, size - LOG_A_TICK)
        with open(self.log, "rb") as file:
            file.seek(start)
            text = file.read(size - start).decode("utf-8", "replace")
        self.log_sent = size
        return start, text

    def log_tail(self) -> str:
        return tail(self.log)


def tail(log: Path) -> str:
    """The end of a log, as text."""
    try:
        with open(log, "rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - LOG_TAIL))
            return file.read().decode("utf-8", "replace")
    except FileNotFoundError:
        return ""


def publishers(outlet: Outlet, run: RunFolder, attempt: Attempt, folder: Path) -> tuple[Publisher, Publisher]:
    """Of the attempt's outputs, and of its checkpoint."""
    outputs = Publisher(outlet, run, attempt, OUTPUTS, folder / "out", folder / "log")
    return outputs, Publisher(outlet, run, attempt, CHECKPOINT, folder / "ckpt", None)


def write_input(spec: Spec, shard: int, tree: Path, paths: list[bytes], folder: Path) -> Path | None:
    """The file that tells the child its inputs: their lines, or a path a line. None for a run without inputs.

    ``paths`` are the files of the snapshot. Raises OSError, and ValueError where the snapshot does not hold what the
    spec says.
    """
    inputs = Inputs(
        **{key: spec.inputs[key] for key in ("kind", "path", "chunk", "count") if key in spec.inputs}
    )
    if inputs.kind == shard_inputs.NONE:
        return None
    wanted = shard_inputs.span(inputs, shard)
    if inputs.kind == shard_inputs.LINES:
        with open(tree / inputs.path, "rb") as source:
            items = [line for n, line in enumerate(shard_inputs.lines(source)) if n in wanted]
        name = "input.jsonl"
    else:
        items = shard_inputs.matching(inputs.path, paths)[wanted.start : wanted.stop]
        name = "input.txt"
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
    input_file: Path | None,
    devices: list[Device],
    slot: int,
) -> Command:
    """What to start for the attempt, with the environment that it is promised."""
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
    env |= _gpu_environment(devices, slot)
    env |= spec.env
    return Command(argv=list(spec.command), shell=spec.shell, folder=tree, env=env, log=folder / "log")


def _gpu_environment(devices: list[Device], slot: int) -> Mapping[str, str]:
    if not devices:
        return {"HYBRID_GPU": "", "HYBRID_VRAM_GB": "0"}
    device = devices[slot % len(devices)]
    env = {"HYBRID_GPU": device.name, "HYBRID_VRAM_GB": f"{device.free_gb:.1f}"}
    if len(devices) > 1:
        env["CUDA_VISIBLE_DEVICES"] = str(slot % len(devices))
    return env
