"""When the agent tries again, looks again, and takes a wait for more than a wait."""

import random

from hypothesis import given
from hypothesis import strategies as st

from agent.daemon.schedule import Moment, backoff_s, jumped, rescan_s
from sync.clock import ManualClock

SEEDS = st.integers(0, 2**32)
MONOTONIC = st.floats(0, 1e7)
WALL = st.floats(1.5e9, 2e9)


@given(tries=st.integers(0, 10_000), seed=SEEDS)
def test_waits_grow_to_five_minutes_and_no_further(tries: int, seed: int) -> None:
    wait = backoff_s(tries, random.Random(seed))
    assert 3.75 <= wait <= 300
    full = min(5 * 2 ** max(tries - 1, 0), 300)
    assert 0.75 * full <= wait <= full


@given(tries=st.integers(0, 50), asked=st.floats(0, 1e9), seed=SEEDS)
def test_what_the_remote_asks_for_counts(tries: int, asked: float, seed: int) -> None:
    wait = backoff_s(tries, random.Random(seed), asked)
    assert min(max(asked, 1), 86_400) <= wait <= 1.1 * 86_400
    assert asked > 86_400 or wait >= asked


def test_two_laptops_do_not_come_back_at_once() -> None:
    assert len({backoff_s(9, random.Random(seed)) for seed in range(50)}) == 50


@given(took=st.floats(0, 3600), seed=SEEDS)
def test_looking_takes_a_small_part_of_the_time(took: float, seed: int) -> None:
    dice = random.Random(seed)
    assert rescan_s(polls=True, took_s=took, dice=dice) >= max(5.0, 50 * took)
    assert 450 <= rescan_s(polls=False, took_s=took, dice=dice) <= 750


@given(wall=WALL, start=MONOTONIC, asked=st.floats(0, 900), late=st.floats(0, 29), step=st.floats(-4.9, 4.9))
def test_small_steps_of_the_clock_are_no_jump(
    wall: float, start: float, asked: float, late: float, step: float
) -> None:
    before = Moment(wall=wall, monotonic=start)
    passed = asked + late
    assert jumped(before, Moment(wall=wall + passed + step, monotonic=start + passed), asked) == ""


@given(wall=WALL, start=MONOTONIC, passed=st.floats(0, 900), slept=st.floats(7, 1e6))
def test_sleep_is_noticed_whichever_clock_stands_still(
    wall: float, start: float, passed: float, slept: float
) -> None:
    before = Moment(wall=wall, monotonic=start)
    stood = Moment(wall=wall + passed + slept, monotonic=start + passed)
    assert "slept" in jumped(before, stood, passed) and "slept" in jumped(before, stood, None)
    went_on = Moment(wall=wall + passed + slept + 30, monotonic=start + passed + slept + 30)
    assert "slept" in jumped(before, went_on, passed)
    assert jumped(before, went_on, None) == ""


def test_a_clock_that_is_set_back_is_a_jump() -> None:
    clock = ManualClock()
    before = Moment.now(clock)
    clock.sleep(60)
    clock.jump_wall(-3600)
    assert "back" in jumped(before, Moment.now(clock), 60)


def test_a_clock_set_right_bit_by_bit_over_a_day_is_no_jump() -> None:
    day = 86_400.0
    assert jumped(Moment(wall=1e9, monotonic=0), Moment(wall=1e9 + day * 1.0005, monotonic=day), None) == ""
