"""Whether judges may be asked now: by this machine's own time of day, and by the mains, which are not asked all the time."""

import time
from collections.abc import Iterator

import pytest

from agent.hours import LOOK_S, MAINS_S, Hours
from agent.when import When
from sync.clock import ManualClock

NIGHT = When.parse("22:00-07:00")


@pytest.fixture
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    if not hasattr(time, "tzset"):
        pytest.skip("the time zone of a process cannot be set on this system")
    monkeypatch.setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def wall(text: str) -> float:
    return time.mktime(time.strptime(text, "%Y-%m-%d %H:%M"))


def test_any_time_asks_nobody() -> None:
    def never() -> bool:
        raise AssertionError

    hours = Hours(When(), ManualClock(), never)
    assert (hours.wait_s(), hours.why_not()) == (0, "")


def test_night_is_by_the_time_of_day_here(berlin: None) -> None:
    clock = ManualClock(wall("2026-05-04 21:30"))
    hours = Hours(NIGHT, clock)
    assert (hours.wait_s(), hours.why_not()) == (LOOK_S, "they wait until 22:00")
    clock.advance(29.5 * 60)
    assert hours.wait_s() == 30.0
    clock.advance(30.0)
    assert (hours.wait_s(), hours.why_not()) == (0, "")
    clock.advance(9 * 3600)
    assert hours.why_not() == "they wait until 22:00"


def test_hour_that_summer_time_takes_or_gives_is_none_that_is_missed(berlin: None) -> None:
    early = When.parse("03:00-04:00")
    clock = ManualClock(wall("2026-03-29 01:59"))
    assert Hours(early, clock).why_not()
    clock.advance(60)
    assert not Hours(early, clock).why_not(), "two o'clock is three o'clock in that night"
    clock = ManualClock(wall("2026-10-25 01:30"))
    clock.advance(2 * 3600)
    assert Hours(early, clock).why_not(), "it is half past two for the second time"
    clock.advance(1800)
    assert not Hours(early, clock).why_not()


def test_clock_that_is_set_counts_at_once(berlin: None) -> None:
    clock = ManualClock(wall("2026-05-04 12:00"))
    hours = Hours(NIGHT, clock)
    assert hours.wait_s()
    clock.jump_wall(12 * 3600)
    assert not hours.wait_s()


def test_mains_are_asked_every_few_seconds() -> None:
    answers = [True, False, None]
    clock = ManualClock()
    hours = Hours(When.parse("ac"), clock, lambda: answers.pop(0))
    assert [hours.wait_s() for _ in range(1000)] == [0.0] * 1000
    clock.advance(MAINS_S)
    assert (hours.wait_s(), hours.why_not()) == (LOOK_S, "they wait for mains power")
    clock.advance(MAINS_S)
    assert not hours.wait_s(), "where nobody can tell, there is mains power"
    assert not answers
