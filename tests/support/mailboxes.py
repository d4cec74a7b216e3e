"""Builds what a laptop would have put into a mailbox, without a project on disk."""

from collections.abc import Mapping
from typing import Any

from sync.mailbox import layout, records
from sync.mailbox.layout import RunFolder
from sync.mailbox.records import Format, Spec
from sync.remotes.base import Remote
from sync.store.lines import blocks, lines
from sync.store.nouns import FILE, Entry, Location, Root
from sync.store.writer import SnapshotWriter, placed_elsewhere

LAPTOP = "laptop22"


class DirectOutlet:
    """Writes what it is given at once, and remembers where chunks lie."""

    def __init__(self, remote: Remote, base: str) -> None:
        self._remote = remote
        self._base = base
        self.locations: dict[str, Location] = {}

    def known(self, sha256: str) -> Location | None:
        return self.locations.get(sha256)

    def put(self, name: str, data: bytes, locations: Mapping[str, Location]) -> None:
        self._remote.write(f"{self._base}/{name}", data)
        self.locations.update(locations)

    put_snapshot = put


def make_mailbox(remote: Remote, base: str) -> None:
    remote.make_folders([base, *(f"{base}/{name}" for name in layout.project_folders())])
    remote.write(f"{base}/{layout.FORMAT}", records.encode(Format(mailbox="m" * 16)))


def publish_tree(
    remote: Remote,
    base: str,
    files: Mapping[str, bytes],
    *,
    seq: int = 1,
    executable: frozenset[str] = frozenset(),
) -> Root:
    """A snapshot of ``files`` by ``LAPTOP``."""
    writer = SnapshotWriter(
        DirectOutlet(remote, base), writer=LAPTOP, pack_folder=layout.PACKS, pack_size=16 * 1024 * 1024
    )
    entries = []
    for path, content in files.items():
        file = writer.begin_file()
        file.feed(content)
        chunks = tuple(placed_elsewhere(*chunk) for chunk in file.end())
        entries.append(
            Entry(
                path=path.encode(), kind=FILE, size=len(content), chunks=chunks, executable=path in executable
            )
        )
    return writer.finish(
        name=layout.snapshot(LAPTOP, seq),
        kind="tree",
        seq=seq,
        tree=lambda place: blocks(lines(entries, place)),
        meta={},
    )


def queue_run(remote: Remote, base: str, run_id: str, snapshot: str, **fields: Any) -> Spec:
    """Writes a run's spec. ``fields`` are those of Spec."""
    values: dict[str, Any] = {"target": "local", "shards": 1, "created": 0.0, **fields}
    spec = Spec(run=run_id, laptop=LAPTOP, snapshot=snapshot, **values)
    remote.make_folders([f"{base}/{RunFolder(run_id).path}"])
    remote.write(f"{base}/{layout.spec(run_id)}", records.encode(spec))
    return spec
