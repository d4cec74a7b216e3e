import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local_grader import grids


@st.composite
def some_grid(draw):
    width = draw(st.integers(1, 30))
    height = draw(st.integers(1, 30))
    digits = str(draw(st.integers(0, 10 ** (width * height) - 1))).zfill(width * height)
    cells = [int(digit) for digit in digits]
    return tuple(tuple(cells[start : start + width]) for start in range(0, width * height, width))


def as_numpy(grid):
    return "[" + "\n ".join("[" + " ".join(map(str, row)) + "]" for row in grid) + "]"


FORMS = {
    "list": lambda grid: [list(row) for row in grid],
    "floats": lambda grid: [[float(cell) for cell in row] for row in grid],
    "tuples": lambda grid: grid,
    "strings": lambda grid: [" ".join(map(str, row)) for row in grid],
    "json": json.dumps,
    "indented json": lambda grid: json.dumps(grid, indent=2),
    "python": lambda grid: str([list(row) for row in grid]),
    "numpy": as_numpy,
    "nested": lambda grid: json.dumps({"output": [grid]}),
    "rows": lambda grid: "\n".join(" ".join(map(str, row)) for row in grid),
    "tight rows": grids.text,
    "comma rows": lambda grid: "\n".join(", ".join(map(str, row)) for row in grid),
    "bracketed rows": lambda grid: "\n".join(str(list(row)) for row in grid),
    "hash rows": lambda grid: "\n".join(" ".join(map(str, row)) + " #" for row in grid),
    "windows rows": lambda grid: "\r\n".join(" ".join(map(str, row)) for row in grid),
    "fenced json": lambda grid: f"The rule is:\n```json\n{json.dumps(grid)}\n```\nDone.",
    "fenced rows": lambda grid: f"```\n{grids.text(grid)}\n```",
    "prose": lambda grid: (
        f"First [[1, 2], [3, 4]] seemed right, yet the answer is\n{json.dumps(grid)}\nas shown."
    ),
    "prose and rows": lambda grid: f"In 2 steps:\n\n{grids.text(grid)}\n\nThat is it.",
}


@pytest.mark.parametrize("form", FORMS)
@given(grid=some_grid())
def test_a_grid_in_any_form_is_read_back_equal(form, grid):
    assert grids.parse(FORMS[form](grid)) == grid


@pytest.mark.parametrize(
    "value",
    [
        None,
        "",
        "I do not know.",
        "42 is my number",
        7,
        True,
        {},
        [],
        [[]],
        [1, 2],
        [[1, 2], [3]],
        [[10]],
        [[-1]],
        [[1.5]],
        [[float("nan")]],
        [[True]],
        [["1"]],
        [[None]],
        [[[1]]],
        [[0] * 31],
        [[0]] * 31,
        "[[1, 2], [3]]",
        "[[1, 10]]",
        "[[1, -1]]",
        "12 34\n56 78",
        json.dumps([[0] * 31]),
        "\n".join(["0 1"] * 31),
        "[[٣٣]]",
        "[" * 100_000,
        "[[1]" * 50_000,
        "[[1, x] " + " " * 100_000,
        "```\n" * 50_000,
    ],
    ids=lambda value: repr(value)[:30],
)
def test_what_is_no_grid_is_refused_soon(value):
    with pytest.raises(grids.NotAGrid):
        grids.parse(value)


@given(
    st.recursive(st.none() | st.booleans() | st.floats() | st.integers() | st.text(), st.lists, max_leaves=20)
)
def test_any_value_is_a_grid_or_says_why_not(value):
    try:
        grid = grids.parse(value)
    except grids.NotAGrid as error:
        assert str(error)
    else:
        assert grids.parse(grids.text(grid)) == grid


@given(st.text(alphabet="[]01 9,#\n`", max_size=60))
def test_any_text_near_a_grid_is_a_grid_or_says_why_not(text):
    try:
        grid = grids.parse(text)
    except grids.NotAGrid as error:
        assert str(error)
    else:
        assert all(len(row) == len(grid[0]) and set(row) <= set(range(10)) for row in grid)


def test_the_explanation_names_the_ragged_row():
    with pytest.raises(grids.NotAGrid, match="row 3 has 1 cells, row 1 has 2"):
        grids.parse([[1, 2], [3, 4], [5]])


def test_cell_accuracy_counts_cells_and_is_zero_for_another_shape():
    assert grids.cell_accuracy(((1, 2), (3, 4)), ((1, 2), (3, 0))) == 0.75
    assert grids.cell_accuracy(((1, 2),), ((1,), (2,))) == 0
