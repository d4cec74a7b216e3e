"""Every name in the mailbox, made and parsed here. All paths are relative to the project's folder.

Invariant: a name has one writer (laptop or worker ids are part of it), or is the hash of what it names.
"""

import re
from dataclasses import dataclass

from sync.errors import CorruptMailbox

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
# One spelling for each number: else two names would say the same, and a name made from what was read be another one.
_SHARD = r"(0|[1-9][0-9]{0,5})"
_N = r"([1-9][0-9]{0,5})"
_EPOCH = r"([1-9][0-9]{0,8})"
_TICK = r"([0-9]{6}|[1-9][0-9]{6,8})"
_MOST_SNAPSHOTS = 99_999_999


def project_folders() -> list[str]:
    return [PACKS, SNAPSHOTS, RUNNER, RUNS]


def snapshot(laptop: str, seq: int) -> str:
    """Name of a laptop's snapshot, ``{sha256}`` still to be filled in.

    Raises CorruptMailbox where the number has no name: no laptop pushes so often, so somebody made up the one before.
    """
    if seq > _MOST_SNAPSHOTS:
        raise CorruptMailbox(
            f"The mailbox holds the snapshot number {seq - 1} of this laptop, after which there is no other.",
            f"If this laptop has not made it, remove {SNAPSHOTS}/{laptop}-{seq - 1}-... by hand.",
        )
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
    match = re.fullmatch(rf"{_SHARD}\.({ID})\.{_N}", text)
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
    rf"({ID})\.(?:(hello)|(?:(claim|yield|broken)-{_EPOCH}|(tick)-{_TICK})|(start|done|failed|left)-{_SHARD}\.{_N})\.json"
)
_WORKER_SNAPSHOT = re.compile(rf"({ID})\.(out|ckpt)-{_SHARD}\.{_N}-([0-9]{{6}})-{_HASH}\.snap")
_LAPTOP_FILE = re.compile(rf"(?:(stop)|accepted-{_SHARD}|(released))-({ID})\.json")


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
        if kind := match[3] or match[5]:
            return WorkerFile(kind=kind, worker=worker, number=int(match[4] or match[6]))
        attempt = Attempt(int(match[8]), worker, int(match[9]))
        return WorkerFile(kind=match[7], worker=worker, attempt=attempt)
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
