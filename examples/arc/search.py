"""The search: compositions of programs, shortest first, until one reproduces every training pair.

A state is what a chain of programs makes of all inputs (training and test together). Chains whose results are equal are one
state. At each state learners try to explain the outputs. Work is counted in steps, not in seconds, so that the
answer is the same on every machine.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, NamedTuple

from primitives import STEPS, TRANSFORMS
from primitives.grids import LARGEST_SIDE, Grid, Transform
from primitives.learners import Candidate, combine, draw, recolour, shape, tile

STEP_COST = 4.0
ATTEMPTS = 2
# Describing a cell costs a learner far more than a program's look at it, so that learners have their own allowance.
LEARNER_CELLS = 15_000


class Task(NamedTuple):
    """What a solver may see: training pairs, and the inputs of the tests."""

    train: tuple[tuple[Grid, Grid], ...]
    tests: tuple[Grid, ...]


class State(NamedTuple):
    """A chain of programs and what it makes of each input, training inputs first."""

    program: tuple[str, ...]
    grids: tuple[Grid, ...]


class Answer(NamedTuple):
    """Up to two guesses, each a grid for every test input, and the program of each."""

    attempts: list[tuple[Grid, ...]]
    programs: list[tuple[str, ...]]


class Budget:
    """Steps left: a step is about one cell looked at."""

    def __init__(self, steps: int) -> None:
        self.left = steps

    def spend(self, grids: Sequence[Grid]) -> bool:
        """Pay for one pass over these grids; False when the budget is used up."""
        self.left -= 20 + sum(len(grid) * len(grid[0]) for grid in grids)
        return self.left > 0


def strip(record: Mapping[str, Any]) -> Task:
    """The task without the test outputs and without its id: the only thing that the search is given."""

    def grid(rows: list[list[int]]) -> Grid:
        return tuple(map(tuple, rows))

    train = tuple((grid(pair["input"]), grid(pair["output"])) for pair in record["train"])
    return Task(train, tuple(grid(pair["input"]) for pair in record["test"]))


def solve(task: Task, steps: int = 1_500_000) -> Answer:
    """The simplest programs that fit, at most two with different answers; the nearest miss where none fits."""
    outputs = [output for _, output in task.train]
    start = State((), (*(given for given, _ in task.train), *task.tests))
    found: list[Candidate] = []
    nearest = (-1.0, start)
    allowance = Budget(LEARNER_CELLS)
    for state in _states(start, Budget(steps)):
        train, tests = state.grids[: len(outputs)], state.grids[len(outputs) :]
        if list(train) == outputs:
            found.append(Candidate(STEP_COST * len(state.program), state.program, tests))
        closeness = _closeness(train, outputs)
        if closeness > nearest[0]:
            nearest = (closeness, state)
        found.extend(_learned(state, outputs, allowance))
        if len(state.program) > 1 and len({candidate.outputs for candidate in found}) >= ATTEMPTS:
            break
    return _best(found) or Answer([nearest[1].grids[len(outputs) :]], [("nearest miss", *nearest[1].program)])


def _best(found: Sequence[Candidate]) -> Answer | None:
    ranked: dict[tuple[Grid, ...], Candidate] = {}
    for candidate in sorted(found, key=lambda candidate: candidate.cost):
        ranked.setdefault(candidate.outputs, candidate)
    chosen = list(ranked.values())[:ATTEMPTS]
    return Answer([c.outputs for c in chosen], [c.program for c in chosen]) if chosen else None


def _states(start: State, budget: Budget) -> Iterator[State]:
    """Every different state within the budget: the start, one program, then two and three programs."""
    seen = {start.grids}
    yield start
    level = [start]
    for programs in (TRANSFORMS, STEPS, STEPS):
        following = []
        for state in level:
            for name, program in programs.items():
                if not budget.spend(state.grids):
                    return
                grids = _applied(program, state.grids)
                if grids is None or grids in seen:
                    continue
                seen.add(grids)
                following.append(State((*state.program, name), grids))
                yield following[-1]
        level = following


def _applied(program: Transform, grids: Sequence[Grid]) -> tuple[Grid, ...] | None:
    results = []
    for grid in grids:
        result = program(grid)
        if not result or not result[0] or max(shape(result)) > LARGEST_SIDE:
            return None
        results.append(result)
    return tuple(results)


def _learned(state: State, outputs: Sequence[Grid], allowance: Budget) -> Iterator[Candidate]:
    """What learners make of a state: thorough at the start, quick and within the allowance after one program."""
    depth = len(state.program)
    if depth > 1 or allowance.left <= 0:
        return
    if depth == 0:
        learned = [
            recolour(state.grids, outputs, 5_000_000, with_objects=True),
            tile(state.grids, outputs, 500_000),
            combine(state.grids, outputs, 200_000),
            draw(state.grids, outputs, 1_000_000),
        ]
    else:
        if shape(state.grids[0]) == shape(outputs[0]):
            allowance.spend(state.grids)
        learned = [
            recolour(state.grids, outputs, 100_000, with_objects=False),
            tile(state.grids, outputs, 100_000),
            combine(state.grids, outputs, 50_000),
        ]
    for candidate in chain.from_iterable(learned):
        yield Candidate(
            STEP_COST * depth + candidate.cost, (*state.program, *candidate.program), candidate.outputs
        )


def _closeness(grids: Sequence[Grid], outputs: Sequence[Grid]) -> float:
    """How alike the grids are to the outputs: 0 to 1, counting cells of pairs of equal size."""
    total = 0.0
    for grid, output in zip(grids, outputs, strict=False):
        if shape(grid) == shape(output):
            same = sum(a == b for x, y in zip(grid, output, strict=False) for a, b in zip(x, y, strict=False))
            total += 0.5 + 0.5 * same / (len(grid) * len(grid[0]))
    return total / len(outputs)
