"""Sections 3, 4 and 8 of ``docs/protocol.md``: which files there are, and what their records say."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .blocks import MIB, need, sha256

ID = "[a-z0-9]{4,16}"
SHARD = "(?:0|[1-9][0-9]{0,5})"
N = "[1-9][0-9]{0,5}"
SNAPSHOT = re.compile(rf"({ID})-([0-9]{{8}})-[0-9a-f]{{64}}\.snap")
ACCEPTED = re.compile(rf"accepted-({SHARD})-({ID})\.json")
OF_WORKER = re.compile(rf"({ID})\.(out|ckpt)-({SHARD})\.({N})-([0-9]{{6}})-[0-9a-f]{{64}}\.snap")
CLAIM = re.compile(rf"({ID})\.claim-([1-9][0-9]{{0,8}})\.json")


@dataclass(frozen=True)
class Accepted:
    """What one laptop says it has of a shard. ``snapshot`` is below the project's folder."""

    shard: int
    laptop: str
    attempt: str
    snapshot: str


@dataclass(frozen=True)
class Published:
    """Outputs (``out``) or a checkpoint (``ckpt``) of an attempt, whole or not."""

    what: str
    shard: int
    attempt: str
    seq: int
    snapshot: str


@dataclass(frozen=True)
class Run:
    """``spec`` is as in the file; its defaults are the page's."""

    name: str
    spec: dict[str, Any]
    accepted: list[Accepted]
    published: list[Published]

    @property
    def sharded(self) -> bool:
        return bool(self.spec["shards"] > 1 or self.spec.get("inputs", {}).get("kind", "none") != "none")

    def checkpoints(self) -> list[Published]:
        return [each for each in self.published if each.what == "ckpt"]


class Project:
    """``folder`` is ``<root>/<project-id>``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        version = self._record("format.json").get("version", 1)
        need(version == 1, f"version {version} of the mailbox is not known here")

    def snapshots(self) -> list[str]:
        """States of the project: of each laptop from the oldest to the newest."""
        names = (path.name for path in (self.folder / "snapshots").iterdir())
        return sorted(f"snapshots/{name}" for name in names if SNAPSHOT.fullmatch(name))

    def runs(self) -> Iterator[Run]:
        """Those that are ready: their spec is visible."""
        for path in sorted((self.folder / "runs").iterdir()):
            if re.fullmatch("[a-z0-9][a-z0-9-]{0,79}", path.name) and (path / "spec.json").exists():
                yield self.run(path.name)

    def run(self, name: str) -> Run:
        folder = f"runs/{name}"
        spec = self._record(f"{folder}/spec.json")
        need(spec.get("version", 1) == 1, f"the spec of {name} has a version that is not known here")
        need(spec["run"] == name and type(spec["shards"]) is int, f"the spec of {name} cannot be true")
        accepted, published = [], []
        epochs: dict[str, int] = {}
        for path in (self.folder / folder).iterdir():
            if match := ACCEPTED.fullmatch(path.name):
                record = self._record(f"{folder}/{path.name}")
                accepted.append(Accepted(int(match[1]), match[2], record["attempt"], record["snapshot"]))
            elif match := OF_WORKER.fullmatch(path.name):
                worker, what, shard, n, seq = match.groups()
                attempt = f"{shard}.{worker}.{n}"
                published.append(Published(what, int(shard), attempt, int(seq), f"{folder}/{path.name}"))
            elif match := CLAIM.fullmatch(path.name):
                epochs[match[1]] = max(int(match[2]), epochs.get(match[1], 0))

        def age(each: Published) -> tuple[Any, ...]:
            _, worker, n = each.attempt.split(".")
            return each.shard, epochs.get(worker, 0), int(n), each.seq

        return Run(
            name,
            spec,
            sorted(accepted, key=lambda each: (each.shard, each.laptop)),
            sorted(published, key=age),
        )

    def _record(self, name: str) -> dict[str, Any]:
        data = (self.folder / name).read_bytes()
        need(len(data) <= 4 * MIB, f"{name} is too large for a record")
        body, mark, digest = data.rpartition(b"sha256:")
        need(mark and digest == sha256(body).encode() + b"\n", f"{name} does not match its own SHA-256")
        record = json.loads(body.decode())
        need(isinstance(record, dict), f"{name} is no object")
        return dict(record)


def projects(root: Path) -> list[Path]:
    """The folders of the projects in a mailbox; ``root`` may be one of them itself."""
    if (root / "format.json").exists():
        return [root]
    return sorted(path.parent for path in root.glob("*/format.json"))
