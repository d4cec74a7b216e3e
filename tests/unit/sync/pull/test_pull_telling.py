"""What the others are told travels while a shard is laid out, has no name before the shard is home, and leaves nothing
where it does not come home."""

import random
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from sync.errors import HybridError, Transient
from sync.pull import puller as pull
from sync.pull.lanes import pull_lanes
from sync.pull.pulled import Choice
from sync.pull.telling import Teller, Telling
from sync.remotes.base import Capabilities
from sync.remotes.folder import FolderRemote
from tests.support.pulls import Home, tree

CHOICE = Choice(attempt="0.worker22.1", snapshot="runs/r1/any.snap")
SHARDS = 30


class Slow(FolderRemote):
    """lying   set once something lies in the mailbox that waits for its name"""

    def __init__(self, root: Path, capabilities: Capabilities | None = None) -> None:
        super().__init__(str(root), capabilities)
        self.lying = threading.Event()

    def write(self, path: str, data: bytes, before: Callable[[], None] | None = None) -> bool:
        def lies() -> None:
            self.lying.set()
            assert before is not None
            before()

        return super().write(path, data, lies if before else None)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


@pytest.fixture
def remote(tmp_path: Path, home: Home) -> Slow:
    home.remote = Slow(tmp_path / "mail")
    return home.remote


def test_the_record_lies_in_the_mailbox_before_the_shard_is_home_and_has_no_name(
    home: Home, remote: Slow, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = home.queue()
    home.worker().claim().done(0, {"a": b"1"})

    def settle(_: list[Path]) -> None:
        assert remote.lying.wait(10)
        assert home.accepted() is None

    monkeypatch.setattr(pull, "settle", settle)
    assert home.pull(spec).fetched == [0]
    assert home.accepted() is not None
    assert home.run_files(".tmp-*") == []


def test_a_shard_that_does_not_come_home_leaves_no_record(home: Home, remote: Slow) -> None:
    spec = home.queue()
    home.worker().claim().done(0, {"a": random.Random(1).randbytes(1_000_000)})
    for pack in home.run_files("*.pack"):
        pack.unlink()
    assert home.pull(spec).fetched == []
    assert home.accepted() is None
    assert home.run_files(".tmp-*") == []


def test_a_disk_that_cannot_promise_ends_the_pull_and_nobody_is_told(
    home: Home, remote: Slow, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = home.queue(shards=SHARDS)
    worker = home.worker().claim()
    for shard in range(SHARDS):
        worker.done(shard, {"a": b"%d" % shard})

    def settle(_: list[Path]) -> None:
        raise HybridError("the disk broke")

    before = threading.active_count()
    monkeypatch.setattr(pull, "settle", settle)
    with pytest.raises(HybridError, match="the disk broke"):
        home.pull(spec)
    for thread in threading.enumerate():
        if thread.name.startswith("lane-"):
            thread.join(10)
    assert threading.active_count() == before
    assert [home.accepted(shard) for shard in range(SHARDS)] == [None] * SHARDS
    assert home.run_files(".tmp-*") == []


def test_more_shards_than_lanes_come_home_and_all_are_told_of(home: Home, remote: Slow) -> None:
    spec = home.queue(shards=SHARDS)
    worker = home.worker().claim()
    for shard in range(SHARDS):
        worker.done(shard, {"a": b"%d" % shard})
    assert home.pull(spec).fetched == list(range(SHARDS))
    assert all(home.accepted(shard) is not None for shard in range(SHARDS))
    assert len(tree(home.outputs)) == 2 * SHARDS


@pytest.mark.parametrize("connections", [1, 4])
def test_a_record_beyond_the_lanes_waits_for_none_whose_shard_is_not_home(
    home: Home, tmp_path: Path, connections: int
) -> None:
    remote = FolderRemote(str(tmp_path / "mail"))
    remote.make_folders(["runs/r1"])
    with pull_lanes(connections) as lanes:
        teller = Teller(remote, "runs/r1", "laptop22", set(), lanes)
        tellings = [Telling(teller, shard, CHOICE) for shard in range(2 * lanes.tellers.count)]
        for telling in tellings:
            telling.begin()
        last = tellings.pop()
        with last:
            last.home()
        last.wait()
        assert {file.name for file in remote.list_files("runs/r1")} == {teller.name(last.shard)}
        for telling in tellings:
            telling.__exit__(None, None, None)
    assert teller.ahead == 0


def test_a_lost_connection_is_ridden_out_after_the_shard_is_home(home: Home, tmp_path: Path) -> None:
    """The forerunner is asked again by a write that is made again, and waits for nothing then."""
    remote = FolderRemote(str(tmp_path / "mail"))
    remote.make_folders(["runs/r1"])
    with pull_lanes(4) as lanes:
        teller = Teller(remote, "runs/r1", "laptop22", set(), lanes)
        telling = Telling(teller, 0, CHOICE)
        with telling:
            telling.home()
        telling.until_home()
        telling.until_home()
        telling.wait()
    assert teller.has_told(0)


def test_what_writing_raises_is_raised_where_it_is_waited_for(home: Home, tmp_path: Path) -> None:
    class Lost(FolderRemote):
        def write(self, path: str, data: bytes, before: Callable[[], None] | None = None) -> bool:
            raise Transient("the line is dead")

    with pull_lanes(4) as lanes:
        telling = Telling(Teller(Lost(str(tmp_path)), "r", "laptop22", set(), lanes), 0, CHOICE)
        with telling:
            telling.begin()
            telling.home()
        with pytest.raises(Transient, match="the line is dead"):
            telling.wait()
