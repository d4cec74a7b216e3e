"""Collecting garbage: what is needed, or not provably ours, is never removed; the rest goes in a safe order."""

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from sync.clock import ManualClock
from sync.errors import CorruptMailbox
from sync.gc import Collected, Collector
from sync.mailbox import layout, records
from sync.mailbox.records import Mark
from sync.remotes.base import Capabilities
from sync.remotes.folder import FolderRemote
from sync.store.lines import blocks, lines
from sync.store.materialise import materialise, to_end
from sync.store.nouns import FILE, Entry, Root
from sync.store.reader import Reader
from sync.store.writer import SnapshotWriter, placed_elsewhere
from tests.support.mailboxes import LAPTOP, DirectOutlet, make_mailbox, queue_run
from tests.support.workers import Worker

BASE = "p"
DAY = 86400.0


class Mail:
    def __init__(self, tmp_path: Path, **capabilities: object) -> None:
        self.path = tmp_path / "mail"
        self.remote = FolderRemote(str(self.path), Capabilities(**capabilities))  # type: ignore[arg-type]
        self.clock = ManualClock()
        self.outlets: dict[str, DirectOutlet] = {}
        make_mailbox(self.remote, BASE)

    def push(self, files: Mapping[str, bytes], seq: int, laptop: str = LAPTOP, **meta: object) -> Root:
        """Each file is one chunk. A ``blob`` gets a pack of its own."""
        outlet = self.outlets.setdefault(laptop, DirectOutlet(self.remote, BASE))
        writer = SnapshotWriter(outlet, writer=laptop, pack_folder=layout.PACKS, pack_size=250_000)
        entries = []
        for path, content in files.items():
            chunk = placed_elsewhere(writer.add_chunk(content), len(content))
            entries.append(Entry(path=path.encode(), kind=FILE, size=len(content), chunks=(chunk,)))
        meta = {"created": self.clock.wall(), **meta}
        return writer.finish(
            name=layout.snapshot(laptop, seq),
            kind="tree",
            seq=seq,
            tree=lambda place: blocks(lines(entries, place)),
            meta=meta,
        )

    def collect(self, laptop: str = LAPTOP, *, last: int = 1, days: int = 0, **options: object) -> Collected:
        collector = Collector(self.remote, BASE, laptop, self.clock)
        return collector.collect(last=last, days=days, **options)  # type: ignore[arg-type]

    def names(self) -> set[str]:
        return {
            f"{folder}/{file.name}"
            for folder in (layout.PACKS, layout.SNAPSHOTS)
            for file in self.remote.list_files(f"{BASE}/{folder}")
        }

    def is_whole(self, root: Root, into: Path) -> bool:
        """Whether the snapshot can still be laid out."""
        reader = Reader(self.remote, BASE)
        laid = to_end(materialise(reader, reader.entries(reader.root(root.name)), into))
        return not laid.problems and laid.written == root.files


@pytest.fixture
def mail(tmp_path: Path) -> Mail:
    return Mail(tmp_path)


def blob() -> bytes:
    """More than a block, and it cannot be compressed."""
    return os.urandom(300_000)


def test_what_nothing_needs_goes_and_what_is_kept_is_whole(mail: Mail, tmp_path: Path) -> None:
    shared, old, new = blob(), blob(), blob()
    first = mail.push({"shared": shared, "it": old, "small": b"rides in the snapshot"}, 1)
    second = mail.push({"shared": shared, "it": new, "small": b"rides in the snapshot"}, 2)
    before = mail.names()
    sizes = sum(path.stat().st_size for path in mail.path.rglob("*.pack"))
    collected = mail.collect()
    assert collected.kept_snapshots == 1
    assert before - mail.names() == set(collected.removed)
    # The first snapshot stays as content: the second leans on what rides in it.
    assert second.name in mail.names()
    assert (first.name in mail.names()) == (first.name in second.objects)
    assert len([name for name in collected.removed if name.endswith(".pack")]) == 1
    left = sum(path.stat().st_size for path in mail.path.rglob("*.pack"))
    assert collected.bytes >= sizes - left > 0
    assert mail.is_whole(second, tmp_path / "out")


def test_snapshot_that_is_not_needed_goes(mail: Mail, tmp_path: Path) -> None:
    first = mail.push({"a": b"one"}, 1)
    second = mail.push({"a": b"two"}, 2)
    collected = mail.collect()
    assert collected.removed == [first.name]
    assert mail.names() == {second.name}
    assert mail.collect().removed == []


def test_newest_and_one_a_day_are_kept(mail: Mail) -> None:
    roots = []
    for seq in range(1, 9):
        roots.append(mail.push({"a": b"%d" % seq}, seq))
        mail.clock.advance(DAY / 2)
    mail.collect(last=2, days=3)
    kept = {root.seq for root in roots if root.name in mail.names()}
    assert kept == {8, 7, 5}


def test_gc_never_removes_another_laptops_pack(mail: Mail) -> None:
    mail.push({"a": blob()}, 1, laptop="laptop33")
    theirs = mail.names()
    # A push of theirs that is under way: a pack that no snapshot names yet.
    stray = DirectOutlet(mail.remote, BASE)
    writer = SnapshotWriter(stray, writer="laptop33", pack_folder=layout.PACKS, pack_size=1)
    writer.add_chunk(blob())
    mail.push({"a": b"mine"}, 1)
    collected = mail.collect()
    assert collected.removed == []
    assert theirs < mail.names()
    assert collected.others == {name for name in mail.names() if name.endswith(".pack")}


def test_packs_known_to_be_anothers_are_not_looked_into_again(
    mail: Mail, monkeypatch: pytest.MonkeyPatch
) -> None:
    mail.push({"a": blob()}, 1, laptop="laptop33")
    others = mail.collect().others
    assert len(others) == 1
    reads: list[str] = []
    really = mail.remote.read
    monkeypatch.setattr(mail.remote, "read", lambda path, *a: (reads.append(path), really(path, *a))[1])
    assert mail.collect(others=others).others == set()
    assert not [path for path in reads if path.endswith(".pack")]


def test_pack_that_cannot_be_read_is_nobodys_and_stays(mail: Mail) -> None:
    mail.push({"a": blob()}, 1)
    mail.push({"a": b"now small"}, 2)
    for pack in mail.path.rglob("*.pack"):
        pack.write_bytes(pack.read_bytes()[:-1])
    (mail.path / BASE / "packs" / f"{'0' * 64}.pack").write_bytes(b"")
    (mail.path / BASE / "packs" / "notes.txt").write_bytes(b"")
    before = {name for name in mail.names() if name.startswith("packs")}
    collected = mail.collect()
    assert before <= mail.names()
    assert collected.others == set()


def test_pack_of_a_push_that_was_cut_short_goes(mail: Mail) -> None:
    mail.push({"a": b"x"}, 1)
    writer = SnapshotWriter(
        DirectOutlet(mail.remote, BASE), writer=LAPTOP, pack_folder=layout.PACKS, pack_size=1
    )
    writer.add_chunk(blob())
    [pack] = [name for name in mail.names() if name.endswith(".pack")]
    assert mail.collect().removed == [pack]


@pytest.mark.parametrize("phase", ["queued", "running", "done but not pulled", "setup failed"])
def test_gc_keeps_what_an_open_run_names(mail: Mail, phase: str, tmp_path: Path) -> None:
    first = mail.push({"a": blob()}, 1)
    queue_run(mail.remote, BASE, "r1", first.name)
    mail.push({"a": b"2"}, 2)
    worker = Worker(mail.remote, BASE, "r1")
    if phase == "running":
        worker.claim().start()
    elif phase == "done but not pulled":
        worker.claim().done()
        worker.yields()
    elif phase == "setup failed":
        worker.claim().broken(reason="no")
    assert mail.collect().removed == []
    assert mail.is_whole(first, tmp_path / "out")


@pytest.mark.parametrize("phase", ["stopped", "failed", "done and pulled"])
def test_state_of_a_run_that_is_over_and_home_goes(mail: Mail, phase: str) -> None:
    first = mail.push({"a": blob()}, 1)
    queue_run(mail.remote, BASE, "r1", first.name, retries=0)
    mail.push({"a": b"2"}, 2)
    worker = Worker(mail.remote, BASE, "r1")
    if phase == "stopped":
        mail.remote.write(f"{BASE}/runs/r1/stop-{LAPTOP}.json", records.encode(Mark()))
    elif phase == "failed":
        worker.claim().failed()
    else:
        attempt = worker.claim().done()
        accepted = records.Accepted(attempt=str(attempt), snapshot="")
        mail.remote.write(f"{BASE}/runs/r1/accepted-0-{LAPTOP}.json", records.encode(accepted))
    assert first.name in mail.collect().removed


def test_run_of_another_laptop_keeps_the_state_that_it_names(mail: Mail) -> None:
    first = mail.push({"a": blob()}, 1)
    queue_run(mail.remote, BASE, "r1", first.name)
    mail.push({"a": b"2"}, 2)
    assert mail.collect().removed == []


def test_damaged_spec_or_snapshot_stops_the_collection(mail: Mail) -> None:
    first = mail.push({"a": b"1"}, 1)
    mail.push({"a": b"2"}, 2)
    before = mail.names()
    mail.remote.make_folders([f"{BASE}/runs/r1"])
    mail.remote.write(f"{BASE}/runs/r1/spec.json", b"half of it")
    with pytest.raises(CorruptMailbox, match="cannot be told") as error:
        mail.collect()
    assert "hybrid rm --force r1" in error.value.hint
    mail.remote.delete_folder(f"{BASE}/runs/r1")
    (mail.path / BASE / first.name).write_bytes(b"?")
    with pytest.raises(CorruptMailbox, match="cannot be told"):
        mail.collect()
    assert mail.names() == before


def test_index_forgets_before_the_mailbox_does(mail: Mail, monkeypatch: pytest.MonkeyPatch) -> None:
    mail.push({"a": blob()}, 1)
    mail.push({"a": b"2"}, 2)
    order: list[object] = []
    really = mail.remote.delete
    monkeypatch.setattr(mail.remote, "delete", lambda path: (order.append(path), really(path)))
    collected = mail.collect(forget=order.append)
    assert order[0] == collected.removed
    assert order[1:] == [f"{BASE}/{name}" for name in collected.removed]
    kinds = [name.rpartition(".")[2] for name in collected.removed]
    assert kinds == sorted(kinds, key=lambda kind: kind != "snap"), "snapshots go before packs"


def test_snapshot_goes_before_the_one_that_it_leans_on(mail: Mail, monkeypatch: pytest.MonkeyPatch) -> None:
    small = b"rides in the first snapshot"
    old = [mail.push({"same": small, "own": b"%d" % seq}, seq).name for seq in (1, 2, 3)]
    mail.push({"other": b"stands alone"}, 4)
    gone: list[str] = []
    monkeypatch.setattr(mail.remote, "delete", lambda path: gone.append(path.removeprefix(f"{BASE}/")))
    mail.collect()
    assert gone == old[::-1]


def test_dry_run_removes_and_forgets_nothing(mail: Mail) -> None:
    mail.push({"a": blob()}, 1)
    mail.push({"a": b"2"}, 2)
    before = mail.names()
    forgotten: list[list[str]] = []
    collected = mail.collect(dry_run=True, forget=forgotten.append)
    assert len(collected.removed) >= 2 and collected.bytes > 300_000
    assert mail.names() == before and forgotten == []


@pytest.mark.parametrize("created", [float("nan"), float("inf"), "yesterday", None, -1e300, 10**400])
def test_snapshot_with_an_odd_date_does_no_harm(mail: Mail, created: object) -> None:
    mail.push({"a": b"1"}, 1, created=created)
    mail.push({"a": b"2"}, 2)
    assert mail.collect(last=1, days=1).kept_snapshots >= 1


def test_listing_that_lags_is_waited_for(tmp_path: Path) -> None:
    mail = Mail(tmp_path, strong_listing=False, settle_s=30.0)
    mail.push({"a": b"1"}, 1)
    mail.collect()
    assert mail.clock.monotonic() == 30.0
