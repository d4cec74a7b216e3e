"""What ``push`` promises, against remotes in memory and in a folder, with real trees."""

import os
import random
import shutil
import socket
import sys
import threading
import time
from pathlib import Path

import pytest

from sync import push as push_module
from sync.changes import Published, look
from sync.clock import ManualClock
from sync.errors import ConfirmationNeeded, CorruptMailbox, HybridError, QuotaExceeded, Transient
from sync.gc import Collector
from sync.known import MOST_LEANED_ON
from sync.mailbox import layout
from sync.mailbox.opening import make_mailbox
from sync.mailbox.records import Format, encode
from sync.progress import Silent
from sync.remotes.base import Capabilities, Remote
from sync.remotes.faults import Crash, FaultPlan
from sync.remotes.folder import FolderRemote
from sync.remotes.memory import MemoryRemote, MemoryStore
from sync.store.reader import Reader
from tests.support.pushes import (
    BASE,
    LAPTOP,
    URL,
    Desk,
    laid_out,
    later,
    newest,
    packs,
    root_of,
    snapshots,
)
from tests.support.trees import (
    FOLDER,
    Link,
    Script,
    fingerprint,
    make_fifo,
    make_tree,
    nasty_tree,
    reads_everything,
)

SMALL_PACKS = Capabilities(pack_size=64 * 1024, connections=2)


def noise(size: int, seed: int = 0) -> bytes:
    return random.Random(seed).randbytes(size)


@pytest.fixture(params=["memory", "folder"])
def remote(request: pytest.FixtureRequest, tmp_path: Path) -> Remote:
    return MemoryRemote() if request.param == "memory" else FolderRemote(str(tmp_path / "mailbox"))


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "home", MemoryRemote())


# What arrives


@pytest.mark.platform
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux holds all of these names")
def test_every_name_and_type_arrives_as_it_was(tmp_path: Path, remote: Remote) -> None:
    desk = Desk(tmp_path / "home", remote)
    nasty_tree(desk.tree)
    done = desk.push()
    assert not done.problems and not done.held_back
    assert newest(remote, tmp_path / "out") == fingerprint(desk.tree)


@pytest.mark.platform
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no named pipes in folders")
def test_what_no_snapshot_can_hold_is_named_and_the_rest_goes(tmp_path: Path, remote: Remote) -> None:
    desk = Desk(tmp_path / "home", remote)
    make_tree(desk.tree, {"a": b"a", "sub/b": b"b"})
    make_fifo(desk.tree, "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        here = os.open(desk.tree, os.O_RDONLY)
        try:
            server.bind(
                f"/proc/self/fd/{here}/socket" if sys.platform == "linux" else str(desk.tree / "socket")
            )
        finally:
            os.close(here)
    deep = b"/".join([b"x"] * 300)
    make_tree(desk.tree, {deep: b"deep"})
    done = desk.push()
    assert {problem.path: problem.what for problem in done.problems} == {
        b"pipe": "is a named pipe",
        b"socket": "is a socket",
        deep: "lies more than 256 folders deep",
    }
    assert newest(remote, tmp_path / "out").keys() == {b"a", b"sub/b"}


@pytest.mark.platform
@pytest.mark.skipif(reads_everything(), reason="root may read everything")
def test_unreadable_file_is_named_and_its_last_version_stays(desk: Desk, tmp_path: Path) -> None:
    make_tree(desk.tree, {"a": b"a", "closed": b"first", "never": b"n", "folder/in": b"i"})
    os.chmod(desk.tree / "never", 0)
    assert [problem.path for problem in desk.push().problems] == [b"never"]
    (desk.tree / "closed").write_bytes(b"second")
    (desk.tree / "a").write_bytes(b"changed")
    os.chmod(desk.tree / "closed", 0)
    os.chmod(desk.tree / "folder", 0)
    try:
        done = desk.push()
    finally:
        os.chmod(desk.tree / "folder", 0o755)
    assert {problem.path for problem in done.problems} == {b"closed", b"folder", b"never"}
    out = tmp_path / "out"
    assert newest(desk.remote, out).keys() == {b"a", b"closed", b"folder/in"}
    assert (out / "closed").read_bytes() == b"first"


def test_the_snapshot_says_which_commit_it_was_made_of(desk: Desk) -> None:
    make_tree(desk.tree, {"a": b"a"})
    first = root_of(desk.remote, desk.push().published.snapshot)
    assert first.meta.keys() == {"created"}
    assert (first.kind, first.writer, first.seq) == ("tree", LAPTOP, 1)


# What is sent


def test_nothing_changed_is_decided_without_the_mailbox(desk: Desk) -> None:
    make_tree(desk.tree, {"a": b"a", "b/c": noise(300_000), "link": Link(b"a"), "empty": FOLDER})
    desk.push()
    seen = desk.look()
    assert seen.nothing_to_do
    assert seen.before is not None and seen.before.seq == 1


def test_a_file_too_young_for_its_times_is_read_again_and_still_nothing_is_asked(tmp_path: Path) -> None:
    desk = Desk(tmp_path, MemoryRemote(), ManualClock(time.time()))
    make_tree(desk.tree, {"a": b"a", "b": b"b"})
    desk.push()
    assert desk.look().nothing_to_do
    (desk.tree / "a").write_bytes(b"x")
    assert [entry.path for entry in desk.look().changed] == [b"a", b"b"]


def test_new_times_alone_publish_nothing(desk: Desk) -> None:
    make_tree(desk.tree, {"a": b"a", "b": noise(300_000), "empty": b""})
    desk.push()
    for path in ("a", "b", "empty"):
        os.utime(desk.tree / path, (1, 1))
    assert desk.look().nothing_to_do
    assert desk.look().unchanged.keys() == {b"a", b"b", b"empty"}


@pytest.mark.skipif(sys.platform == "win32", reason="no such bit on Windows")
def test_the_executable_bit_alone_is_a_change_that_sends_no_content(desk: Desk, tmp_path: Path) -> None:
    make_tree(desk.tree, {"run.sh": b"#!/bin/sh\n" + noise(400_000)})
    desk.push()
    os.chmod(desk.tree / "run.sh", 0o755)
    done = desk.push()
    assert (done.unpublished, done.new_bytes, done.published.seq) == (False, 0, 2)
    assert newest(desk.remote, tmp_path / "out") == fingerprint(desk.tree)


def test_content_changed_behind_the_same_times_of_modification_is_noticed(desk: Desk) -> None:
    make_tree(desk.tree, {"a": b"one"})
    desk.push()
    before = os.stat(desk.tree / "a")
    (desk.tree / "a").write_bytes(b"two")
    os.utime(desk.tree / "a", ns=(before.st_atime_ns, before.st_mtime_ns))
    if os.name != "nt":  # the time of change cannot be set back
        assert not desk.look().nothing_to_do


def test_a_renamed_folder_sends_no_content(desk: Desk, tmp_path: Path) -> None:
    make_tree(desk.tree, {f"old/{n:03d}.bin": noise(20_000, n) for n in range(100)})
    desk.push()
    os.rename(desk.tree / "old", desk.tree / "new")
    done = desk.push()
    assert (done.new_bytes, done.removed, done.objects) == (0, 100, 1)
    assert done.sent_bytes < 20_000
    assert newest(desk.remote, tmp_path / "out") == fingerprint(desk.tree)


def test_identical_copies_are_stored_once(desk: Desk) -> None:
    make_tree(desk.tree, {f"copy-{n}": noise(500_000) for n in range(10)})
    assert desk.push().new_bytes == 500_000


def test_one_edit_among_ten_thousand_files_costs_little_beside_its_content(desk: Desk) -> None:
    make_tree(desk.tree, {f"{n % 50:02d}/{n:05d}.json": noise(60, n) for n in range(10_000)})
    desk.push()
    content = noise(10_000, 77)
    (desk.tree / "07" / "05007.json").write_bytes(content)
    done = desk.push()
    assert done.new_bytes == len(content)
    assert (done.objects, done.changed) == (1, 1)
    assert done.sent_bytes < len(content) + 64 * 1024


def test_a_byte_inserted_at_the_head_of_a_large_file_sends_few_chunks(desk: Desk, tmp_path: Path) -> None:
    content = noise(30_000_000)
    make_tree(desk.tree, {"big": content})
    desk.push()
    (desk.tree / "big").write_bytes(b"!" + content)
    assert desk.push().new_bytes < 4_000_000
    assert newest(desk.remote, tmp_path / "out") == fingerprint(desk.tree)


def test_content_that_comes_back_is_found_again(desk: Desk) -> None:
    make_tree(desk.tree, {"a": noise(400_000), "b": b"b"})
    desk.push()
    os.rename(desk.tree / "a", desk.home / "aside")
    desk.push()
    os.rename(desk.home / "aside", desk.tree / "a")
    assert desk.push().new_bytes == 0


# Leaning on others


def test_a_snapshot_leans_on_few_others_however_often_is_pushed(desk: Desk, tmp_path: Path) -> None:
    make_tree(desk.tree, {f"{n:03d}": noise(3_000, n) for n in range(400)})
    desk.push()
    sent = []
    for n in range(100):
        (desk.tree / f"{(n * 37) % 400:03d}").write_bytes(noise(500, 1000 + n))
        done = desk.push()
        sent.append(done.sent_bytes)
        root = root_of(desk.remote, done.published.snapshot)
        others = [name for name in root.objects if name.endswith(".snap")]
        assert len(others) <= MOST_LEANED_ON
        assert done.published.leans_on == others
    assert newest(desk.remote, tmp_path / "out") == fingerprint(desk.tree)
    assert desk.look().nothing_to_do
    # Moving things together is rare and costs only what lay in the snapshots that are given up.
    assert len([size for size in sent if size > 64_000]) <= 100 // MOST_LEANED_ON
    assert max(sent) < 400_000


def test_going_back_to_many_old_versions_at_once_leans_on_few_others(desk: Desk, tmp_path: Path) -> None:
    names = [f"{n:02d}" for n in range(60)]
    make_tree(desk.tree, {name: noise(500, n) for n, name in enumerate(names)})
    desk.push()
    for n, name in enumerate(names):
        (desk.tree / name).write_bytes(noise(500, 100 + n))
        desk.push()
    middle = fingerprint(desk.tree)
    for n, name in enumerate(names):
        (desk.tree / name).write_bytes(noise(500, 200 + n))
    desk.push()
    for n, name in enumerate(names):
        (desk.tree / name).write_bytes(noise(500, 100 + n))
    done = desk.push()
    root = root_of(desk.remote, done.published.snapshot)
    assert len([name for name in root.objects if name.endswith(".snap")]) <= MOST_LEANED_ON
    assert newest(desk.remote, tmp_path / "out") == middle


# The mailbox and the local state


def test_lost_local_state_is_found_again_in_the_mailbox(desk: Desk, tmp_path: Path) -> None:
    make_tree(desk.tree, {"a": b"a", "big": noise(3_000_000), "link": Link(b"a"), "empty": FOLDER})
    first = desk.push().published
    desk.state.unlink()
    done = desk.push()
    assert done.unpublished and done.sent_bytes == 0
    assert done.published.snapshot == first.snapshot
    assert desk.look().nothing_to_do


def test_second_clone_goes_on_with_the_numbers_and_sends_only_what_is_new(
    tmp_path: Path, remote: Remote
) -> None:
    one = Desk(tmp_path / "one", remote)
    make_tree(one.tree, {"a": b"a", "big": noise(3_000_000)})
    one.push()
    (one.tree / "a").write_bytes(b"b")
    one.push()
    two = Desk(tmp_path / "two", remote)
    shutil.copytree(one.tree, two.tree, dirs_exist_ok=True)
    (two.tree / "new").write_bytes(b"new")
    done = two.push()
    assert (done.published.seq, done.new_bytes) == (3, 3)
    assert newest(remote, tmp_path / "out") == fingerprint(two.tree)
    (one.tree / "a").write_bytes(b"c")
    assert one.push().published.seq == 4
    assert newest(remote, tmp_path / "out") == fingerprint(one.tree)


def test_lost_state_and_a_damaged_newest_snapshot_fall_back_to_the_one_before(tmp_path: Path) -> None:
    folder = tmp_path / "mailbox"
    desk = Desk(tmp_path / "home", FolderRemote(str(folder)))
    make_tree(desk.tree, {"a": b"a", "big": noise(3_000_000)})
    desk.push()
    (desk.tree / "a").write_bytes(b"b")
    name = desk.push().published.snapshot
    damaged = folder / BASE / name
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"?")
    desk.state.unlink()
    done = desk.push()
    assert (done.published.seq, done.new_bytes) == (3, 1)
    assert damaged.read_bytes().endswith(b"?")
    assert newest(desk.remote, tmp_path / "out") == fingerprint(desk.tree)


def test_another_mailbox_gets_everything_and_the_way_back_is_cheap(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "home", MemoryRemote())
    make_tree(desk.tree, {"a": b"a", "big": noise(3_000_000)})
    desk.push()
    first, second = desk.remote, FolderRemote(str(tmp_path / "other"))
    desk.remote = second
    second.make_folders([f"{BASE}/{folder}" for folder in layout.project_folders()])
    second.write(f"{BASE}/{layout.FORMAT}", encode(Format(mailbox="n" * 16)))
    assert desk.push().new_bytes == 3_000_001
    assert newest(second, tmp_path / "out") == fingerprint(desk.tree)
    (desk.tree / "a").write_bytes(b"changed there")
    desk.push()
    desk.remote = first
    done = desk.push()
    assert (done.published.seq, done.new_bytes) == (2, len(b"changed there"))
    assert newest(first, tmp_path / "out") == fingerprint(desk.tree)


def test_what_somebody_deleted_from_the_mailbox_is_sent_again(tmp_path: Path) -> None:
    folder = tmp_path / "mailbox"
    desk = Desk(tmp_path / "home", FolderRemote(str(folder)))
    make_tree(desk.tree, {"a": b"a", "big": noise(3_000_000), "other": noise(400_000, 1)})
    desk.push()
    for pack in (folder / BASE / "packs").iterdir():
        pack.unlink()
    (desk.tree / "a").write_bytes(b"b")
    done = desk.push()
    assert done.new_bytes > 3_000_000
    assert newest(desk.remote, tmp_path / "out") == fingerprint(desk.tree)


def test_after_garbage_was_collected_the_next_push_is_right(tmp_path: Path, remote: Remote) -> None:
    clock = later()
    desk = Desk(tmp_path / "home", remote, clock)
    make_tree(desk.tree, {"keep": noise(500_000), "a": noise(400_000, 1)})
    desk.push()
    for n in range(5):
        (desk.tree / "a").write_bytes(noise(400_000, 2 + n))
        clock.advance(60)
        desk.push()
    with desk.index() as index:
        collected = Collector(remote, BASE, LAPTOP, clock).collect(last=1, days=0, forget=index.drop_objects)
    assert collected.removed
    assert desk.look().nothing_to_do
    (desk.tree / "a").write_bytes(noise(400_000, 2))  # content that was there once
    done = desk.push()
    assert done.new_bytes == 400_000
    assert newest(remote, tmp_path / "out") == fingerprint(desk.tree)


def test_garbage_collected_behind_our_back_is_noticed(tmp_path: Path, remote: Remote) -> None:
    clock = later()
    desk = Desk(tmp_path / "home", remote, clock)
    make_tree(desk.tree, {"a": noise(400_000, 1)})
    desk.push()
    (desk.tree / "a").write_bytes(noise(400_000, 2))
    desk.push()
    clock.advance(90_000)
    assert Collector(remote, BASE, LAPTOP, clock).collect(last=1, days=0).removed
    (desk.tree / "a").write_bytes(noise(400_000, 1))
    desk.push()
    assert newest(remote, tmp_path / "out") == fingerprint(desk.tree)


def test_published_state_of_another_version_is_not_believed(desk: Desk) -> None:
    with desk.index() as index:
        index.meta_set("published", '{"snapshot": "x", "field of the future": 1}')
        assert Published.load(index, URL) is None


def test_mailbox_with_late_listings_gets_the_same_trees(tmp_path: Path) -> None:
    """As on a drive that shows a new file to others, and in listings, only after minutes."""
    clock = later()
    store = MemoryStore(clock=clock, lag=300.0, dice=random.Random(5), capabilities=SMALL_PACKS)
    desk = Desk(tmp_path / "home", MemoryRemote(store), clock)
    make_tree(desk.tree, {f"{n:02d}": noise(30_000, n) for n in range(40)})
    for n in range(8):
        make_tree(desk.tree, {f"{n:02d}": noise(30_000, 100 + n), "small": b"%d" % n})
        if n % 3 != 1:
            desk.remote = MemoryRemote(store)  # the laptop's next process knows no more than others
        if n == 5:
            desk.state.unlink()
        clock.advance(20)
        done = desk.push()
        assert not done.unpublished
        if n not in (0, 5):
            assert done.new_bytes <= 30_001
    clock.advance(600)
    assert laid_out(MemoryRemote(store), done.published.snapshot, tmp_path / "out") == fingerprint(desk.tree)
    assert done.published.snapshot in snapshots(MemoryRemote(store))


# Killed, and failing


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


# Changing while it is read


class Meddling(Silent):
    """Does something to the tree at the ``nth`` block that a push reads."""

    def __init__(self, act: object, nth: int = 1) -> None:
        self._act = act
        self._left = nth

    def advance(self, amount: int) -> None:
        self._left -= 1
        if self._left == 0:
            assert callable(self._act)
            self._act()


def pushed_while(desk: Desk, act: object, nth: int = 1) -> push_module.Pushed:
    """A push during which ``act`` happens, when its ``nth`` block has been read."""
    with desk.index() as index:
        seen = look(desk.tree, index, desk.clock, url=URL)
        found = make_mailbox(desk.remote, BASE, lambda: "m" * 16)
        push = push_module.Push(
            desk.tree,
            index,
            desk.remote,
            desk.clock,
            base=BASE,
            laptop=LAPTOP,
            url=URL,
            mailbox=found.mailbox,
            progress=Meddling(act, nth),
        )
        return push.publish(seen)


def test_file_replaced_while_it_is_read_is_taken_whole(desk: Desk, tmp_path: Path) -> None:
    old, new = noise(9_000_000, 1), noise(9_000_000, 2)
    make_tree(desk.tree, {"a": old})
    (desk.home / "new").write_bytes(new)

    def replace() -> None:
        (desk.home / "new").replace(desk.tree / "a")

    assert not pushed_while(desk, replace).problems
    newest(desk.remote, tmp_path / "out")
    assert (tmp_path / "out" / "a").read_bytes() in (old, new)
    desk.push()
    assert newest(desk.remote, tmp_path / "out") == fingerprint(desk.tree)


def test_file_that_grows_once_is_read_again(desk: Desk, tmp_path: Path) -> None:
    make_tree(desk.tree, {"a": noise(9_000_000, 1)})

    def grow() -> None:
        with open(desk.tree / "a", "ab") as file:
            file.write(b"more")

    assert not pushed_while(desk, grow).problems
    assert newest(desk.remote, tmp_path / "out") == fingerprint(desk.tree)


def test_file_that_vanishes_while_it_is_read_is_gone(desk: Desk, tmp_path: Path) -> None:
    make_tree(desk.tree, {"a": noise(9_000_000, 1), "b": b"b"})
    done = pushed_while(desk, (desk.tree / "b").unlink)
    assert not done.problems
    assert newest(desk.remote, tmp_path / "out").keys() == {b"a"}


@pytest.mark.platform
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no named pipes in folders")
@pytest.mark.parametrize("other", ["pipe", "folder", "link"])
def test_file_that_becomes_something_else_keeps_its_last_version(
    desk: Desk, tmp_path: Path, other: str
) -> None:
    make_tree(desk.tree, {"a": noise(9_000_000, 1), "z": b"first"})
    desk.push()
    make_tree(desk.tree, {"a": noise(9_000_000, 2), "z": b"second version"})

    def swap() -> None:
        (desk.tree / "z").unlink()
        if other == "pipe":
            make_fifo(desk.tree, "z")
        elif other == "folder":
            (desk.tree / "z").mkdir()
        else:
            os.symlink("a", desk.tree / "z")

    done = pushed_while(desk, swap)
    assert [problem.path for problem in done.problems] == [b"z"]
    newest(desk.remote, tmp_path / "out")
    assert (tmp_path / "out" / "z").read_bytes() == b"first"
    desk.push()
    if other != "pipe":
        assert newest(desk.remote, tmp_path / "out") == fingerprint(desk.tree)


def test_file_that_is_written_all_the_time_is_left_as_it_was_and_holds_up_nothing(
    desk: Desk, tmp_path: Path
) -> None:
    make_tree(desk.tree, {"log": b"start\n" * 2_000_000, "b": b"b"})
    desk.push()
    published = fingerprint(desk.tree)[b"log"]
    stop = threading.Event()

    def write() -> None:
        with open(desk.tree / "log", "ab", buffering=0) as log:
            while not stop.is_set():
                log.write(b"line\n")

    writer = threading.Thread(target=write)
    writer.start()
    try:
        make_tree(desk.tree, {"b": b"changed"})
        done = desk.push()
    finally:
        stop.set()
        writer.join()
    assert [problem.path for problem in done.problems] == [b"log"]
    assert "left for the next push" in done.problems[0].what
    found = newest(desk.remote, tmp_path / "out")
    assert found[b"log"] == published
    assert (tmp_path / "out" / "b").read_bytes() == b"changed"
    assert not desk.push().problems
    assert newest(desk.remote, tmp_path / "out") == fingerprint(desk.tree)


def test_project_folder_that_goes_away_while_it_is_read_publishes_nothing(desk: Desk) -> None:
    make_tree(desk.tree, {"a": noise(9_000_000, 1), "b": b"b", "c/d": b"d"})
    with pytest.raises(HybridError, match="tree"):
        pushed_while(desk, lambda: os.rename(desk.tree, desk.home / "moved"))
    assert not snapshots(desk.remote)


def test_project_folder_replaced_while_it_is_read_publishes_nothing(desk: Desk) -> None:
    make_tree(desk.tree, {"a": noise(9_000_000, 1), "b": b"b"})

    def replace() -> None:
        os.rename(desk.tree, desk.home / "moved")
        make_tree(desk.tree, {"a": b"another project"})

    with pytest.raises(HybridError, match="was replaced"):
        pushed_while(desk, replace)
    assert not snapshots(desk.remote)


# What cannot be seen, and what was deleted


@pytest.mark.platform
@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege on Windows")
@pytest.mark.parametrize("now", ["link", "folder"])
def test_ignore_file_that_becomes_something_else_leaves_one_entry(
    desk: Desk, tmp_path: Path, now: str
) -> None:
    make_tree(desk.tree, {".gitignore": b"*.o\n", "a": b"a", "b": b"b"})
    desk.push()
    (desk.tree / ".gitignore").unlink()
    make_tree(desk.tree, {".gitignore": Link(b"a")} if now == "link" else {".gitignore/in": b"x"})
    done = desk.push()
    assert b".gitignore" in {problem.path for problem in done.problems}
    assert newest(desk.remote, tmp_path / "out") == fingerprint(desk.tree)


@pytest.mark.platform
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no named pipes in folders")
def test_file_that_became_a_pipe_keeps_its_last_version(desk: Desk, tmp_path: Path) -> None:
    make_tree(desk.tree, {"a": b"a", "b": b"b"})
    desk.push()
    (desk.tree / "a").unlink()
    make_fifo(desk.tree, "a")
    done = desk.push()
    assert [problem.path for problem in done.problems] == [b"a"]
    assert newest(desk.remote, tmp_path / "out")[b"a"][0] == "file"


@pytest.mark.platform
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no named pipes in folders")
def test_last_version_of_what_cannot_be_seen_survives_when_content_moves_together(
    desk: Desk, tmp_path: Path
) -> None:
    make_tree(desk.tree, {"pipe": b"was a file", "a": b"a", "b": b"b", "c": b"c"})
    desk.push()
    (desk.tree / "pipe").unlink()
    make_fifo(desk.tree, "pipe")
    for n in range(2 * MOST_LEANED_ON + 5):
        (desk.tree / "abc"[n % 3]).write_bytes(b"%d" % n)
        desk.push()
        assert newest(desk.remote, tmp_path / "out")[b"pipe"][0] == "file"


def test_emptied_tree_is_published_only_when_that_is_meant(desk: Desk, tmp_path: Path) -> None:
    make_tree(desk.tree, {"a": b"a", "b/c": b"c"})
    desk.push()
    shutil.rmtree(desk.tree)
    desk.tree.mkdir()
    with pytest.raises(ConfirmationNeeded, match="is empty"):
        desk.push()
    assert len(snapshots(desk.remote)) == 1
    assert desk.push(accept_deletions=True).published.files == 0
    assert newest(desk.remote, tmp_path / "out") == {}


def test_most_of_the_tree_deleted_is_published_only_when_that_is_meant(desk: Desk) -> None:
    make_tree(desk.tree, {f"{n}": b"%d" % n for n in range(10)})
    desk.push()
    for n in range(5):
        (desk.tree / f"{n}").unlink()
    assert desk.push().removed == 5
    for n in range(5, 8):
        (desk.tree / f"{n}").unlink()
    with pytest.raises(ConfirmationNeeded, match=r"5 before, 2 now.*nothing was published") as caught:
        desk.push()
    assert "--accept-deletions" in caught.value.hint
    assert desk.push(accept_deletions=True).removed == 3


def test_moving_everything_is_no_deletion(desk: Desk) -> None:
    make_tree(desk.tree, {f"old/{n}": b"%d" % n for n in range(10)})
    desk.push()
    os.rename(desk.tree / "old", desk.tree / "new")
    assert desk.push().removed == 10


def test_emptied_tree_is_noticed_even_after_the_local_state_was_lost(desk: Desk) -> None:
    make_tree(desk.tree, {f"{n}": b"%d" % n for n in range(10)})
    desk.push()
    desk.state.unlink()
    shutil.rmtree(desk.tree)
    desk.tree.mkdir()
    with pytest.raises(ConfirmationNeeded):
        desk.push()


@pytest.mark.platform
@pytest.mark.skipif(reads_everything(), reason="root may read everything")
def test_folder_that_cannot_be_read_is_unknown_and_not_deleted(desk: Desk, tmp_path: Path) -> None:
    make_tree(desk.tree, {"a": b"a", **{f"closed/{n}": b"%d" % n for n in range(10)}})
    desk.push()
    was = fingerprint(desk.tree)
    os.chmod(desk.tree / "closed", 0)
    try:
        assert desk.look().nothing_to_do
        (desk.tree / "new").write_bytes(b"new")
        done = desk.push()
    finally:
        os.chmod(desk.tree / "closed", 0o755)
    assert done.removed == 0
    assert newest(desk.remote, tmp_path / "out").keys() == {*was, b"new"}


# Readers


def test_damage_in_the_mailbox_is_never_silent(tmp_path: Path) -> None:
    folder = tmp_path / "mailbox"
    desk = Desk(tmp_path / "home", FolderRemote(str(folder)))
    make_tree(desk.tree, {"big": noise(3_000_000)})
    name = desk.push().published.snapshot
    [pack] = (folder / BASE / "packs").iterdir()
    data = bytearray(pack.read_bytes())
    data[1000] ^= 1
    pack.write_bytes(data)
    with pytest.raises(CorruptMailbox):
        laid_out(desk.remote, name, tmp_path / "out")
    assert Reader(desk.remote, BASE).root(name).files == 1
