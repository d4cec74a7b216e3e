"""A run's folder at one moment, as its names tell it. No file is read for it: one listing is one view."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from sync.remotes.base import Remote

from . import layout
from .layout import Attempt, LaptopFile, RunFolder, WorkerFile, WorkerSnapshot, parse_run_file


@dataclass
class RunView:
    """What is visible. Listings may lag, so what is missing here may exist all the same.

    claims, yields, broken  worker -> its highest epoch of that kind
    ticks                   worker -> the numbers of its ticks, ascending
    """

    ready: bool = False
    hellos: set[str] = field(default_factory=set)
    claims: dict[str, int] = field(default_factory=dict)
    yields: dict[str, int] = field(default_factory=dict)
    broken: dict[str, int] = field(default_factory=dict)
    ticks: dict[str, list[int]] = field(default_factory=dict)
    starts: set[Attempt] = field(default_factory=set)
    done: set[Attempt] = field(default_factory=set)
    failed: set[Attempt] = field(default_factory=set)
    left: set[Attempt] = field(default_factory=set)
    snapshots: list[WorkerSnapshot] = field(default_factory=list)
    stopped: bool = False
    accepted: set[int] = field(default_factory=set)
    released: set[str] = field(default_factory=set)
    names: set[str] = field(default_factory=set)


def look(remote: Remote, base: str, folder: RunFolder) -> RunView:
    """One listing of the run's folder; ``base`` is the project's folder in the remote."""
    return view(file.name for file in remote.list_files(f"{base}/{folder.path}"))


def run_ids(remote: Remote, base: str) -> list[str]:
    """The runs in the mailbox, oldest first."""
    valid = re.compile(layout.RUN_ID)
    return sorted(name for name in remote.list_folders(f"{base}/{layout.RUNS}") if valid.fullmatch(name))


def view(names: Iterable[str]) -> RunView:
    seen = RunView(names=set(names))
    for name in sorted(seen.names):
        if name == "spec.json":
            seen.ready = True
        match parse_run_file(name):
            case WorkerFile() as file:
                _take(seen, file)
            case WorkerSnapshot() as snapshot:
                seen.snapshots.append(snapshot)
            case LaptopFile(kind="stop"):
                seen.stopped = True
            case LaptopFile(kind="accepted", shard=shard):
                seen.accepted.add(shard)
            case LaptopFile(kind="released", who=worker):
                seen.released.add(worker)
    for ticks in seen.ticks.values():
        ticks.sort()
    return seen


def _take(seen: RunView, file: WorkerFile) -> None:
    attempts = {"start": seen.starts, "done": seen.done, "failed": seen.failed, "left": seen.left}
    epochs = {"claim": seen.claims, "yield": seen.yields, "broken": seen.broken}
    if file.kind == "hello":
        seen.hellos.add(file.worker)
    elif file.kind == "tick":
        seen.ticks.setdefault(file.worker, []).append(file.number)
    elif file.attempt is not None:
        attempts[file.kind].add(file.attempt)
    else:
        highest = epochs[file.kind]
        highest[file.worker] = max(file.number, highest.get(file.worker, 0))
