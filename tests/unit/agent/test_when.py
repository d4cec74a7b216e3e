import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.when import When


@pytest.mark.parametrize(
    ("text", "clock", "mains", "may"),
    [
        ("ac", "12:00", True, True),
        ("ac", "12:00", False, False),
        ("ac", "12:00", None, True),
        ("22:00-07:00", "23:30", False, True),
        ("22:00-07:00", "06:59", False, True),
        ("22:00-07:00", "07:00", True, False),
        ("22:00-07:00", "12:00", True, False),
        ("09:00-17:00", "12:00", None, True),
        ("09:00-17:00", "17:00", None, False),
        ("ac, 22:00-07:00", "23:00", True, True),
        ("ac, 22:00-07:00", "23:00", False, False),
        ("ac, 22:00-07:00", "12:00", True, False),
        ("12:00-13:00, 22:00-24:00", "12:30", None, True),
        ("12:00-13:00, 22:00-24:00", "23:59", None, True),
        ("12:00-13:00, 22:00-24:00", "00:00", None, False),
    ],
)
def test_grading_runs_when_it_may(text, clock, mains, may):
    hours, minutes = map(int, clock.split(":"))
    when, minute = When.parse(text), 60 * hours + minutes
    assert (when.wait_s(minute, mains) == 0) is may
    assert (when.why_not(minute, mains) == "") is may


@pytest.mark.parametrize(
    "text", ["", "night", "22-7", "25:00-07:00", "22:61-07:00", "22:00-22:00", "ac,", "22:00"]
)
def test_what_is_no_time_is_refused(text):
    with pytest.raises(ValueError):
        When.parse(text)


def test_it_is_said_what_is_waited_for():
    when = When.parse("ac, 22:00-07:00")
    assert when.why_not(12 * 60, True) == "they wait until 22:00"
    assert when.why_not(23 * 60, False) == "they wait for mains power"


@given(st.integers(0, 1439), st.integers(0, 1439), st.floats(0, 1439.999))
def test_after_the_wait_it_may_run(start, end, minute):
    if start == end:
        return
    when = When(spans=((start, end),))
    wait_s = when.wait_s(minute, True)
    assert 0 <= wait_s < 86400
    assert when.wait_s((minute + wait_s / 60 + 1e-6) % 1440, True) == 0
