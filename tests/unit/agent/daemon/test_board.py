"""The status that is put together from what the sides of the agent say."""

import pytest

from agent.daemon.tell.board import Board
from agent.daemon.tell.status import AWAY, HELD, OFFLINE, STARTING, WATCHING, Need, Status
from sync.clock import ManualClock


class Told:
    def __init__(self) -> None:
        self.clock = ManualClock()
        self.written: list[Status] = []
        self.rung = 0
        first = Status(pid=1, born="", root="/p", state=STARTING, started=1.0, written=1.0)
        self.board = Board(first, self.clock, self.written.append, on_needs=self.ring)

    def ring(self) -> None:
        self.rung += 1


@pytest.mark.parametrize(
    ("one", "two", "both"),
    [
        (WATCHING, WATCHING, WATCHING),
        (WATCHING, OFFLINE, OFFLINE),
        (HELD, OFFLINE, OFFLINE),
        (AWAY, OFFLINE, AWAY),
        (HELD, WATCHING, HELD),
    ],
)
def test_the_worst_state_is_the_agents(one: str, two: str, both: str) -> None:
    told = Told()
    told.board.tell("publishing", state=one)
    told.board.tell("runs", state=two)
    assert told.board.status.state == both
    told.board.tell("publishing", state=two)
    told.board.tell("runs", state=one)
    assert told.board.status.state == both


def test_what_a_side_does_not_say_stays() -> None:
    told = Told()
    told.board.tell("publishing", state=HELD, needs=(Need(key="k", what="w", how="h"),), port=3)
    told.board.tell("publishing", watch="polling")
    status = told.board.status
    assert (status.state, status.port, status.watch, len(status.needs)) == (HELD, 3, "polling", 1)
    told.board.tell("publishing", needs=())
    assert told.board.status.needs == []


def test_what_two_sides_need_is_told_once() -> None:
    told = Told()
    need = Need(key="login", what="The login was refused.", how="hybrid login")
    told.board.tell("publishing", needs=(need,))
    told.board.tell("runs", needs=(need, Need(key="disk", what="No room.", how="Make room.")))
    assert [each.key for each in told.board.status.needs] == ["login", "disk"]
    told.board.tell("publishing", needs=())
    assert [each.key for each in told.board.status.needs] == ["login", "disk"]


def test_what_changes_nothing_is_not_written() -> None:
    told = Told()
    told.board.tell("publishing", state=WATCHING, port=3)
    count = len(told.written)
    told.clock.advance(60)
    told.board.tell("publishing", state=WATCHING, port=3)
    assert len(told.written) == count
    told.board.tell("publishing", port=4)
    assert len(told.written) == count + 1 and told.written[-1].written == told.clock.wall()
    assert told.written[-1] == told.board.status


def test_somebody_is_called_for_a_need_that_is_new_and_for_no_other() -> None:
    told = Told()
    need = Need(key="login", what="The login was refused.", how="hybrid login")
    told.board.tell("publishing", needs=(need,))
    told.board.tell("runs", needs=(need,))
    told.board.tell("publishing", needs=(Need(key="login", what="In other words.", how="hybrid login"),))
    assert told.rung == 1
    told.board.tell("runs", needs=(Need(key="disk", what="No room.", how="Make room."),))
    assert told.rung == 2
