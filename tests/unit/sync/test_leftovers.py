"""What killed programs have left in a mailbox goes with a collection, once it is certain that nobody needs it."""

from collections.abc import Mapping

import pytest

from sync.clock import ManualClock
from sync.gc import Collected, Collector
from sync.leftovers import PATIENCE_S, PROBE, probe_folder
from sync.remotes.memory import MemoryRemote
from tests.support.mailboxes import LAPTOP, make_mailbox

BASE = "p"
NOW = ManualClock().wall()
TEMPORARY = ".tmp-0123456789abcdef-7"


@pytest.fixture
def remote() -> MemoryRemote:
    remote = MemoryRemote()
    make_mailbox(remote, BASE)
    return remote


def collect(
    remote: MemoryRemote, seen: Mapping[str, float] | None = None, *, dry_run: bool = False
) -> Collected:
    collector = Collector(remote, BASE, LAPTOP, ManualClock())
    return collector.collect(last=1, days=0, seen=seen, dry_run=dry_run)


def paths(collected: Collected) -> set[str]:
    return {each.path for each in collected.leftovers}


def half_written(remote: MemoryRemote) -> set[str]:
    """The paths of temporary files, one in each folder."""
    found = {f"{BASE}/{place}{TEMPORARY}" for place in ("", "packs/", "snapshots/", "runner/")}
    for path in found:
        remote.write(path, b"half")
    return found


def test_what_a_check_of_this_laptop_left_behind_goes(remote: MemoryRemote) -> None:
    token = "0123456789abcdef"
    ours, theirs = probe_folder(LAPTOP, token), probe_folder("laptop33", token)
    project = probe_folder(LAPTOP, "0" * 16)  # a possible name for one
    make_mailbox(remote, project)
    folders = [place + name for place in ("", f"{BASE}/") for name in (ours, theirs, f"{ours}0")]
    remote.make_folders(folders)
    for folder in folders:
        remote.write(f"{folder}/{PROBE}", b"?")
    assert paths(collect(remote, dry_run=True)) == {ours, f"{BASE}/{ours}"}
    assert ours in remote.list_folders("")
    assert sum(each.bytes for each in collect(remote).leftovers) == 2
    assert set(remote.list_folders("")) == {BASE, project, theirs, f"{ours}0"}
    left = {name for name in remote.list_folders(BASE) if name.startswith("doctor-")}
    assert left == {theirs, f"{ours}0"}


def test_half_written_files_stay_until_this_laptop_has_seen_them_for_a_day(remote: MemoryRemote) -> None:
    half = half_written(remote)
    first = collect(remote)
    assert first.leftovers == [] and first.unfinished == half
    assert paths(collect(remote, dict.fromkeys(half, NOW - PATIENCE_S + 1))) == set()
    assert paths(collect(remote, dict.fromkeys(half, NOW + PATIENCE_S))) == set(), "the clock was set back"
    old = dict.fromkeys(half, NOW - PATIENCE_S)
    assert paths(collect(remote, old, dry_run=True)) == half
    young = f"{BASE}/packs/.tmp-0123456789abcdef-8"
    remote.write(young, b"new")
    collected = collect(remote, old)
    assert paths(collected) == half and collected.unfinished == {young}
    assert [file.name for file in remote.list_unfinished(f"{BASE}/packs")] == [".tmp-0123456789abcdef-8"]
    assert remote.list_unfinished(BASE) == []


def test_half_written_files_of_a_run_go_with_it(remote: MemoryRemote) -> None:
    path = f"{BASE}/runs/r1/{TEMPORARY}"
    remote.make_folders([f"{BASE}/runs/r1"])
    remote.write(path, b"half")
    collected = collect(remote, {path: NOW - PATIENCE_S})
    assert collected.leftovers == [] and collected.unfinished == set()
    assert remote.list_unfinished(f"{BASE}/runs/r1") != []
