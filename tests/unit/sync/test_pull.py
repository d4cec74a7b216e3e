"""Pulling: only whole and verified attempts come home, one a shard, and nothing here is ever overwritten."""

import hashlib
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from sync import pull
from sync.errors import CorruptMailbox, HybridError, LocalDiskFull
from sync.filters import Filters
from sync.mailbox import records
from sync.mailbox.layout import RunFolder
from sync.mailbox.records import Accepted, Ended, Spec
from sync.mailbox.state import Phase
from sync.mailbox.view import look
from sync.pull import Choice, Pulled, Puller
from sync.remotes.folder import FolderRemote
from sync.store.pack import SNAPSHOT_MAGIC
from tests.support.mailboxes import LAPTOP, make_mailbox, publish_tree, queue_run
from tests.support.workers import Worker

BASE = "p"


class InMemory:
    """Choices as this laptop would keep them."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, int], Choice] = {}

    def get(self, run: str, shard: int) -> Choice | None:
        return self.kept.get((run, shard))

    def put(self, run: str, shard: int, choice: Choice) -> None:
        self.kept[run, shard] = choice

    def drop(self, run: str, shard: int) -> None:
        self.kept.pop((run, shard), None)


class Killed(BaseException):
    pass


class Home:
    """A mailbox, and a laptop that pulls from it."""

    def __init__(self, tmp_path: Path) -> None:
        self.remote = FolderRemote(str(tmp_path / "mail"))
        self.mail = tmp_path / "mail" / BASE
        self.outputs = tmp_path / "outputs"
        self.choices = InMemory()
        make_mailbox(self.remote, BASE)
        self.snapshot = publish_tree(self.remote, BASE, {"a.py": b"print()"}).name

    def queue(self, run: str = "r1", **fields: object) -> Spec:
        return queue_run(self.remote, BASE, run, self.snapshot, **fields)

    def worker(self, worker: str = "worker22", run: str = "r1") -> Worker:
        return Worker(self.remote, BASE, run, worker)

    def pull(
        self,
        spec: Spec,
        *,
        laptop: str = LAPTOP,
        filters: Filters | None = None,
        partial: bool = True,
        dry_run: bool = False,
    ) -> Pulled:
        puller = Puller(
            self.remote, BASE, laptop=laptop, outputs=self.outputs, choices=self.choices, filters=filters
        )
        return puller.pull(spec, partial=partial, dry_run=dry_run)

    def accepted(self, shard: int = 0, laptop: str = LAPTOP, run: str = "r1") -> Accepted | None:
        name = RunFolder.accepted(shard, laptop)
        if name not in look(self.remote, BASE, RunFolder(run)).names:
            return None
        return records.read(Accepted, self.remote, f"{BASE}/{RunFolder(run).in_folder(name)}")

    def run_files(self, pattern: str, run: str = "r1") -> list[Path]:
        return sorted((self.mail / "runs" / run).glob(pattern))


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def tree(folder: Path) -> dict[str, bytes]:
    """Files below ``folder``, by relative path."""
    found = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


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


def test_users_edit_survives_pull(home: Home) -> None:
    spec = home.queue(shards=2)
    worker = home.worker().claim()
    worker.done(0, {"a": b"0"})
    home.pull(spec)
    (home.outputs / "r1/000/a").write_bytes(b"mine")
    (home.outputs / "r1/000/note").write_bytes(b"mine too")
    worker.done(1, {"a": b"1"})
    home.pull(spec)
    found = tree(home.outputs)
    assert (found["r1/000/a"], found["r1/000/note"], found["r1/001/a"]) == (b"mine", b"mine too", b"1")


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


def die(*_: object) -> None:
    raise Killed


def kill_at_settle(home: Home, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(pull, "settle", die)


def kill_at_rename(home: Home, patch: pytest.MonkeyPatch) -> None:
    really = os.replace
    patch.setattr(
        os, "replace", lambda old, new: (die if str(old).endswith(".incoming") else really)(old, new)
    )


def kill_at_accept(home: Home, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(home.remote, "write", die)


def kill_at_clearing_the_place(home: Home, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Path, "rmdir", die)


@pytest.mark.parametrize("at", [kill_at_settle, kill_at_clearing_the_place, kill_at_rename, kill_at_accept])
@pytest.mark.parametrize("shards", [1, 2])
def test_pull_killed_at_any_step_chooses_the_same_attempt(
    home: Home, at: Callable[[Home, pytest.MonkeyPatch], None], shards: int
) -> None:
    spec = home.queue(shards=shards)
    worker = home.worker("workerbb").claim(1)
    worker.publish(worker.start(), {"a": b"so far"})
    home.pull(spec)
    first = worker.done(0, {"a": b"first"}, n=2)
    with pytest.MonkeyPatch.context() as patch, pytest.raises(Killed):
        at(home, patch)
        home.pull(spec)
    home.worker("workeraa").claim(2).done(0, {"a": b"second"})
    home.pull(spec)
    accepted = home.accepted()
    assert accepted is not None and accepted.attempt == str(first)
    assert home.pull(spec).present == [0]
    place = "r1/000" if shards > 1 else "r1"
    assert tree(home.outputs) == {f"{place}/a": b"first", f"{place}/hybrid.log": b""}
    assert [path.name for path in home.outputs.iterdir()] == ["r1"]


def test_pull_killed_between_rename_and_accept_chooses_the_same_attempt(home: Home) -> None:
    spec = home.queue()
    first = home.worker("workerbb").claim(1).done(0, {"a": b"first"})
    with pytest.MonkeyPatch.context() as patch, pytest.raises(Killed):
        kill_at_accept(home, patch)
        home.pull(spec)
    (home.outputs / "r1/a").write_bytes(b"edited meanwhile")
    home.worker("workeraa").claim(2).done(0, {"a": b"second"})
    assert home.pull(spec).present == [0]
    accepted = home.accepted()
    assert accepted is not None and accepted.attempt == str(first)
    assert tree(home.outputs)["r1/a"] == b"edited meanwhile"


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


def test_what_lies_in_the_way_is_named_and_untouched(home: Home) -> None:
    spec = home.queue(shards=2)
    worker = home.worker().claim()
    worker.done(0, {"a": b"0"})
    worker.done(1, {"a": b"1"})
    (home.outputs / "r1/000").mkdir(parents=True)
    (home.outputs / "r1/000/mine").write_bytes(b"mine")
    pulled = home.pull(spec)
    assert pulled.fetched == [1]
    assert "is in the way" in pulled.incomplete[0]
    assert home.accepted(0) is None
    assert tree(home.outputs / "r1/000") == {"mine": b"mine"}
    assert home.pull(spec).incomplete.keys() == {0}


@pytest.mark.parametrize("shards", [1, 2])
def test_file_in_the_place_of_the_runs_folder_is_in_the_way(home: Home, shards: int) -> None:
    spec = home.queue(shards=shards)
    home.worker().claim().done(0, {"a": b"0"})
    home.outputs.mkdir()
    (home.outputs / "r1").write_bytes(b"mine")
    assert home.pull(spec).incomplete.keys() == {0}
    assert tree(home.outputs) == {"r1": b"mine"}


@pytest.mark.parametrize("partial", [True, False])
@pytest.mark.parametrize("shards", [1, 2])
def test_what_the_user_puts_into_the_place_while_a_pull_is_under_way_stays(
    home: Home, monkeypatch: pytest.MonkeyPatch, shards: int, partial: bool
) -> None:
    spec = home.queue(shards=shards)
    worker = home.worker().claim()
    worker.publish(worker.start(), {"a": b"so far"})
    home.pull(spec, partial=partial)
    worker.done(0, {"a": b"0"}, n=2)
    place = home.outputs / ("r1/000" if shards > 1 else "r1")

    def meanwhile(*_: object) -> None:
        place.mkdir(parents=True, exist_ok=True)
        (place / "mine").write_bytes(b"mine")

    with monkeypatch.context() as patch:
        patch.setattr(pull, "settle", meanwhile)
        pulled = home.pull(spec)
    assert "is in the way" in pulled.incomplete[0]
    assert (pulled.fetched, pulled.blocked, home.accepted()) == ([], [0], None)
    assert home.pull(spec).blocked == [0]
    assert (place / "mine").read_bytes() == b"mine"
    (place / "mine").rename(home.outputs / "moved away")
    pulled = home.pull(spec) if shards == 1 else (place.rmdir(), home.pull(spec))[1]
    assert pulled.fetched == [0]
    assert (place / "a").read_bytes() == b"0"


def test_users_file_does_not_pass_for_outputs_whose_pull_was_cut_short(home: Home) -> None:
    spec = home.queue()
    home.worker().claim().done(0, {"a": b"0"})
    with pytest.MonkeyPatch.context() as patch, pytest.raises(Killed):
        kill_at_rename(home, patch)
        home.pull(spec)
    (home.outputs / "r1").mkdir(exist_ok=True)
    (home.outputs / "r1/mine").write_bytes(b"mine")
    pulled = home.pull(spec)
    assert (pulled.present, pulled.blocked, home.accepted()) == ([], [0], None)


def test_outputs_are_on_the_disk_before_they_are_accepted_where_the_system_has_no_sync(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = home.queue()
    home.worker().claim().done(0, {"deep/a": b"12345", "b": b"1"}, output=b"log\n")
    synced: list[int] = []
    monkeypatch.delattr(os, "sync", raising=False)
    monkeypatch.setattr(os, "fsync", lambda handle: synced.append(os.fstat(handle).st_size))

    def accept(*_: object) -> None:
        assert sorted(synced) == [1, 4, 5]
        raise Killed

    monkeypatch.setattr(home.remote, "write", accept)
    with pytest.raises(Killed):
        home.pull(spec)


def test_outputs_folder_that_is_a_file_is_a_clear_error(home: Home) -> None:
    spec = home.queue()
    home.worker().claim().done(0, {"a": b"0"})
    home.outputs.write_bytes(b"")
    with pytest.raises(HybridError, match="is no folder"):
        home.pull(spec)


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


def test_outputs_that_do_not_fit_on_the_disk_are_refused_before_anything_is_written(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = home.queue()
    home.worker().claim().done(files={"a": b"0"})
    usage = type(shutil.disk_usage(home.outputs.parent))
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(100, 95, 5))
    with pytest.raises(LocalDiskFull, match="has no room"):
        home.pull(spec)
    assert list(home.outputs.iterdir()) == []
    assert home.accepted() is None
