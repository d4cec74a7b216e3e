"""A side of the agent goes on, whatever happens to it, and looks at everything anew once time has jumped."""

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from agent.daemon.ground import Ground
from agent.daemon.side import CALM_S, keep_going
from agent.daemon.tell.board import Board
from agent.daemon.tell.status import STARTING, Status
from agent.project import Project
from sync.clock import ManualClock


class Script:
    """A side whose turns are these; it ends with the last one. Also the bell: each wait passes as it is told to."""

    name = "acting"

    def __init__(self, root: Path, turns: list[Callable[[], float | None]]) -> None:
        (root / "hybrid.toml").write_text('[project]\nid = "p"\n')
        self.clock = ManualClock()
        first = Status(pid=1, born="", root=str(root), state=STARTING, started=0, written=0)
        self.board = Board(first, self.clock, lambda status: None)
        self.ground = Ground(
            project=Project.find(root), clock=self.clock, board=self.board, dice=random.Random(1)
        )
        self.turns = turns
        self.waits: list[float | None] = []
        self.said: list[str] = []
        self.jumps: list[str] = []
        self.passes: Callable[[float | None], None] = lambda seconds: self.clock.advance(seconds or 0.0)

    def turn(self) -> float | None:
        return self.turns.pop(0)()

    def doubt(self, why: str) -> None:
        self.said.append(f"doubt: {why}")

    def close(self) -> None:
        self.said.append("close")

    def ring(self) -> None:
        raise AssertionError("nobody rings")

    def wait(self, seconds: float | None) -> None:
        self.waits.append(seconds)
        self.passes(seconds)

    def live(self, longest_s: float | None = None) -> None:
        keep_going(
            self, self.ground, self, lambda: not self.turns, longest_s=longest_s, on_jump=self.jumps.append
        )


def wrong() -> float | None:
    raise ValueError("what nobody thought of")


def test_it_waits_as_long_as_it_asked_to_and_closes_at_the_end(tmp_path: Path) -> None:
    script = Script(tmp_path, [lambda: 3.0, lambda: None, lambda: 0.0, lambda: 5.0])
    script.live()
    assert script.waits == [3.0, None, 0.0] and script.said == ["close"]


def test_bug_is_told_and_it_goes_on_later_and_later(tmp_path: Path) -> None:
    script = Script(tmp_path, [wrong] * 8 + [lambda: 2 * CALM_S, wrong, lambda: 0.0])
    script.live()
    first, *more = script.waits[:8]
    assert first is not None and 3 < first <= 5
    assert more[-1] is not None and more[-1] > 200
    assert script.waits[9] is not None and script.waits[9] <= 5, "it begins anew after a time that went well"
    assert script.said == ["close", "doubt: a bug was met"] * 9 + ["close"]
    trouble = script.board.status.trouble
    assert trouble is not None and trouble.what == "ValueError: what nobody thought of"
    assert "report it" in trouble.how


def test_bug_that_stays_is_tried_rarely_though_turns_between_go_well_and_the_bell_rings(
    tmp_path: Path,
) -> None:
    script = Script(tmp_path, [wrong, lambda: 1.0] * 8)
    script.passes = lambda wait_s: script.clock.advance(min(wait_s or 0.0, 3.0))
    script.live()
    assert script.clock.monotonic() > 500


def test_what_cannot_be_closed_ends_no_side(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = Script(tmp_path, [wrong, lambda: 1.0, lambda: 0.0])
    said: list[str] = []

    def close() -> None:
        said.append("close")
        if len(said) == 1:
            raise ValueError("nor of this")

    monkeypatch.setattr(script, "close", close)
    script.live()
    assert script.turns == [] and said == ["close", "close"]


@pytest.mark.parametrize("seconds", [3600.0, -3600.0])
def test_jump_of_the_clock_is_a_doubt_and_told_on(tmp_path: Path, seconds: float) -> None:
    script = Script(tmp_path, [lambda: 3.0, lambda: 3.0])
    script.passes = lambda wait_s: script.clock.jump_wall(seconds)
    script.live()
    assert len(script.jumps) == 1 and script.said == [f"doubt: {script.jumps[0]}", "close"]


def test_wait_that_ends_far_too_late_is_a_doubt(tmp_path: Path) -> None:
    script = Script(tmp_path, [lambda: 3.0, lambda: 3.0])
    script.passes = lambda wait_s: script.clock.advance(600)
    script.live()
    assert len(script.jumps) == 1


def test_no_wait_is_longer_than_the_longest(tmp_path: Path) -> None:
    script = Script(tmp_path, [lambda: None, lambda: 900.0, lambda: 2.0, lambda: 0.0])
    script.live(longest_s=60.0)
    assert script.waits == [60.0, 60.0, 2.0] and script.jumps == []
