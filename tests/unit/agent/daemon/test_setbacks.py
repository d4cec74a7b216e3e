"""What an error means to the agent, and when it is worth trying again."""

import random

import pytest

from agent.daemon.schedule import MOST_ASKED_S
from agent.daemon.setbacks import LATER_S, SOON_S, retry_s, setback
from agent.daemon.tell.status import AWAY, HELD, OFFLINE
from sync.errors import (
    ConfirmationNeeded,
    CorruptMailbox,
    HybridError,
    LocalDiskFull,
    Locked,
    NewerMailbox,
    NotFound,
    QuotaExceeded,
    Transient,
    Unauthorised,
    Unreachable,
    UsageError,
)

FORMS: list[tuple[HybridError, str, str | None]] = [
    (Transient("The line broke."), OFFLINE, None),
    (Unreachable("Nobody answers."), OFFLINE, None),
    (NotFound("It is not there."), OFFLINE, None),
    (Unauthorised("No.", "hybrid login"), OFFLINE, "login"),
    (QuotaExceeded("It is full.", "Make room."), OFFLINE, "quota"),
    (Locked("A push is at work."), HELD, None),
    (ConfirmationNeeded("All is gone.", "hybrid push --accept-deletions"), HELD, "deletions"),
    (LocalDiskFull("No room.", "Make room."), HELD, "disk"),
    (CorruptMailbox("It is broken.", "Look at it."), HELD, "mailbox"),
    (NewerMailbox("It is newer.", "Upgrade."), HELD, "mailbox"),
    (UsageError("It is wrong.", "Put it right."), HELD, "settings"),
    (HybridError("Something.", "Do something."), AWAY, None),
]


@pytest.mark.parametrize(("error", "state", "need"), FORMS, ids=lambda each: type(each).__name__)
def test_each_error_is_a_state_with_a_next_step(error: HybridError, state: str, need: str | None) -> None:
    told = setback(error)
    assert told.state == state
    assert told.why and not told.why.endswith(".")
    if need is None:
        assert told.need is None
    else:
        assert told.need is not None
        assert (told.need.key, told.need.what, told.need.how) == (need, str(error), error.hint)


@pytest.mark.parametrize(("error", "state", "need"), FORMS, ids=lambda each: type(each).__name__)
def test_it_is_tried_again_for_ever_and_neither_at_once_nor_late(
    error: HybridError, state: str, need: str | None
) -> None:
    dice = random.Random(1)
    waits = [retry_s(setback(error), error, tries, dice) for tries in range(1, 100)]
    assert min(waits) >= SOON_S and max(waits) <= 300
    if not setback(error).steady:
        assert waits[-1] > 200


@pytest.mark.parametrize("asked_s", [0.0, 30.0, 3600.0, MOST_ASKED_S])
def test_what_the_remote_asks_for_counts(asked_s: float) -> None:
    error = Transient("Later.", retry_after=asked_s)
    for tries in (1, 20):
        wait_s = retry_s(setback(error), error, tries, random.Random(tries))
        assert asked_s <= wait_s <= max(1.0, asked_s) * 1.1


@pytest.mark.parametrize("asked_s", [1e9, float("inf")])
def test_no_remote_makes_the_agent_wait_for_more_than_about_a_day(asked_s: float) -> None:
    error = Transient("Later.", retry_after=asked_s)
    assert retry_s(setback(error), error, 1, random.Random(1)) <= MOST_ASKED_S * 1.1


def test_what_only_a_person_can_mend_is_tried_less_often() -> None:
    for error in (Unauthorised("No."), QuotaExceeded("Full."), NewerMailbox("Newer.")):
        assert retry_s(setback(error), error, 1, random.Random(1)) >= LATER_S
