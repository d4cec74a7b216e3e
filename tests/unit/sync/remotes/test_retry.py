"""When a call is made again, how long it waits, and what it must never hide."""

import random

import pytest

from sync.clock import ManualClock
from sync.errors import NotFound, QuotaExceeded, RemoteError, Transient, Unauthorised, Unreachable
from sync.remotes.faults import FaultPlan
from sync.remotes.memory import MemoryRemote
from sync.remotes.retry import Policy, Retrying, next_delay

POLICY = Policy(attempts=5, first_s=1.0, cap_s=6.0, total_s=100.0)


@pytest.mark.parametrize(
    ("attempt", "retry_after", "elapsed", "chance", "expected"),
    [
        (1, None, 0.0, 0.0, 0.5),
        (1, None, 0.0, 1.0, 1.0),
        (2, None, 0.0, 1.0, 2.0),
        (3, None, 0.0, 1.0, 4.0),
        (4, None, 0.0, 1.0, 6.0),
        (4, None, 0.0, 0.5, 4.5),
        (5, None, 0.0, 0.0, None),
        (6, None, 0.0, 0.0, None),
        (1, 20.0, 0.0, 0.0, 20.0),
        (1, 0.1, 0.0, 1.0, 1.0),
        (1, 100.0, 0.0, 0.0, 100.0),
        (1, 100.1, 0.0, 0.0, None),
        (1, 20.0, 80.0, 0.0, 20.0),
        (1, 20.0, 80.1, 0.0, None),
        (4, None, 98.0, 0.0, None),
        (1, None, 200.0, 0.0, None),
    ],
)
def test_the_wait_doubles_is_spread_and_bounded_and_honours_the_remote(
    attempt: int, retry_after: float | None, elapsed: float, chance: float, expected: float | None
) -> None:
    error = Transient("busy", retry_after=retry_after)
    assert next_delay(POLICY, attempt, error, elapsed, chance) == expected


def retrying(plan: FaultPlan, clock: ManualClock | None = None) -> tuple[Retrying, MemoryRemote]:
    inner = MemoryRemote(plan=plan)
    MemoryRemote(inner.store).make_folders(["r"])
    return Retrying(inner, clock or ManualClock(), random.Random(1), POLICY), inner


def test_a_transient_failure_is_ridden_out() -> None:
    clock = ManualClock()
    plan = FaultPlan().fail("write", Transient("one")).fail("write", Transient("two"), nth=2)
    remote, inner = retrying(plan, clock)
    assert remote.write("r/a", b"1")
    plan.verify_all_fired()
    assert len(inner.calls) == 3
    assert 1.5 <= clock.monotonic() <= 3.0


def test_a_write_whose_answer_was_lost_counts_as_written() -> None:
    remote, _ = retrying(FaultPlan().fail("write", Transient("answer lost"), when="after"))
    assert remote.write("r/a", b"1") is True
    assert remote.write("r/a", b"1") is False


def test_a_name_taken_by_another_during_the_retries_is_still_taken() -> None:
    remote, inner = retrying(FaultPlan().fail("write", Transient("lost")))
    MemoryRemote(inner.store).write("r/a", b"theirs")
    assert remote.write("r/a", b"1") is False


def test_a_name_taken_by_a_file_that_cannot_be_read_yet_is_taken() -> None:
    plan = FaultPlan().fail("write", Transient("lost")).fail("read", NotFound("not visible yet"))
    remote, inner = retrying(plan)
    MemoryRemote(inner.store).write("r/a", b"1")
    assert remote.write("r/a", b"1") is False
    plan.verify_all_fired()


def test_it_gives_up_with_the_last_error_as_it_came() -> None:
    plan = FaultPlan()
    for nth in range(1, 6):
        plan.fail("read", Transient(f"failure {nth}", "wait"), nth=nth)
    remote, inner = retrying(plan)
    with pytest.raises(Transient, match="failure 5") as caught:
        remote.read("r/a")
    assert caught.value.hint == "wait"
    assert len(inner.calls) == 5


def test_a_wait_longer_than_allowed_is_handed_to_the_caller_at_once() -> None:
    clock = ManualClock()
    remote, inner = retrying(FaultPlan().fail("read", Transient("later", retry_after=3600.0)), clock)
    with pytest.raises(Transient) as caught:
        remote.read("r/a")
    assert caught.value.retry_after == 3600.0
    assert (len(inner.calls), clock.monotonic()) == (1, 0.0)


@pytest.mark.parametrize("kind", [NotFound, Unauthorised, Unreachable, QuotaExceeded, KeyError])
def test_nothing_else_is_tried_again(kind: type[RemoteError]) -> None:
    remote, inner = retrying(FaultPlan().fail("*", kind("no")))
    with pytest.raises(kind):
        remote.list_files("r")
    assert len(inner.calls) == 1


def test_every_method_is_retried() -> None:
    plan = FaultPlan()
    methods = ("make_folders", "write", "read", "list_files", "list_folders", "delete", "delete_folder")
    for method in methods:
        plan.fail(method, Transient("lost"))
    remote, inner = retrying(plan)
    remote.make_folders(["r/s"])
    assert remote.write("r/a", b"1")
    assert remote.read("r/a", 0, 1) == b"1"
    assert [f.name for f in remote.list_files("r")] == ["a"]
    assert remote.list_folders("r") == ["s"]
    remote.delete("r/a")
    remote.delete_folder("r")
    remote.close()
    plan.verify_all_fired()
    assert [method for method, _ in inner.calls] == [m for m in methods for _ in range(2)]
