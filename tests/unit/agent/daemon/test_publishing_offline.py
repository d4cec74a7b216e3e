"""A mailbox that cannot be used is a state with a next step, and what waits goes out when it can."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.daemon.schedule import LONGEST_S
from agent.daemon.tell.journal import Journal
from agent.daemon.tell.status import OFFLINE, WATCHING
from agent.state import opened
from sync.errors import HybridError, QuotaExceeded, Transient, Unauthorised, Unreachable
from sync.remotes.faults import FaultPlan
from tests.support.agent_sides import Life, life


@pytest.fixture
def one(tmp_path: Path) -> Iterator[Life]:
    with life(tmp_path) as made:
        made.write("src/a.py", "a = 1", told=False)
        made.settle()
        yield made


def kinds(one: Life) -> list[str]:
    with opened(one.ground.project, print) as state:
        return [entry.event.kind for entry in Journal(state).since(0.0)]


ERRORS = [
    Unreachable("Nobody answers."),
    Transient("The line broke."),
    Unauthorised("The login was refused.", "hybrid login"),
    QuotaExceeded("The mailbox is full.", "Make room there."),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda each: type(each).__name__)
@pytest.mark.parametrize("where", ["opening", "writing"])
def test_states_of_a_day_offline_are_one_snapshot(one: Life, error: HybridError, where: str) -> None:
    one.publishing.doubt("the line is let go of")
    if where == "opening":
        one.down = error
    else:
        one.denied = error
    for count in range(10):
        one.write("src/a.py", f"a = {count + 2}")
        one.settle(2)
    assert one.status.state == OFFLINE and len(one.snapshots()) == 1
    waiting = one.status.waiting
    assert waiting is not None and waiting.why and waiting.files == 1
    assert one.clock.wall() - 25 < waiting.since <= one.clock.wall() - 15
    person = isinstance(error, Unauthorised | QuotaExceeded)
    assert [need.what for need in one.status.needs] == ([str(error)] if person else [])
    one.settle(6 * 3600)
    assert one.opened < 400
    one.down = one.denied = None
    one.settle(LONGEST_S)
    assert one.status.state == WATCHING and one.status.waiting is None and one.status.needs == []
    assert len(one.snapshots()) == 2 and one.there() == one.here()
    assert kinds(one) == ["published", "offline", "published", "online"]


def test_tries_become_rarer_and_begin_anew_after_a_success(one: Life) -> None:
    one.publishing.doubt("the line is let go of")
    one.down = Unreachable("Nobody answers.")
    one.write("src/a.py", "a = 2")
    one.clock.advance(1)
    waits = []
    for _ in range(10):
        waits.append(one.turn())
        one.clock.advance(waits[-1])
    assert waits[0] <= 5 and waits[-1] > 200 and waits[:4] == sorted(waits[:4])
    one.down = None
    one.settle(alone=True)
    one.publishing.doubt("the line is let go of")
    one.down = Unreachable("Nobody answers.")
    one.write("src/a.py", "a = 3")
    one.clock.advance(1)
    assert one.turn() <= 5
    one.down = None


def test_daily_cap_is_waited_for_as_long_as_it_says(one: Life) -> None:
    one.plan = FaultPlan().fail("write", Transient("No more today.", retry_after=20_000.0))
    one.publishing.doubt("the line is let go of")
    one.write("src/a.py", "a = 2")
    one.settle(10)
    calls = one.opened
    one.settle(19_000, alone=True)
    assert one.opened == calls and len(one.snapshots()) == 1 and one.status.state == OFFLINE
    one.settle(3_000, alone=True)
    assert one.there() == one.here() and one.status.state == WATCHING


def test_wake_ends_the_wait(one: Life) -> None:
    one.publishing.doubt("the line is let go of")
    one.down = Transient("No more today.", retry_after=80_000.0)
    one.write("src/a.py", "a = 2")
    one.settle(10)
    one.down = None
    one.sleep(40_000)
    one.settle(10)
    assert one.there() == one.here()


def test_state_that_was_put_back_while_offline_is_not_published(one: Life) -> None:
    one.publishing.doubt("the line is let go of")
    one.down = Unreachable("Nobody answers.")
    one.write("src/a.py", "a = 2")
    one.settle(10)
    assert one.status.state == OFFLINE
    one.write("src/a.py", "a = 1")
    one.down = None
    one.settle(LONGEST_S)
    assert len(one.snapshots()) == 1 and one.status.waiting is None and one.status.state == WATCHING


def test_line_that_breaks_at_any_call_of_a_publication_costs_nothing_but_time(one: Life) -> None:
    for nth in range(1, 12):
        for when in ("before", "after"):
            one.plan = FaultPlan()
            one.plan.fail("*", Transient("The line broke."), nth=nth, when=when)
            one.publishing.doubt("the line is let go of")
            one.write("src/a.py", f"{nth} {when}")
            one.settle(30, alone=True)
            assert one.there() == one.here() and one.status.state == WATCHING
    one.plan = FaultPlan()
