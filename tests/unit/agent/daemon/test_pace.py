"""How soon a run is looked at again."""

import pytest

from agent.daemon.runs.pace import look_again_s, pull_again_s
from sync.mailbox.state import OVER, Phase


@pytest.mark.parametrize(
    ("phase", "silent", "quiet_s", "tick_s", "expected"),
    [
        (Phase.RUNNING, False, 0.0, 1.0, 2.0),
        (Phase.RUNNING, False, 0.0, 20.0, 10.0),
        (Phase.RUNNING, False, 50.0, 1.0, 5.0),
        (Phase.RUNNING, False, 5000.0, 1.0, 15.0),
        (Phase.RUNNING, True, 5000.0, 1.0, 60.0),
        (Phase.QUEUED, False, 0.0, 1.0, 2.0),
        (Phase.QUEUED, False, 300.0, 1.0, 30.0),
        (Phase.QUEUED, False, 5000.0, 1.0, 60.0),
        (Phase.SETUP_FAILED, False, 5000.0, 1.0, 60.0),
    ],
)
def test_what_is_quiet_for_long_is_looked_at_seldom(
    phase: Phase, silent: bool, quiet_s: float, tick_s: float, expected: float
) -> None:
    assert look_again_s(phase, silent=silent, quiet_s=quiet_s, tick_s=tick_s) == expected


def test_what_is_over_is_not_looked_at_again() -> None:
    assert {look_again_s(phase, silent=False, quiet_s=0.0, tick_s=1.0) for phase in OVER} == {None}


def test_what_cannot_be_had_is_asked_for_more_and_more_seldom() -> None:
    assert [pull_again_s(tries) for tries in (1, 2, 3, 8, 9, 10_000)] == [5, 10, 20, 640, 900, 900]
