"""A push that is killed or fails at any call: the next one completes it, and readers see whole states only."""

import os
import shutil
import threading
from pathlib import Path

import pytest

from sync.errors import QuotaExceeded, Transient
from sync.push.changes import Published
from sync.remotes.base import Capabilities
from sync.remotes.faults import Crash, FaultPlan
from sync.remotes.memory import MemoryRemote, MemoryStore
from tests.support.pushes import URL, Desk, laid_out, newest, packs, snapshots
from tests.support.trees import Link, Script, fingerprint, make_tree, noise

SMALL_PACKS = Capabilities(pack_size=64 * 1024, connections=2)


def many_packs(desk: Desk) -> None:
    make_tree(desk.tree, {f"{n:02d}.bin": noise(40_000, n) for n in range(40)})
    make_tree(desk.tree, {"small": b"s", "link": Link(b"small"), "run.sh": Script(b"#!/bin/sh\n")})


def calls_of_a_push(tmp_path: Path) -> int:
    remote = MemoryRemote(MemoryStore(capabilities=SMALL_PACKS))
    desk = Desk(tmp_path / "count", remote)
    many_packs(desk)
    desk.push()
    assert len([method for method, path in remote.calls if "/packs/" in path]) > 3
    return len(remote.calls)


@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_at_any_call_the_next_push_completes_it(tmp_path: Path, when: str) -> None:
    total = calls_of_a_push(tmp_path)
    for nth in range(1, total + 1):
        store = MemoryStore(capabilities=SMALL_PACKS)
        plan = FaultPlan().fail("*", Crash(), nth=nth, when=when)  # type: ignore[arg-type]
        desk = Desk(tmp_path / f"{when}-{nth}", MemoryRemote(store, plan=plan))
        many_packs(desk)
        with pytest.raises(Crash):
            desk.push()
        plan.verify_all_fired()
        remote = MemoryRemote(store)
        for name in snapshots(remote):  # whoever reads now finds all that is named
            laid_out(remote, name, tmp_path / "out")
        durable = packs(remote)
        with desk.index() as index:
            remembered = {name.removeprefix("packs/") for name in index.objects()}
        assert remembered <= durable
        desk.remote = remote
        done = desk.push()
        written = {path.rpartition("/")[2] for method, path in remote.calls if method == "write"}
        assert not written & remembered
        assert done.published.tree == _tree_of(tmp_path)
        assert newest(remote, tmp_path / "out") == fingerprint(desk.tree)
        assert desk.look().nothing_to_do
        shutil.rmtree(desk.home)


def _tree_of(tmp_path: Path) -> str:
    with Desk(tmp_path / "count", MemoryRemote()).index() as index:
        published = Published.load(index, URL)
    assert published is not None
    return published.tree


@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_at_any_call_of_a_later_push_the_published_state_stays(tmp_path: Path, when: str) -> None:
    for nth in range(1, 40):
        store = MemoryStore(capabilities=SMALL_PACKS)
        desk = Desk(tmp_path / f"{when}-{nth}", MemoryRemote(store))
        many_packs(desk)
        first = desk.push().published.snapshot
        was = fingerprint(desk.tree)
        make_tree(desk.tree, {"03.bin": noise(90_000, 50), "04.bin": noise(90_000, 51), "new/file": b"n"})
        os.unlink(desk.tree / "05.bin")
        desk.remote = MemoryRemote(store, plan=FaultPlan().fail("*", Crash(), nth=nth, when=when))  # type: ignore[arg-type]
        try:
            desk.push()
        except Crash:
            pass
        else:
            assert nth > 5
            break
        desk.remote = MemoryRemote(store)
        assert laid_out(desk.remote, first, tmp_path / "out") == was
        assert newest(desk.remote, tmp_path / "out") in (was, fingerprint(desk.tree))
        desk.push()
        assert newest(desk.remote, tmp_path / "out") == fingerprint(desk.tree)
        shutil.rmtree(desk.home)
    else:
        pytest.fail("the push never got through")


def test_packs_that_arrived_before_a_failure_are_not_sent_again(tmp_path: Path) -> None:
    store = MemoryStore(capabilities=SMALL_PACKS)
    plan = FaultPlan().fail("write", QuotaExceeded("The mailbox is full."), nth=4, path="packs/")
    desk = Desk(tmp_path / "home", MemoryRemote(store, plan=plan))
    many_packs(desk)
    with pytest.raises(QuotaExceeded):
        desk.push()
    arrived = packs(desk.remote)
    assert len(arrived) >= 3
    assert not snapshots(desk.remote)
    desk.remote = again = MemoryRemote(store)
    done = desk.push()
    assert not {path.rpartition("/")[2] for method, path in again.calls if method == "write"} & arrived
    assert done.new_bytes < 40 * 40_000 - 2 * 250_000
    assert newest(again, tmp_path / "out") == fingerprint(desk.tree)


def test_failed_push_leaves_no_thread_behind(tmp_path: Path) -> None:
    plan = FaultPlan().fail("write", Transient("It broke."), path="snapshots/")
    desk = Desk(tmp_path, MemoryRemote(MemoryStore(capabilities=SMALL_PACKS), plan=plan))
    many_packs(desk)
    with pytest.raises(Transient):
        desk.push()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("upload")]
