"""What was heard is told once, and the bell is rung when there is something to wake up for."""

from agent.daemon.watch.hints import Hints
from sync.clock import ManualClock


class Count:
    def __init__(self) -> None:
        self.rings = 0

    def ring(self) -> None:
        self.rings += 1

    def wait(self, seconds: float | None) -> None:
        raise AssertionError("nobody waits here")


def test_burst_of_saved_files_rings_once() -> None:
    bell = Count()
    hints = Hints(ManualClock(), bell)
    for number in range(100):
        hints.written(b"%d" % number)
        hints.closed(b"%d" % number)
    heard = hints.take()
    assert heard is not None and len(heard.paths) == 100 and heard.open == frozenset()
    assert bell.rings == 1


def test_file_that_was_seen_to_be_open_rings_when_it_is_closed() -> None:
    bell = Count()
    hints = Hints(ManualClock(), bell)
    hints.written(b"a")
    heard = hints.peek()
    assert heard is not None and heard.open == {b"a"} and bell.rings == 1
    hints.closed(b"b")
    assert bell.rings == 1
    hints.closed(b"a")
    assert bell.rings == 2
