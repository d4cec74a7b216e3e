"""Lines of progress: what they say of what is known, and that short work says nothing."""

import pytest

from agent.progress_lines import EVERY_S, Lines, line
from sync.clock import ManualClock


@pytest.mark.parametrize(
    ("done", "total", "unit", "per_s", "told"),
    [
        (120, 4_000, "prompts", 2.0, "x: 120 of 4,000 prompts, 2.0 prompts/s, 32 min left"),
        (12, 400, "prompts", 0.05, "x: 12 of 400 prompts, 3.0 prompts/min, 2 h 9 min left"),
        (5_000_000, 20_000_000, "B", 1e6, "x: 5.0 MB of 20.0 MB, 1.0 MB/s, 15 s left"),
        (750, None, "files", 250.0, "x: 750 files, 250.0 files/s"),
        (7, 5, "files", 1.0, "x: 7 of 5 files, 1.0 files/s"),
        (3, 5, "files", 0.0, "x: 3 of 5 files"),
        (1_500, None, "B", 0.0, "x: 1.5 kB"),
    ],
)
def test_line_says_what_is_known(done: int, total: int | None, unit: str, per_s: float, told: str) -> None:
    assert line("x", done, total, unit, per_s) == told


def test_what_is_over_within_a_minute_says_nothing() -> None:
    said: list[str] = []
    clock = ManualClock()
    meter = Lines(said.append, clock)
    meter.finish()
    for _ in range(10):
        meter.start("scan", None, "files")
        meter.advance(5)
        clock.advance(EVERY_S - 1)
        meter.advance(5)
        meter.finish()
        meter.finish()
    assert not said


def test_each_phase_has_its_own_minutes() -> None:
    said: list[str] = []
    clock = ManualClock()
    meter = Lines(said.append, clock)
    meter.start("first", 4, "files")
    clock.advance(EVERY_S)
    meter.advance(1)
    meter.finish()
    meter.start("second", 4, "files")
    clock.advance(EVERY_S - 1)
    meter.advance(1)
    meter.finish()
    assert said == ["first: 1 of 4 files", "first: 1 files in 60 s"]


def _steps(meter: Lines, clock: ManualClock, count: int, each_s: float) -> None:
    for _ in range(count):
        clock.advance(each_s)
        meter.advance(1)


def test_an_outage_is_no_part_of_the_rate() -> None:
    said: list[str] = []
    clock = ManualClock()
    meter = Lines(said.append, clock)
    meter.start("judge", 400, "prompts")
    _steps(meter, clock, 40, 1.0)
    clock.advance(700)
    _steps(meter, clock, 61, 1.0)
    assert said == [
        "judge: 41 of 400 prompts",
        "judge: 101 of 400 prompts, 1.0 prompts/s, 5 min left",
    ]


def test_what_was_slower_long_ago_is_no_part_of_the_rate() -> None:
    said: list[str] = []
    clock = ManualClock()
    meter = Lines(said.append, clock)
    meter.start("judge", 4_000, "prompts")
    _steps(meter, clock, 60, 10.0)
    _steps(meter, clock, 400, 1.0)
    assert ", 6.0 prompts/min, " in said[8] and ", 1.0 prompts/s, " in said[-1]


def test_slow_work_has_a_rate() -> None:
    said: list[str] = []
    clock = ManualClock()
    meter = Lines(said.append, clock)
    meter.start("judge", 10, "prompts")
    _steps(meter, clock, 3, 600.0)
    assert said[-1] == "judge: 3 of 10 prompts, 0.1 prompts/min, 70 min left"
