"""A push that finds its local state or parts of the mailbox gone, and readers of a damaged one."""

import random
import shutil
from pathlib import Path

import pytest

from sync.errors import CorruptMailbox
from sync.gc import Collector
from sync.mailbox import layout
from sync.mailbox.records import Format, encode
from sync.push.changes import Published
from sync.push.recover import known_mailbox
from sync.remotes.base import Capabilities, Remote
from sync.remotes.folder import FolderRemote
from sync.remotes.memory import MemoryRemote, MemoryStore
from sync.store.reader import Reader
from tests.support.pushes import BASE, LAPTOP, URL, Desk, laid_out, later, newest, snapshots
from tests.support.trees import FOLDER, Link, fingerprint, make_tree, noise

SMALL_PACKS = Capabilities(pack_size=64 * 1024, connections=2)


@pytest.fixture(params=["memory", "folder"])
def remote(request: pytest.FixtureRequest, tmp_path: Path) -> Remote:
    return MemoryRemote() if request.param == "memory" else FolderRemote(str(tmp_path / "mailbox"))


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "home", MemoryRemote())


def test_lost_local_state_is_found_again_in_the_mailbox(desk: Desk, tmp_path: Path) -> None:
    make_tree(desk.tree, {"a": b"a", "big": noise(3_000_000), "link": Link(b"a"), "empty": FOLDER})
    first = desk.push().published
    desk.state.unlink()
    done = desk.push()
    assert done.unpublished and done.sent_bytes == 0
    assert done.published.snapshot == first.snapshot
    assert desk.look().nothing_to_do


def test_lost_local_state_and_a_lost_pack_are_both_made_good(tmp_path: Path) -> None:
    folder = tmp_path / "mailbox"
    desk = Desk(tmp_path / "home", FolderRemote(str(folder)))
    make_tree(desk.tree, {"a": b"a", "big": noise(3_000_000)})
    desk.push()
    shutil.rmtree(folder / BASE / "packs")
    (folder / BASE / "packs").mkdir()
    desk.state.unlink()
    assert not desk.push().unpublished
    assert newest(desk.remote, tmp_path / "out") == fingerprint(desk.tree)


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


def test_damage_in_the_mailbox_is_never_silent(tmp_path: Path) -> None:
    folder = tmp_path / "mailbox"
    desk = Desk(tmp_path / "home", FolderRemote(str(folder)))
    make_tree(desk.tree, {"big": noise(3_000_000)})
    name = desk.push().published.snapshot
    pack = next((folder / BASE / "packs").iterdir())
    data = bytearray(pack.read_bytes())
    data[1000] ^= 1
    pack.write_bytes(data)
    with pytest.raises(CorruptMailbox):
        laid_out(desk.remote, name, tmp_path / "out")
    assert Reader(desk.remote, BASE).root(name).files == 1


def test_a_mailbox_met_again_with_nothing_to_publish_is_known(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "home", MemoryRemote())
    make_tree(desk.tree, {"a": b"a"})
    desk.push()
    desk.state.unlink()
    assert desk.push().unpublished
    with desk.index() as index:
        assert known_mailbox(index, URL) == "m" * 16


def test_a_last_snapshot_that_is_gone_is_published_again_though_nothing_changed(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "home", MemoryRemote())
    make_tree(desk.tree, {"a": b"a", "b": noise(300_000)})
    desk.remote.delete(f"{BASE}/{desk.push().published.snapshot}")
    assert not desk.push().unpublished
    assert newest(desk.remote, tmp_path / "out") == fingerprint(desk.tree)
