"""Each save is a snapshot: what nobody needs any more goes once there is a lot of it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.daemon.publish.line import CLUTTER
from agent.daemon.publish.publishing import TIDY_AGAIN_S
from agent.daemon.tell.status import WATCHING
from sync.errors import CorruptMailbox, HybridError, Transient
from sync.remotes.faults import FaultPlan
from tests.support.agent_sides import Life, life


@pytest.fixture
def one(tmp_path: Path) -> Iterator[Life]:
    """One save before the mailbox is tidied."""
    with life(tmp_path) as made:
        made.configure("[keep]\nsnapshots = 3\ndays = 0\n")
        made.write("src/a.py", "a = 1", told=False)
        made.settle()
        for number in range(3 + CLUTTER - 2):
            made.write("src/a.py", f"a = {number + 2}")
            made.settle(1, alone=True)
        assert len(made.snapshots()) == 3 + CLUTTER - 1
        yield made


def save(one: Life, text: str) -> None:
    one.write("src/a.py", text)
    one.settle(5, alone=True)
    assert one.there() == one.here()


def test_what_nobody_needs_goes_and_what_follows_is_whole(one: Life) -> None:
    save(one, "a = 'one more'")
    assert len(one.snapshots()) < 10
    before = len(one.snapshots())
    save(one, "a = 'and another'")
    assert len(one.snapshots()) == before + 1 and one.status.state == WATCHING


def test_while_a_command_is_at_work_it_is_put_off(one: Life) -> None:
    one.write("src/a.py", "a = 'one more'")
    one.clock.advance(1)
    assert one.turn() == 0.0
    with one.ground.project.lock("push"):
        one.turn()
        assert len(one.snapshots()) > CLUTTER and one.status.state == WATCHING
    one.settle(TIDY_AGAIN_S + 100, alone=True)
    save(one, "a = 'and another'")
    assert len(one.snapshots()) < 10


@pytest.mark.parametrize(
    ("method", "error"),
    [
        ("delete", Transient("The line broke.")),
        ("read", Transient("The line broke.")),
        ("list_files", Transient("The line broke.")),
        ("read", CorruptMailbox("The line broke.")),
    ],
)
def test_where_it_fails_nothing_else_does_and_it_is_tried_again(
    one: Life, method: str, error: HybridError
) -> None:
    one.write("src/a.py", "a = 'one more'")
    one.clock.advance(1)
    assert one.turn() == 0.0
    one.plan.fail(method, error)
    one.settle(5, alone=True)
    one.plan.verify_all_fired()
    one.plan = FaultPlan()
    assert one.status.state == WATCHING and one.status.waiting is None and one.status.needs == []
    assert one.status.trouble is not None and "The line broke." in one.status.trouble.what
    save(one, "a = 'and another'")
    one.settle(TIDY_AGAIN_S, alone=True)
    save(one, "a = 'a third'")
    assert len(one.snapshots()) < 10
