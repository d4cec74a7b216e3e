"""The twin in memory keeps the contract, alone and below the retries; its knobs do what they say."""

import random
from collections.abc import Callable

import pytest

from sync.clock import ManualClock
from sync.errors import NotFound, Transient
from sync.remotes.base import Remote
from sync.remotes.faults import Crash, FaultPlan
from sync.remotes.memory import MemoryRemote, MemoryStore
from sync.remotes.retry import Retrying
from tests.contracts.remote_contract import RemoteContract


class TestMemoryRemote(RemoteContract):
    @pytest.fixture
    def remote(self) -> Remote:
        return MemoryRemote()

    @pytest.fixture
    def another(self, remote: MemoryRemote) -> Callable[[], Remote]:
        return lambda: MemoryRemote(remote.store)


class TestRetryingRemote(RemoteContract):
    """Every third call fails before it has an effect and every fifth after; nobody notices."""

    @pytest.fixture
    def store(self) -> MemoryStore:
        return MemoryStore()

    @pytest.fixture
    def another(self, store: MemoryStore) -> Callable[[], Remote]:
        def client() -> Remote:
            plan = FaultPlan()
            for nth in range(1, 200):
                plan.fail("*", Transient("lost before"), nth=3 * nth)
                plan.fail("*", Transient("answer lost"), nth=5 * nth, when="after")
            return Retrying(MemoryRemote(store, plan=plan), ManualClock(), random.Random(7))

        return client

    @pytest.fixture
    def remote(self, another: Callable[[], Remote]) -> Remote:
        return another()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


def clients(store: MemoryStore) -> tuple[MemoryRemote, MemoryRemote]:
    first, second = MemoryRemote(store), MemoryRemote(store)
    first.make_folders(["r"])
    return first, second


def names(remote: Remote) -> list[str]:
    return sorted(file.name for file in remote.list_files("r"))


def test_others_see_a_write_and_a_deletion_only_after_the_lag(clock: ManualClock) -> None:
    writer, other = clients(MemoryStore(clock=clock, lag=30.0))
    assert writer.capabilities.settle_s == 30.0
    assert not writer.capabilities.strong_listing
    writer.write("r/a", b"1")
    assert (names(writer), writer.read("r/a")) == (["a"], b"1")
    clock.advance(29.9)
    assert names(other) == []
    with pytest.raises(NotFound):
        other.read("r/a")
    clock.advance(0.1)
    assert (names(other), other.read("r/a")) == (["a"], b"1")
    writer.delete("r/a")
    assert (names(writer), names(other)) == ([], ["a"])
    with pytest.raises(NotFound):
        other.read("r/a")
    clock.advance(30.0)
    assert names(other) == []


def test_two_writers_within_the_lag_leave_two_files_of_one_name(clock: ManualClock) -> None:
    one, two = clients(MemoryStore(clock=clock, lag=30.0))
    assert one.write("r/claim", b"one")
    assert two.write("r/claim", b"two")
    assert names(one) == ["claim"]
    clock.advance(30.0)
    assert names(one) == names(two) == ["claim", "claim"]
    assert {two.read("r/claim") for _ in range(9)} == {b"one"}
    assert not two.write("r/claim", b"three")
    two.delete("r/claim")
    assert names(two) == []


def test_with_dice_a_name_that_occurs_twice_reads_as_either(clock: ManualClock) -> None:
    one, two = clients(MemoryStore(clock=clock, lag=30.0, dice=random.Random(3)))
    one.write("r/claim", b"one")
    two.write("r/claim", b"two")
    clock.advance(30.0)
    assert {one.read("r/claim") for _ in range(50)} == {b"one", b"two"}


def test_with_dice_a_young_write_flickers_and_an_old_one_never_does(clock: ManualClock) -> None:
    writer, other = clients(MemoryStore(clock=clock, lag=10.0, dice=random.Random(1)))
    writer.write("r/a", b"1")
    clock.advance(5.0)
    looks = [bool(names(other)) for _ in range(100)]
    assert 30 < sum(looks) < 70
    clock.advance(5.0)
    assert all(names(other) for _ in range(100))


def test_the_same_dice_give_the_same_history() -> None:
    def history(seed: int) -> list[list[str]]:
        clock = ManualClock()
        writer, other = clients(MemoryStore(clock=clock, lag=10.0, dice=random.Random(seed)))
        seen = []
        for number in range(30):
            writer.write(f"r/{number}", b"")
            clock.advance(0.7)
            seen.append(names(other))
        return seen

    assert history(5) == history(5)
    assert history(5) != history(6)


def test_a_lag_without_a_clock_is_refused() -> None:
    with pytest.raises(ValueError, match="clock"):
        MemoryStore(lag=1.0)


def test_calls_are_recorded_for_counting() -> None:
    remote = MemoryRemote()
    remote.make_folders(["a", "b"])
    remote.write("a/x", b"")
    remote.list_files("a")
    assert remote.calls == [("make_folders", "a b"), ("write", "a/x"), ("list_files", "a")]


@pytest.mark.parametrize(("when", "content"), [("before", []), ("after", ["x"])])
def test_a_planned_fault_fires_once_before_or_after_the_effect(when: str, content: list[str]) -> None:
    plan = FaultPlan().fail("write", Transient("lost"), nth=2, when="before" if when == "before" else "after")
    remote = MemoryRemote(plan=plan)
    remote.make_folders(["r"])
    assert remote.write("r/w", b"")
    remote.delete("r/w")
    with pytest.raises(Transient):
        remote.write("r/x", b"")
    assert names(remote) == content
    plan.verify_all_fired()
    assert remote.write("r/y", b"")


def test_a_fault_may_wait_for_a_path() -> None:
    plan = FaultPlan().fail("write", Transient("lost"), path="done-")
    remote = MemoryRemote(plan=plan)
    remote.make_folders(["r"])
    remote.write("r/tick-1", b"")
    with pytest.raises(Transient):
        remote.write("r/done-1", b"")


def test_a_fault_that_never_fired_is_reported() -> None:
    plan = FaultPlan().fail("write", Transient("lost"), nth=2).fail("*", Transient("first"))
    remote = MemoryRemote(plan=plan)
    with pytest.raises(Transient):
        remote.make_folders([])
    with pytest.raises(AssertionError, match="call 2 of write"):
        plan.verify_all_fired()


def test_a_crashed_client_stays_dead_and_a_new_one_goes_on() -> None:
    remote = MemoryRemote(plan=FaultPlan().fail("write", Crash(), when="after"))
    remote.make_folders(["r"])
    with pytest.raises(Crash):
        remote.write("r/a", b"")
    with pytest.raises(Crash):
        remote.delete("r/a")
    assert names(MemoryRemote(remote.store)) == ["a"]


def test_what_must_be_there_first_is_not_waited_for_again_once_it_has_failed() -> None:
    store = MemoryStore()
    remote = Retrying(MemoryRemote(store), ManualClock(), random.Random(7))
    remote.make_folders(["r"])
    asked: list[int] = []

    def before() -> None:
        asked.append(1)
        raise Transient("the pack has used up its tries")

    with pytest.raises(Transient, match="used up"):
        remote.write("r/last", b"x", before)
    assert len(asked) == 1
