"""ARC from files to report: every form of answers and references, and the two rates."""

import json

import pytest

from local_grader.errors import Ungradable
from local_grader.grade import grade_outputs
from local_grader.request import Request

A, B, WRONG = [[1, 2], [3, 4]], [[5]], [[0]]
TASKS = {
    "one": {"train": [], "test": [{"input": [[0]], "output": A}]},
    "two": {"train": [], "test": [{"input": [[0]], "output": A}, {"input": [[0]], "output": B}]},
}


def write(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in content))
    else:
        path.write_text(json.dumps(content))
    return path


def graded(tmp_path, answers, name="answers.jsonl", references=None, **options):
    write(tmp_path / "outputs" / "r1" / name, answers)
    references = references or write(tmp_path / "tasks.json", TASKS)
    return grade_outputs(
        Request(
            target="r1",
            scorer="arc",
            options=options,
            references=references,
            outputs=tmp_path / "outputs",
            ledger=tmp_path / "ledger",
        )
    )


def counts(report):
    return report.summary.right, report.summary.scored, report.arc.solved, report.arc.tasks


RIGHT = [
    {
        "one": [{"attempt_1": WRONG, "attempt_2": A}],
        "two": [{"attempt_1": A}, {"attempt_1": B, "attempt_2": WRONG}],
    },
    {"one": [A], "two": [A, B]},
    {"one": {"attempt_1": A}, "two": {"attempts": [[A, B], [WRONG, WRONG]]}},
    [{"task_id": "one", "attempts": [[A]]}, {"task_id": "two", "attempts": [[WRONG, B], [A, WRONG]]}],
    [{"task_id": "one", "attempts": [A]}, {"task_id": "two", "predictions": [[A, B]]}],
    [{"task_id": "one", "answer": A}, {"task_id": "two", "attempts": [[str(A), "5"]]}],
    [
        {"task_id": "two", "test_index": 1, "attempts": [WRONG, B]},
        {"task_id": "two", "test_index": 0, "attempts": [str(A)]},
        {"task_id": "one", "test_index": 0, "output": f"Thus:\n```\n{A}\n```"},
    ],
    [
        {"id": 7, "task_id": "one", "attempt_1": None, "attempt_2": "1 2\n3 4"},
        {"task_id": "two", "attempts": [[A, B]]},
    ],
]


@pytest.mark.parametrize("answers", RIGHT, ids=range(len(RIGHT)))
def test_right_answers_are_right_in_every_form(tmp_path, answers):
    report = graded(tmp_path, answers, "a.json" if isinstance(answers, dict) else "a.jsonl")
    assert counts(report) == (3, 3, 2, 2)
    assert not report.summary.missing


def test_references_may_be_lines_a_folder_one_task_or_solutions(tmp_path):
    answers = {"one": [A], "two": [A, B]}
    lines = write(tmp_path / "tasks.jsonl", [{"task_id": name, **task} for name, task in TASKS.items()])
    for name, task in TASKS.items():
        write(tmp_path / "tasks" / f"{name}.json", task)
    solutions = write(tmp_path / "solutions.json", {"one": [A], "two": [A, B]})
    for references in (lines, tmp_path / "tasks", solutions):
        assert counts(graded(tmp_path, answers, "a.json", references)) == (3, 3, 2, 2)
    report = graded(tmp_path, answers, "a.json", tmp_path / "tasks" / "one.json")
    assert counts(report) == (1, 1, 1, 1)
    assert report.summary.unscored == {"no reference": 2}


def test_a_task_is_solved_only_when_all_its_outputs_are_right_and_given(tmp_path):
    report = graded(
        tmp_path, [{"task_id": "one", "attempts": [[WRONG]]}, {"task_id": "two", "attempts": [[A]]}]
    )
    assert counts(report) == (1, 2, 0, 2)
    assert report.missing == ["two/1"]
    report = graded(tmp_path, [{"task_id": "two", "attempts": [[A, None]]}])
    assert counts(report) == (1, 1, 0, 1)
    assert report.summary.unscored == {"no answer": 1}
    assert (report.summary.missing, report.arc.unanswered_tasks) == (1, 1)


def test_pass_at_k_looks_at_all_attempts_and_the_score_at_the_first_two(tmp_path):
    report = graded(
        tmp_path,
        [
            {"task_id": "one", "attempts": [WRONG, WRONG, A]},
            {"task_id": "two", "attempts": [[WRONG, B], [A, WRONG]]},
        ],
    )
    assert counts(report) == (2, 3, 1, 2)
    assert report.arc.pass_at == {1: pytest.approx(1 / 3), 2: pytest.approx(2 / 3), 3: 1}


@pytest.mark.parametrize(
    "again",
    [{"task_id": "two", "attempts": [[A, WRONG]]}, {"task_id": "two", "test_index": 1, "attempts": [A]}],
)
def test_an_output_answered_twice_is_unscored_and_the_others_are_graded(tmp_path, again):
    report = graded(tmp_path, [{"task_id": "two", "attempts": [[A, B]]}, again])
    assert report.summary.unscored == {"answered twice": 1}
    assert (report.summary.samples, report.summary.scored) == (2, 1)
    (problem,) = report.problems
    assert problem.what == "line 1 answers sample two/1, and answers.jsonl line 2 answers it otherwise"


def test_a_row_that_answers_no_task_is_a_problem(tmp_path):
    rows = [
        {"task_id": "one", "attempts": [A]},
        {"task_id": "two"},
        {"task_id": "two", "test_index": -1, "answer": A},
    ]
    report = graded(tmp_path, rows)
    assert [problem.what.split(" (")[0] for problem in report.problems] == [
        "line 2 has no field named attempts or predictions or answer or prediction or output or completion or response",
        "line 3 has a test_index that is no whole number",
    ]


@pytest.mark.parametrize("content", [{"one": {"train": []}}, {"one": {"test": [1]}}, {"one": 3}])
def test_references_that_are_no_tasks_are_refused(tmp_path, content):
    with pytest.raises(Ungradable, match=r"tasks\.json key one"):
        graded(tmp_path, {"one": [A]}, "a.json", write(tmp_path / "tasks.json", content))
