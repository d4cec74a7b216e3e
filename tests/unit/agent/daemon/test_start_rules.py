"""Whether and when a runner is started."""

import pytest

from agent.daemon.runs.start_rules import ask_again_s, backoff_s, refusal


@pytest.mark.parametrize(
    ("costs_money", "auto_start", "budget_left", "expected"),
    [
        (False, False, None, ""),
        (False, True, 0.0, ""),
        (True, False, 10.0, "it costs money, and auto_start is not set for it"),
        (True, True, None, "it costs money, and there is no budget"),
        (True, True, 0.0, "it costs money, and the budget is spent"),
        (True, True, 0.5, ""),
    ],
)
def test_what_costs_money_needs_leave_and_a_budget(
    costs_money: bool, auto_start: bool, budget_left: float | None, expected: str
) -> None:
    assert refusal(costs_money=costs_money, auto_start=auto_start, budget_left=budget_left) == expected


def test_tries_are_more_and_more_seldom_up_to_an_hour_and_spread() -> None:
    assert [backoff_s(n, 0.0) for n in (1, 2, 3, 7, 8, 10_000)] == [30, 60, 120, 1920, 3600, 3600]
    assert backoff_s(1, 0.999) == pytest.approx(22.5, abs=0.1)


def test_machine_that_says_the_same_is_asked_more_and_more_seldom() -> None:
    assert [ask_again_s(n) for n in (1, 2, 5, 6, 10_000)] == [15, 30, 240, 300, 300]
