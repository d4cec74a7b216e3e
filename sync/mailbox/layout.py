"""Every name in the mailbox, made and parsed here. All paths are relative to the project's folder.

Invariant: a name has one writer (laptop or worker ids are part of it), or is the hash of what it names.
"""

import re
from dataclasses import dataclass

FORMAT = "format.json"
PACKS = "packs"
SNAPSHOTS = "snapshots"
RUNNER = "runner"
RUNS = "runs"

ID = r"[a-z0-9]{4,16}"
"""Laptop and worker ids."""
ID_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"
"""What new ids are made of: base32, in which no digit looks like a letter."""
RUN_ID = r"[a-z0-9][a-z0-9-]{0,79}"
_HASH = r"[0-9a-f]{64}"


def project_folders() -> list[str]:
    return [PACKS, SNAPSHOTS, RUNNER, RUNS]


def snapshot(laptop: str, seq: int) -> str:
    """Name of a laptop's snapshot, ``{sha256}`` still to be filled in."""
    return f"{SNAPSHOTS}/{laptop}-{seq:08d}-{{sha256}}.snap"


def runner(sha256: str) -> str:
    return f"{RUNNER}/{sha256}.pyz"


def run(run_id: str) -> str:
    return f"{RUNS}/{run_id}"


def spec(run_id: str) -> str:
    return f"{RUNS}/{run_id}/spec.json"


@dataclass(frozen=True, order=True)
class SnapshotName:
    """A parsed name in ``snapshots/``."""

    laptop: str
    seq: int
    sha256: str

    @property
    def path(self) -> str:
        return snapshot(self.laptop, self.seq).format(sha256=self.sha256)


_SNAPSHOT = re.compile(rf"({ID})-([0-9]{{8}})-({_HASH})\.snap")
_PACK = re.compile(rf"({_HASH})\.pack")


def parse_snapshot(name: str) -> SnapshotName | None:
    match = _SNAPSHOT.fullmatch(name)
    return SnapshotName(match[1], int(match[2]), match[3]) if match else None


def is_pack(name: str) -> bool:
    return _PACK.fullmatch(name) is not None


@dataclass(frozen=True, order=True)
class Attempt:
    """One try at one shard. ``n`` counts the worker's tries at that shard, from 1."""

    shard: int
    worker: str
    n: int

    def __str__(self) -> str:
        return f"{self.shard}.{self.worker}.{self.n}"


def parse_attempt(text: str) -> Attempt | None:
    match = re.fullmatch(rf"([0-9]{{1,6}})\.({ID})\.([0-9]{{1,6}})", text)
    return Attempt(int(match[1]), match[2], int(match[3])) if match else None


OUTPUTS = "out"
CHECKPOINT = "ckpt"
LOG = b"hybrid.log"
"""The whole log of an attempt, among its outputs."""


@dataclass(frozen=True, kw_only=True)
class WorkerSnapshot:
    """A parsed name of a worker's snapshot: outputs of an attempt, or a shard's checkpoint."""

    what: str
    attempt: Attempt
    seq: int
    name: str


class RunFolder:
    """The names in one run's folder."""

    def __init__(self, run_id: str) -> None:
        self.path = run(run_id)

    def in_folder(self, name: str) -> str:
        return f"{self.path}/{name}"

    @staticmethod
    def hello(worker: str) -> str:
        return f"{worker}.hello.json"

    @staticmethod
    def claim(worker: str, epoch: int) -> str:
        return f"{worker}.claim-{epoch}.json"

    @staticmethod
    def yields(worker: str, epoch: int) -> str:
        return f"{worker}.yield-{epoch}.json"

    @staticmethod
    def broken(worker: str, epoch: int) -> str:
        return f"{worker}.broken-{epoch}.json"

    @staticmethod
    def tick(worker: str, n: int) -> str:
        return f"{worker}.tick-{n:06d}.json"

    @staticmethod
    def attempt(kind: str, attempt: Attempt) -> str:
        """``kind`` is ``start``, ``done``, ``failed`` or ``left``."""
        return f"{attempt.worker}.{kind}-{attempt.shard}.{attempt.n}.json"

    @staticmethod
    def worker_snapshot(what: str, attempt: Attempt, seq: int) -> str:
        """``{sha256}`` still to be filled in."""
        return f"{attempt.worker}.{what}-{attempt.shard}.{attempt.n}-{seq:06d}-{{sha256}}.snap"

    @staticmethod
    def stop(laptop: str) -> str:
        return f"stop-{laptop}.json"

    @staticmethod
    def accepted(shard: int, laptop: str) -> str:
        return f"accepted-{shard}-{laptop}.json"

    @staticmethod
    def released(worker: str) -> str:
        return f"released-{worker}.json"


_WORKER_FILE = re.compile(
    rf"({ID})\.(?:(hello)|(claim|yield|broken|tick)-([0-9]{{1,9}})|(start|done|failed|left)-([0-9]{{1,6}})\.([0-9]{{1,6}}))\.json"
)
_WORKER_SNAPSHOT = re.compile(
    rf"({ID})\.(out|ckpt)-([0-9]{{1,6}})\.([0-9]{{1,6}})-([0-9]{{6}})-{_HASH}\.snap"
)
_LAPTOP_FILE = re.compile(rf"(?:(stop)|accepted-([0-9]{{1,6}})|(released))-({ID})\.json")


@dataclass(frozen=True, kw_only=True)
class WorkerFile:
    """A parsed JSON file of a worker: ``number`` for claims, yields, ticks; ``attempt`` for attempts."""

    kind: str
    worker: str
    number: int = 0
    attempt: Attempt | None = None


@dataclass(frozen=True, kw_only=True)
class LaptopFile:
    """A parsed JSON file of a laptop. ``who`` is the laptop, or the worker of a ``released``."""

    kind: str
    who: str
    shard: int = 0


def parse_run_file(name: str) -> WorkerFile | LaptopFile | WorkerSnapshot | None:
    """What a name in a run's folder says; None for packs, the spec, and what is not known."""
    if match := _WORKER_FILE.fullmatch(name):
        worker = match[1]
        if match[2]:
            return WorkerFile(kind="hello", worker=worker)
        if match[3]:
            return WorkerFile(kind=match[3], worker=worker, number=int(match[4]))
        attempt = Attempt(int(match[6]), worker, int(match[7]))
        return WorkerFile(kind=match[5], worker=worker, attempt=attempt)
    if match := _WORKER_SNAPSHOT.fullmatch(name):
        attempt = Attempt(int(match[3]), match[1], int(match[4]))
        return WorkerSnapshot(what=match[2], attempt=attempt, seq=int(match[5]), name=name)
    if match := _LAPTOP_FILE.fullmatch(name):
        kind = match[1] or match[3] or "accepted"
        return LaptopFile(kind=kind, who=match[4], shard=int(match[2] or 0))
    return None


def is_outputs_of(path: str, run_id: str, attempt: Attempt) -> bool:
    """Whether ``path`` names a snapshot of that attempt's outputs, in its own run's folder."""
    folder, _, name = path.rpartition("/")
    found = parse_run_file(name)
    return (
        folder == run(run_id)
        and isinstance(found, WorkerSnapshot)
        and (found.what, found.attempt) == (OUTPUTS, attempt)
    )
