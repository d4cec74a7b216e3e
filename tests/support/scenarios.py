"""A scenario is played undisturbed once, and then again and again, stopped each time at another of its steps."""

import random
from pathlib import Path
from typing import Protocol, TypeVar

from tests.support.stopping import Ended, How, NotReached, acts_on

S = TypeVar("S")
CODES: dict[How, tuple[int | None, ...]] = {"kill": (None,), "interrupt": (130,), "full": (0, 10, 17)}
"""How a command ends that was stopped; with 0 where it can do without what the disk did not take."""
_CHANCES = 5
"""Where several threads work, the number of steps is not always the same: a late one may need several tries."""


class Setting(Protocol[S]):
    """``S`` is one play: everything on the disk that the command works on."""

    def begin(self, home: Path) -> S:
        """A new play, as far as the command that is to be stopped. The same each time."""

    def check_stopped(self, play: S) -> None:
        """What must hold whenever the command was stopped."""

    def check_end(self, play: S) -> None:
        """What must hold when the command has come to its end, however often it was stopped before."""


class Scenario(Setting[S], Protocol[S]):
    def act(self, play: S, stop_at: int = 0, how: How = "kill") -> Ended:
        """The command, in a process of its own; undisturbed it must succeed."""


def steps_of(scenario: Scenario[S], home: Path) -> list[str]:
    """The steps of an undisturbed play, which must end well."""
    play = scenario.begin(home)
    ended = scenario.act(play)
    scenario.check_end(play)
    assert ended.steps
    return ended.steps


def stopped_at_each_step(scenario: Scenario[S], home: Path, how: How = "kill", *, every: int = 1) -> int:
    """Plays it once for each step, or for one of ``every`` so many; stops it there, and has it done again.

    Returns how often.
    """
    steps = steps_of(scenario, home)
    numbers = [n for n, step in enumerate(steps, 1) if acts_on(how, step)][::every]
    for n in numbers:
        for chance in range(_CHANCES):
            try:
                with_stops(scenario, home, [n], how)
                break
            except NotReached:
                if chance == _CHANCES - 1:
                    raise
    return len(numbers)


def stopped_twice(scenario: Scenario[S], home: Path, dice: random.Random, times: int) -> None:
    """As often as ``times``: stopped at a step, and when it is done again, at one of the steps that are left."""
    total = len(steps_of(scenario, home))
    for _ in range(times):
        first, second = dice.randint(1, total), dice.randint(1, total)
        try:
            with_stops(scenario, home, [first, second])
        except NotReached as error:  # fewer are left than there were
            with_stops(scenario, home, [first, 1 + second % error.steps])


def with_stops(scenario: Scenario[S], home: Path, stops: list[int], how: How = "kill") -> None:
    done: list[str] = []
    try:
        play = scenario.begin(home)
        for stop in stops:
            ended = scenario.act(play, stop, how)
            done.append(ended.steps[stop - 1])
            assert ended.code in CODES[how], ended.said
            if ended.code == 0:
                scenario.check_end(play)
                return
            scenario.check_stopped(play)
        scenario.act(play)
        scenario.check_end(play)
    except BaseException as error:
        error.add_note(f"after stops ({how}) before steps {stops}: {done}")
        raise
