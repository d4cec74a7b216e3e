"""Pulling onto a laptop's disk: nothing there is ever overwritten, and what it fails to take is not accepted."""

import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sync.errors import HybridError, LocalDiskFull
from sync.pull import puller as pull
from tests.support.pulls import Home, Killed, tree


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


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
    if shards > 1:
        place.rmdir()
    pulled = home.pull(spec)
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


def failing_at(end: bytes, really: Callable[..., Any]) -> Callable[..., Any]:
    def call(*arguments: Any, **more: Any) -> Any:
        if any(isinstance(each, bytes) and each.endswith(end) for each in arguments):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return really(*arguments, **more)

    return call


def test_shard_of_which_the_disk_failed_to_take_a_file_is_not_accepted(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = home.queue()
    home.worker().claim().done(0, {"good": b"1", "bad": b"2"})
    with monkeypatch.context() as patch:
        # Finished outputs are written in their place, unfinished ones are renamed into it.
        patch.setattr(os, "open", failing_at(b"/bad", os.open))
        patch.setattr(os, "replace", failing_at(b"/bad", os.replace))
        pulled = home.pull(spec)
    assert (pulled.fetched, pulled.unwritten, home.accepted(), home.choices.kept) == ([], [0], None, {})
    assert "1 file of attempt 0.worker22.1 could not be written" in pulled.incomplete[0]
    assert [problem.path for problem in pulled.problems] == [b"bad"] * 2  # also among the unfinished
    assert not (home.outputs / "r1/good").exists()
    pulled = home.pull(spec)
    assert (pulled.fetched, pulled.files) == ([0], 1)
    assert tree(home.outputs) == {"r1/good": b"1", "r1/bad": b"2", "r1/hybrid.log": b""}


def test_outputs_are_on_the_disk_before_they_are_accepted_where_the_system_has_no_sync(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = home.queue()
    home.worker().claim().done(0, {"deep/a": b"12345", "b": b"1"}, output=b"log\n")
    synced: list[int] = []
    monkeypatch.delattr(os, "sync", raising=False)
    monkeypatch.setattr(os, "fsync", lambda handle: synced.append(os.fstat(handle).st_size))

    def accept(path: str, data: bytes, before: Callable[[], None]) -> None:
        before()
        assert sorted(synced) == [1, 4, 5]
        raise Killed

    monkeypatch.setattr(home.remote, "write", accept)
    with pytest.raises(Killed):
        home.pull(spec)


@pytest.mark.parametrize("below", [".", "deeper"])
def test_outputs_folder_that_is_a_file_is_a_clear_error(home: Home, below: str) -> None:
    spec = home.queue()
    home.worker().claim().done(0, {"a": b"0"})
    home.outputs.write_bytes(b"")
    home.outputs /= below
    with pytest.raises(HybridError, match="is no folder"):
        home.pull(spec)


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


def test_a_shard_that_does_not_fit_keeps_no_other_away(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = home.queue(shards=3)
    worker = home.worker().claim()
    for shard, size in enumerate((1, 200_000, 1)):
        worker.done(shard, {"a": b"x" * size})
    usage = type(shutil.disk_usage(home.outputs.parent))
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(1, 1, 64 * 1024 * 1024 + 1000))
    with pytest.raises(LocalDiskFull, match="has no room"):
        home.pull(spec)
    assert [home.accepted(shard) is not None for shard in range(3)] == [True, False, True]
    assert sorted(tree(home.outputs / "r1")) == ["000/a", "000/hybrid.log", "002/a", "002/hybrid.log"]


def test_only_what_arrives_is_synced_where_the_system_has_no_sync(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = home.queue()
    home.worker().claim().done(0, {"a": b"0"})
    mine = home.outputs / "older" / "mine"
    mine.parent.mkdir(parents=True)
    mine.write_bytes(b"12345")
    mine.chmod(0o400)
    synced: list[int] = []
    monkeypatch.delattr(os, "sync", raising=False)
    monkeypatch.setattr(os, "fsync", lambda handle: synced.append(os.fstat(handle).st_size))
    assert home.pull(spec).fetched == [0]
    assert 1 in synced and 5 not in synced


def test_a_disk_that_fails_to_keep_what_was_written_is_told_in_words(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = home.queue()
    home.worker().claim().done(0, {"a": b"0"})

    def fail(_: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.delattr(os, "sync", raising=False)
    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(HybridError, match="incoming"):
        home.pull(spec)
    assert home.accepted() is None
    assert not (home.outputs / "r1").exists()
