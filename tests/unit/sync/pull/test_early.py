"""An answer that was asked for early is the answer, once, and never one from before a change."""

import pytest

from sync.errors import NotFound
from sync.pull.early import Early, looking_ahead
from sync.remotes.memory import MemoryRemote
from sync.store.lanes import Lanes


@pytest.fixture
def remote() -> MemoryRemote:
    remote = MemoryRemote()
    remote.make_folders(["a"])
    remote.write("a/x", b"12345")
    remote.calls.clear()
    return remote


@pytest.mark.parametrize("count", [1, 4])
def test_an_early_answer_is_taken_once(remote: MemoryRemote, count: int) -> None:
    with Lanes(count) as lanes:
        early = Early(remote, lanes)
        early.read_soon("a/x", 1, 2)
        early.list_files_soon("a")
        early.list_folders_soon("")
        early.read_soon("a/x", 1, 2)
        assert early.read("a/x", 1, 2) == b"23"
        assert [file.name for file in early.list_files("a")] == ["x"]
        assert early.list_folders("") == ["a"]
        assert len(remote.calls) == 3
        assert early.read("a/x", 1, 2) == b"23"
        assert len(remote.calls) == 4


def test_other_bytes_than_those_that_were_asked_for_are_read(remote: MemoryRemote) -> None:
    with Lanes(4) as lanes:
        early = Early(remote, lanes)
        early.read_soon("a/x", 1, 2)
        assert early.read("a/x") == b"12345"


def test_an_error_comes_where_the_answer_is_taken(remote: MemoryRemote) -> None:
    with Lanes(4) as lanes:
        early = Early(remote, lanes)
        early.read_soon("a/none")
        with pytest.raises(NotFound):
            early.read("a/none")


def test_what_this_client_changed_is_asked_for_again(remote: MemoryRemote) -> None:
    with Lanes(4) as lanes:
        early = Early(remote, lanes)
        early.list_files_soon("a")
        early.read_soon("a/x")
        early.write("a/y", b"")
        assert {file.name for file in early.list_files("a")} == {"x", "y"}
        early.delete("a/x")
        with pytest.raises(NotFound):
            early.read("a/x")
        early.list_folders_soon("")
        early.make_folders(["b"])
        assert set(early.list_folders("")) == {"a", "b"}
        early.list_files_soon("a")
        early.delete_folder("a")
        assert early.list_files("a") == []


def test_items_are_asked_for_before_their_turn_and_not_too_long_before() -> None:
    asked: list[int] = []
    for number in looking_ahead(list(range(10)), 3, asked.append):
        assert asked == list(range(min(number + 3, 10)))
    assert asked == list(range(10))


def test_nothing_to_look_at_asks_for_nothing() -> None:
    assert list(looking_ahead([], 3, lambda item: pytest.fail("asked"))) == []
