"""Pulling: only whole and verified attempts come home, one a shard."""

import hashlib
import os
import re
from pathlib import Path

import pytest

from sync.errors import CorruptMailbox
from sync.mailbox import records
from sync.mailbox.records import Ended, Spec
from sync.mailbox.state import Phase
from sync.pull.filters import Filters
from sync.store.pack import SNAPSHOT_MAGIC
from tests.support.mailboxes import LAPTOP
from tests.support.pulls import Home, InMemory, tree


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def test_outputs_of_a_run_without_shards_lie_in_its_folder(home: Home) -> None:
    spec = home.queue()
    attempt = home.worker().claim().done(files={"deep/answer.txt": b"42"}, output=b"hello\n")
    pulled = home.pull(spec)
    assert (pulled.phase, pulled.fetched, pulled.files, pulled.bytes) == (Phase.DONE, [0], 2, 8)
    assert tree(home.outputs) == {"r1/deep/answer.txt": b"42", "r1/hybrid.log": b"hello\n"}
    accepted = home.accepted()
    assert accepted is not None and accepted.attempt == str(attempt)


def test_each_shard_has_a_folder_of_its_own(home: Home) -> None:
    spec = home.queue(shards=12)
    worker = home.worker().claim()
    for shard in (0, 11):
        worker.done(shard, {"n": b"%d" % shard})
    assert home.pull(spec).fetched == [0, 11]
    assert {path for path in tree(home.outputs) if path.endswith("n")} == {"r1/000/n", "r1/011/n"}


def test_second_pull_changes_nothing(home: Home) -> None:
    spec = home.queue(shards=3)
    worker = home.worker().claim()
    worker.done(0, {"a": b"0"})
    worker.publish(worker.start(1), {"a": b"half"})
    home.pull(spec)
    before = {path: path.stat().st_mtime_ns for path in (*home.outputs.rglob("*"), *home.mail.rglob("*"))}
    pulled = home.pull(spec)
    assert (pulled.fetched, pulled.present, pulled.partial) == ([], [0], [1])
    assert (pulled.files, pulled.bytes, pulled.problems) == (0, 0, [])
    after = {path: path.stat().st_mtime_ns for path in (*home.outputs.rglob("*"), *home.mail.rglob("*"))}
    files = {path for path in after if path.is_file()}
    assert after.keys() == before.keys()
    assert {path: after[path] for path in files} == {path: before[path] for path in files}


def test_outputs_that_hold_nothing_are_pulled_once(home: Home) -> None:
    spec = home.queue()
    home.worker().claim().done(files={"a": b"1"})
    nothing = Filters(exclude=("*",))
    assert home.pull(spec, filters=nothing).fetched == [0]
    assert home.pull(spec, filters=nothing).present == [0]
    assert tree(home.outputs) == {}


def test_folder_that_was_removed_comes_back_from_the_same_attempt(home: Home) -> None:
    spec = home.queue(shards=2)
    home.worker("workerbb").claim(1).done(0, {"a": b"b"})
    home.pull(spec)
    home.worker("workeraa").claim(2).done(0, {"a": b"a"})
    (home.outputs / "r1/000/a").unlink()
    (home.outputs / "r1/000/hybrid.log").unlink()
    (home.outputs / "r1/000").rmdir()
    assert home.pull(spec).fetched == [0]
    assert tree(home.outputs)["r1/000/a"] == b"b"


def test_without_local_state_the_accepted_record_tells_what_was_chosen(home: Home) -> None:
    spec = home.queue(shards=2)
    home.worker("workerbb").claim(1).done(0, {"a": b"b"})
    home.pull(spec)
    home.worker("workeraa").claim(2).done(0, {"a": b"a"})
    home.choices = InMemory()
    assert home.pull(spec).present == [0]
    assert tree(home.outputs)["r1/000/a"] == b"b"


def test_another_laptop_takes_what_the_first_has_accepted(home: Home, tmp_path: Path) -> None:
    spec = home.queue()
    home.worker("workerbb").claim(1).done(0, {"a": b"b"})
    home.pull(spec)
    home.worker("workeraa").claim(2).done(0, {"a": b"a"})
    home.choices, home.outputs = InMemory(), tmp_path / "elsewhere"
    assert home.pull(spec, laptop="laptop33").fetched == [0]
    assert tree(home.outputs)["r1/a"] == b"b"
    assert home.accepted(laptop="laptop33") == home.accepted()


def test_void_done_is_incomplete_not_accepted(home: Home) -> None:
    spec = home.queue()
    home.worker().claim().done(files={"a": os.urandom(400_000)})
    for pack in home.run_files("*.pack"):
        pack.unlink()
    pulled = home.pull(spec)
    assert (pulled.fetched, pulled.present) == ([], [])
    assert "attempt 0.worker22.1" in pulled.incomplete[0]
    assert home.accepted() is None
    assert not (home.outputs / "r1/a").exists()
    assert home.choices.kept == {}


def test_content_that_arrives_later_than_its_marker_is_taken_then(home: Home) -> None:
    spec = home.queue()
    home.worker().claim().done(files={"a": b"0"})
    [snapshot] = home.run_files("*.snap")
    late = snapshot.read_bytes()
    snapshot.unlink()
    assert home.pull(spec).incomplete.keys() == {0}
    snapshot.write_bytes(late)
    pulled = home.pull(spec)
    assert (pulled.fetched, pulled.incomplete) == ([0], {})


def test_damaged_attempt_gives_way_to_a_whole_one(home: Home) -> None:
    spec = home.queue()
    home.worker("workeraa").claim(1).done(files={"a": b"damaged"})
    [snapshot] = home.run_files("workeraa.*.snap")
    snapshot.write_bytes(snapshot.read_bytes()[:-1] + b"?")
    home.worker("workerbb").claim(2).done(files={"a": b"whole"})
    pulled = home.pull(spec)
    assert (pulled.fetched, pulled.incomplete) == ([0], {})
    assert tree(home.outputs)["r1/a"] == b"whole"


def of_a_newer_version(snapshot: Path) -> str:
    """Puts a snapshot that only a later program can read in the place of ``snapshot``; returns its name."""
    data = snapshot.read_bytes().replace(SNAPSHOT_MAGIC, SNAPSHOT_MAGIC[:7] + b"\x02")
    name = re.sub("[0-9a-f]{64}", hashlib.sha256(data).hexdigest(), snapshot.name)
    snapshot.rename(snapshot.with_name(name)).write_bytes(data)
    return name


def test_record_or_snapshot_of_a_newer_version_is_incomplete_and_says_what_to_do(home: Home) -> None:
    spec = home.queue(shards=3)
    worker = home.worker().claim()
    for shard in range(3):
        worker.done(shard, {"a": b"%d" % shard})
    [record] = home.run_files("*.done-0.1.json")
    record.write_bytes(records.seal({**records.unseal(record.read_bytes(), ""), "version": 2}))
    [snapshot] = home.run_files("*.out-1.1-*.snap")
    [record] = home.run_files("*.done-1.1.json")
    record.write_bytes(records.encode(Ended(snapshot=f"runs/r1/{of_a_newer_version(snapshot)}")))
    pulled = home.pull(spec)
    assert pulled.fetched == [2]
    assert pulled.incomplete.keys() == {0, 1}
    assert all("Update hybrid on this machine." in why for why in pulled.incomplete.values())


def test_unfinished_outputs_of_a_newer_version_are_left_for_later(home: Home) -> None:
    spec = home.queue()
    worker = home.worker().claim()
    worker.publish(worker.start(), {"a": b"so far"})
    [snapshot] = home.run_files("*.snap")
    of_a_newer_version(snapshot)
    assert home.pull(spec).partial == []


def test_what_was_accepted_is_never_replaced_by_another_attempt(home: Home) -> None:
    spec = home.queue(shards=2)
    home.worker("workeraa").claim(1).done(0, {"a": b"first"})
    home.pull(spec)
    home.worker("workerbb").claim(2).done(0, {"a": b"second"})
    for path in sorted((home.outputs / "r1/000").iterdir()):
        path.unlink()
    (home.outputs / "r1/000").rmdir()
    for snapshot in home.run_files("workeraa.*.snap"):
        snapshot.unlink()
    assert home.pull(spec).incomplete.keys() == {0}
    assert not (home.outputs / "r1/000").exists()


def test_unfinished_outputs_are_shown_apart_until_the_finished_ones_come(home: Home) -> None:
    spec = home.queue()
    worker = home.worker().claim()
    attempt = worker.start()
    worker.publish(attempt, {"a": b"so far", "old": b"1"})
    worker.publish(attempt, {"a": b"further"})
    pulled = home.pull(spec)
    assert (pulled.phase, pulled.partial) == (Phase.RUNNING, [0])
    assert tree(home.outputs) == {"r1/.partial/000/a": b"further", "r1/.partial/000/hybrid.log": b""}
    worker.done(0, {"a": b"all"}, n=2)
    home.pull(spec)
    assert tree(home.outputs) == {"r1/a": b"all", "r1/hybrid.log": b""}
    assert [path.name for path in home.outputs.iterdir()] == ["r1"]


def test_partial_outputs_go_when_their_shard_is_here(home: Home) -> None:
    spec = home.queue(shards=2)
    worker = home.worker().claim()
    worker.publish(worker.start(0), {"a": b"so far"})
    home.pull(spec)
    worker.done(0, {"a": b"all"}, n=2)
    home.pull(spec)
    assert set(tree(home.outputs)) == {"r1/000/a", "r1/000/hybrid.log"}
    assert not (home.outputs / "r1/.partial").exists()


def test_failed_attempt_shows_what_it_left_and_is_not_accepted(home: Home) -> None:
    spec = home.queue(retries=0)
    home.worker().claim().failed(files={"a": b"before it fell"}, output=b"Traceback\n")
    pulled = home.pull(spec)
    assert (pulled.phase, pulled.fetched, pulled.partial) == (Phase.FAILED, [], [0])
    assert tree(home.outputs)["r1/.partial/000/hybrid.log"] == b"Traceback\n"
    assert home.accepted() is None


def test_partial_outputs_can_be_left_alone(home: Home) -> None:
    spec = home.queue()
    worker = home.worker().claim()
    worker.publish(worker.start(), {"a": b"so far"})
    assert home.pull(spec, partial=False).partial == []
    assert not home.outputs.exists()


def test_filters_leave_out_and_count_but_the_log_comes(home: Home) -> None:
    spec = home.queue()
    files = {"a.json": b"{}", "big.json": b"x" * 100, "debug/b.json": b"12345", "c.txt": b"123"}
    home.worker().claim().done(files=files, output=b"log\n")
    filters = Filters(include=("*.json",), exclude=("debug",), max_size=50)
    pulled = home.pull(spec, filters=filters)
    assert tree(home.outputs) == {"r1/a.json": b"{}", "r1/hybrid.log": b"log\n"}
    assert (pulled.left_out, pulled.left_out_bytes) == (3, 108)
    assert home.pull(spec, filters=Filters()).present == [0]


def test_dry_run_tells_what_would_come_and_writes_nothing(home: Home) -> None:
    spec = home.queue(shards=2)
    worker = home.worker().claim()
    worker.done(0, {"a": b"123"})
    worker.publish(worker.start(1), {"a": b"so far"})
    before = sorted(home.mail.rglob("*"))
    pulled = home.pull(spec, dry_run=True)
    assert (pulled.fetched, pulled.files, pulled.bytes) == ([0], 2, 3)
    assert not home.outputs.exists()
    assert sorted(home.mail.rglob("*")) == before
    assert home.choices.kept == {}


@pytest.mark.parametrize("run", ["../../evil", "/evil", "", "a/b", "r1\n", "R1"])
def test_spec_that_names_another_folder_is_refused(home: Home, run: str) -> None:
    home.queue()
    with pytest.raises(CorruptMailbox, match="cannot be true"):
        home.pull(Spec(run=run, laptop=LAPTOP, created=0, snapshot="s", target="local", shards=1))


@pytest.mark.parametrize("snapshot", ["../../../etc/passwd", "runs/r1/x.snap", "", "snapshots/" + "x" * 80])
def test_record_that_names_no_snapshot_is_incomplete(home: Home, snapshot: str) -> None:
    spec = home.queue()
    home.worker().claim().done(files={"a": b"0"}, snapshot=snapshot)
    assert home.pull(spec).incomplete.keys() == {0}
    assert home.accepted() is None
