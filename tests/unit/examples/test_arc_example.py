"""The ARC example really solves tasks by search, sees no test outputs, and answers every task once."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

EXAMPLE = Path(__file__).resolve().parents[3] / "examples" / "arc"
Rows = list[list[int]]


@pytest.fixture
def search(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The example's search, imported as its own scripts import it, and forgotten afterwards."""
    before = set(sys.modules)
    monkeypatch.syspath_prepend(str(EXAMPLE))
    import search as module

    yield module
    for name in set(sys.modules) - before:
        if name == "search" or name.split(".")[0] == "primitives":
            del sys.modules[name]


def noise(height: int, width: int, seed: int) -> Rows:
    source = random.Random(seed)
    return [[source.choice((0, 0, 1, 2, 3)) for _ in range(width)] for _ in range(height)]


def record(
    program: Callable[[Rows], Rows], height: int = 4, width: int = 5, **changes: Any
) -> dict[str, Any]:
    """A task whose answer is this program, on noise."""
    pairs = [
        {"input": grid, "output": program(grid)} for grid in (noise(height, width, seed) for seed in range(4))
    ]
    return {"task_id": "made", "train": pairs[:3], "test": pairs[3:], **changes}


def mirrored(grid: Rows) -> Rows:
    return [row[::-1] for row in grid]


def turned(grid: Rows) -> Rows:
    return [list(row) for row in zip(*grid[::-1], strict=True)]


def recoloured(grid: Rows) -> Rows:
    return [[{0: 0, 1: 5, 2: 7, 3: 1}[cell] for cell in row] for row in grid]


def tiled_with_mirrors(grid: Rows) -> Rows:
    top = [row + row[::-1] for row in grid]
    return top + top[::-1]


def mirrored_and_enlarged(grid: Rows) -> Rows:
    return [[cell for cell in row[::-1] for _ in (0, 1)] for row in grid for _ in (0, 1)]


def in_both_halves(grid: Rows) -> Rows:
    return [[8 if a and b else 0 for a, b in zip(row[:3], row[3:], strict=True)] for row in grid]


def fallen(grid: Rows) -> Rows:
    columns = [[c for c in col if not c] + [c for c in col if c] for col in zip(*grid, strict=True)]
    return [list(row) for row in zip(*columns, strict=True)]


@pytest.mark.parametrize(
    ("program", "width"),
    [
        (mirrored, 5),
        (turned, 5),
        (recoloured, 5),
        (tiled_with_mirrors, 3),
        (mirrored_and_enlarged, 4),
        (in_both_halves, 6),
        (fallen, 5),
    ],
)
def test_a_task_whose_program_is_known_is_solved(
    search: ModuleType, program: Callable[[Rows], Rows], width: int
) -> None:
    task = record(program, width=width)
    answer = search.solve(search.strip(task), steps=200_000)
    wanted = tuple(map(tuple, task["test"][0]["output"]))
    assert (wanted,) in answer.attempts


def test_enclosed_areas_are_filled(search: ModuleType) -> None:
    def ring(size: int, top: int, fill: int) -> Rows:
        grid = [[0] * 8 for _ in range(8)]
        for r in range(size):
            for c in range(size):
                inside = 0 < r < size - 1 and 0 < c < size - 1
                grid[top + r][top + c] = fill if inside else 3
        return grid

    sizes = ((3, 0), (4, 2), (5, 1), (6, 1))
    pairs = [{"input": ring(s, t, 0), "output": ring(s, t, 4)} for s, t in sizes]
    answer = search.solve(search.strip({"train": pairs[:3], "test": pairs[3:]}), steps=100_000)
    assert (tuple(map(tuple, pairs[3]["output"])),) in answer.attempts


def test_stripping_removes_test_outputs_and_the_id(search: ModuleType) -> None:
    task = record(mirrored)
    task["test"][0]["output"] = [[9, 9, 9, 9]]
    stripped = search.strip(task)
    assert len(stripped.train) == 3
    assert [len(grid) for grid in stripped.tests] == [4]
    assert "9" not in repr(stripped)
    assert "made" not in repr(stripped)


def test_the_answer_does_not_depend_on_test_outputs(search: ModuleType) -> None:
    task = record(fallen)
    without = {**task, "test": [{"input": task["test"][0]["input"]}]}
    assert search.solve(search.strip(task), 50_000) == search.solve(search.strip(without), 50_000)


def test_a_task_that_nothing_explains_still_gets_an_answer(search: ModuleType) -> None:
    pairs = [{"input": noise(4, 4, seed), "output": noise(5, 3, seed + 50)} for seed in range(4)]
    answer = search.solve(search.strip({"train": pairs[:3], "test": pairs[3:]}), steps=20_000)
    assert len(answer.attempts) >= 1
    assert all(len(attempt) == 1 for attempt in answer.attempts)


def answers_of(folder: Path) -> list[dict[str, Any]]:
    lines = (folder / "answers.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def test_the_script_answers_every_task_of_its_shard_once_and_the_same_each_time(tmp_path: Path) -> None:
    shard = tmp_path / "shard.jsonl"
    records = [record(mirrored, task_id="a"), record(turned, task_id="b")]
    shard.write_text("".join(json.dumps(each) + "\n" for each in records), encoding="utf-8")
    for name, hash_seed in (("first", "1"), ("second", "2")):
        environment = {
            **os.environ,
            "HYBRID_SHARD_INPUT": str(shard),
            "HYBRID_OUTPUT": str(tmp_path / name),
            "PYTHONHASHSEED": hash_seed,
        }
        command = [sys.executable, str(EXAMPLE / "solve.py")]
        done = subprocess.run(
            command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=True
        )
        assert len(done.stdout.splitlines()) == 2
    first, second = answers_of(tmp_path / "first"), answers_of(tmp_path / "second")
    assert [line["task_id"] for line in first] == ["a", "b"]
    assert [line["attempts"][0] for line in first] == [[each["test"][0]["output"]] for each in records]
    for one, other in zip(first, second, strict=True):
        assert {**one, "seconds": 0} == {**other, "seconds": 0}


@pytest.mark.slow
@pytest.mark.skipif("HYBRID_TEST_DATA" not in os.environ, reason="needs the ARC tasks (HYBRID_TEST_DATA)")
def test_some_real_tasks_are_solved(search: ModuleType) -> None:
    lines = (
        (Path(os.environ["HYBRID_TEST_DATA"]) / "arc_training.jsonl").read_text(encoding="utf-8").splitlines()
    )
    small = [line for line in lines if len(line) < 1500][:30]
    solved = 0
    for task in map(json.loads, small):
        answer = search.solve(search.strip(task), steps=100_000)
        wanted = [tuple(map(tuple, test["output"])) for test in task["test"]]
        solved += all(any(attempt[i] == grid for attempt in answer.attempts) for i, grid in enumerate(wanted))
    assert solved >= 10, f"{solved} of {len(small)}"
