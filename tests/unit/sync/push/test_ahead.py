"""What runs ahead in a thread comes out as it went in, and its thread ends whatever happens."""

import threading
from collections.abc import Iterator

import pytest

from sync.push.ahead import ahead


def threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "ahead"]


def test_everything_comes_in_order() -> None:
    with ahead(iter(range(1000)), 3) as taken:
        assert list(taken) == list(range(1000))
    assert not threads()


def test_no_more_than_allowed_waits_to_be_taken() -> None:
    made: list[int] = []
    enough = threading.Event()

    def items() -> Iterator[int]:
        for number in range(100):
            made.append(number)
            if number == 4:
                enough.set()
            yield number

    with ahead(items(), 3) as taken:
        assert next(taken) == 0
        assert enough.wait(10)  # three wait, and one is about to
        assert len(made) == 5
        assert list(taken) == list(range(1, 100))


def test_an_error_is_raised_behind_what_came_before_it() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise ValueError("broken")

    with ahead(items(), 3) as taken:
        assert next(taken) == 1
        with pytest.raises(ValueError, match="broken"):
            next(taken)
    assert not threads()


def test_whoever_stops_early_leaves_no_thread_behind() -> None:
    with pytest.raises(KeyError), ahead(iter(range(10**9)), 3) as taken:
        next(taken)
        raise KeyError
    assert not threads()
