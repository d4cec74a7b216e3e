"""The side of the agent that looks after runs: when it looks, and what it does where it cannot."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from agent.daemon.runs.homing import RECONCILE_S
from agent.daemon.tell.status import OFFLINE, WATCHING
from agent.mailbox import Mailbox
from agent.project import Project
from sync.clock import Clock
from sync.errors import Transient, Unauthorised, Unreachable
from sync.remotes.faults import FaultPlan
from tests.support.agent_sides import Life, life
from tests.support.small_disk import small_disk


@pytest.fixture
def one(tmp_path: Path) -> Iterator[Life]:
    with life(tmp_path) as made:
        made.write("src/a.py", "a = 1", told=False)
        made.settle()
        yield made


def turn(one: Life) -> float:
    wait_s = one.homing.turn()
    assert wait_s is not None
    return wait_s


def test_before_the_first_push_nobody_looks(tmp_path: Path) -> None:
    with life(tmp_path) as one:
        assert one.homing.turn() is None and one.opened == 0


def test_where_nothing_runs_it_looks_now_and_then(one: Life) -> None:
    assert 0.5 * RECONCILE_S < turn(one) < 1.5 * RECONCILE_S
    opened = one.opened
    one.settle(4 * RECONCILE_S)
    assert opened < one.opened <= opened + 12


def test_word_that_comes_is_followed_at_once(one: Life) -> None:
    one.queue("r1")
    assert turn(one) > 60 and one.status.runs == []
    one.homing.now()
    turn(one)
    assert [line.run for line in one.status.runs] == ["r1"]


def test_word_that_comes_during_a_look_is_followed_by_another_look(one: Life) -> None:
    opener, looks = one.ground.open_mailbox, 0

    def open_late(project: Project, clock: Clock) -> AbstractContextManager[Mailbox]:
        nonlocal looks
        looks += 1
        if looks == 1:
            one.homing.now()
        return opener(project, clock)

    one.ground.open_mailbox = open_late
    one.homing.now()
    turn(one)
    turn(one)
    turn(one)
    assert looks == 2


@pytest.mark.parametrize("error", [Unreachable("Nobody answers."), Transient("The line broke.")])
def test_mailbox_that_cannot_be_used_is_a_state_and_is_tried_again(one: Life, error: Exception) -> None:
    one.down = error
    one.homing.now()
    waits = []
    for _ in range(10):
        waits.append(turn(one))
        one.clock.advance(waits[-1])
    assert one.status.state == OFFLINE and waits[0] <= 5 and 200 < waits[-1] <= 300
    one.down = None
    assert turn(one) > 0 and one.status.state == WATCHING


def test_what_only_a_person_can_do_is_shown_once_also_while_offline(one: Life) -> None:
    one.down = Unauthorised("The login was refused.", "hybrid login")
    one.homing.now()
    for _ in range(20):
        one.clock.advance(turn(one))
    one.desktop.close(5.0)
    texts = [notice.text for notice in one.shown]
    assert [text for text in texts if "login" in text] == ["The login was refused.\nhybrid login"]
    one.down = None
    one.settle(600)
    assert one.status.needs == []


def test_every_call_of_a_look_may_fail(one: Life) -> None:
    one.queue("r1")
    for nth in range(1, 6):
        one.plan = FaultPlan().fail("*", Transient("The line broke."), nth=nth)
        one.homing.doubt("the line is let go of")
        turn(one)
        one.plan = FaultPlan()
    one.homing.doubt("the line is let go of")
    turn(one)
    assert [line.run for line in one.status.runs] == ["r1"] and one.status.state == WATCHING


def test_lost_state_is_noticed_and_the_runs_are_known_again(one: Life) -> None:
    one.queue("r1")
    one.homing.now()
    turn(one)
    for file in (one.root / ".hybrid").glob("state.db*"):
        file.unlink()
    one.settle(60)
    assert [line.run for line in one.status.runs] == ["r1"] and one.status.trouble is None


@pytest.mark.parametrize("pushed", [True, False])
def test_full_disk_is_told_as_one_and_is_over_once_there_is_room(tmp_path: Path, pushed: bool) -> None:
    with small_disk(tmp_path / "project" / ".hybrid", 4) as disk, life(tmp_path) as one:
        if pushed:
            one.settle()
            one.queue("r1")
            one.homing.now()
        disk.leave(0)
        disk.leave_files(0)
        for _ in range(5):
            one.homing.close()
            one.clock.advance(turn(one))
        assert list(one.needs) == ["disk"]
        assert one.status.trouble is not None and "bug" not in one.status.trouble.how
        disk.make_room()
        one.homing.turn()
        one.settle(60)
        assert "disk" not in one.needs and len(one.status.runs) == pushed
        one.close()
