"""Calls side by side: in order, never more than were allowed, and none left over."""

import threading

import pytest

from sync.store.lanes import Lanes


def test_with_one_lane_a_call_runs_when_it_is_asked_for_and_in_the_same_thread() -> None:
    ran: list[threading.Thread] = []
    with Lanes() as lanes:
        answer = lanes.start(lambda: ran.append(threading.current_thread()))
        assert ran == []
        answer()
    assert ran == [threading.current_thread()]


def test_calls_run_at_the_same_time() -> None:
    meeting = threading.Barrier(3, timeout=30)
    with Lanes(3) as lanes:
        answers = [lanes.start(meeting.wait) for _ in range(3)]
        assert sorted(answer() for answer in answers) == [0, 1, 2]


def test_no_more_calls_run_than_there_are_lanes() -> None:
    going = threading.Semaphore(0)
    lock = threading.Lock()
    now, most = 0, 0

    def call() -> None:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        assert going.acquire(timeout=30)
        with lock:
            now -= 1

    with Lanes(2) as lanes:
        answers = [lanes.start(call) for _ in range(10)]
        for _ in answers:
            going.release()
        for answer in answers:
            answer()
    assert most <= 2


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("kind", [ValueError, KeyboardInterrupt])
def test_what_a_call_raises_is_raised_where_its_answer_is_asked_for(
    count: int, kind: type[BaseException]
) -> None:
    def fail() -> None:
        raise kind("so")

    with Lanes(count) as lanes:
        answers = [lanes.start(fail), lanes.start(lambda: None)]
        with pytest.raises(kind, match="so"):
            answers[0]()
        assert answers[1]() is None


def test_at_the_end_calls_that_wait_never_begin_and_no_thread_is_left() -> None:
    begun = threading.Event()
    going = threading.Event()
    ran: list[int] = []

    def first() -> None:
        begun.set()
        assert going.wait(30)

    others = set(threading.enumerate())
    with Lanes(2) as lanes:
        for _ in range(2):
            lanes.start(first)
        lanes.start(lambda: ran.append(1))
        assert begun.wait(30)
        lanes._closed = True  # as it is from the first step of leaving on, while the calls still run
        going.set()
    assert ran == []
    assert not any(thread.name.startswith("lane-") for thread in set(threading.enumerate()) - others)


def test_after_an_error_nobody_waits_for_what_hangs() -> None:
    going = threading.Event()
    with pytest.raises(KeyError), Lanes(2) as lanes:
        lanes.start(lambda: going.wait(30))
        raise KeyError
    going.set()
