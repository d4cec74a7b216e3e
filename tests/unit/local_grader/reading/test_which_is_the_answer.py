"""Where ``answer`` could be the model's or the right one, nothing is guessed; what the user names settles it."""

import json
from pathlib import Path

import pytest

from local_grader.errors import Ungradable
from local_grader.reading import references
from local_grader.reading.fields import Fields
from local_grader.reading.outputs import Samples, find
from local_grader.samples import Sample
from local_grader.scorer import Shape

AMBIGUOUS = "has the fields answer and prediction, and either could be the right answer"


def put(path: Path, *rows: dict[str, object]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def read(path: Path, fields: Fields) -> tuple[list[Sample], list[str]]:
    samples = Samples(find(path.parent, str(path)).sources, Shape.ROWS, fields)
    found = list(samples)
    return found, [problem.what for problem in (*samples.notes.skipped, *samples.notes.problems)]


@pytest.mark.parametrize("value", ["x", "y", None])
def test_an_answer_beside_a_prediction_is_no_sample_whatever_the_two_hold(
    tmp_path: Path, value: object
) -> None:
    path = put(tmp_path / "a.jsonl", {"id": 1, "answer": "x", "prediction": value})
    assert read(path, Fields()) == ([], [f"line 1 {AMBIGUOUS}"])


@pytest.mark.parametrize("name", ["prediction", "output", "completion", "response"])
def test_every_name_of_an_answer_makes_it_so_and_is_named(tmp_path: Path, name: str) -> None:
    path = put(tmp_path / "a.jsonl", {"id": 1, name: "x", "answer": "y"})
    _, (what,) = read(path, Fields())
    assert what.startswith(f"line 1 has the fields answer and {name},")


@pytest.mark.parametrize(
    ("row", "fields", "answer", "reference"),
    [
        ({"answer": "a", "prediction": "p"}, Fields(answer="prediction"), "p", None),
        ({"answer": "a", "prediction": "p"}, Fields(answer="answer"), "a", None),
        ({"answer": "a", "prediction": "p"}, Fields(reference="answer"), "p", "a"),
        ({"answer": "a", "prediction": "p"}, Fields(reference="prediction"), "a", "p"),
        ({"answer": "a", "prediction": "p"}, Fields(answer="prediction", reference="answer"), "p", "a"),
        ({"answer": "a", "prediction": "p", "gold": "g"}, Fields(), "a", "g"),
        ({"output": "o", "response": "r"}, Fields(), "o", None),
        ({"answer": "a"}, Fields(reference="answer"), "a", None),
    ],
)
def test_what_is_named_or_beside_them_settles_it(
    tmp_path: Path, row: dict[str, object], fields: Fields, answer: str, reference: str | None
) -> None:
    (sample,), told = read(put(tmp_path / "a.jsonl", {"id": 1, **row}), fields)
    assert (sample.answer, sample.reference, told) == (answer, reference, [])


@pytest.mark.parametrize(
    ("row", "fields", "value"),
    [
        ({"answer": "a"}, Fields(), "a"),
        ({"answer": "a", "prediction": "p", "target": "t"}, Fields(), "t"),
        ({"answer": "a", "prediction": "p"}, Fields(answer="prediction"), "a"),
        ({"answer": "a", "prediction": "p"}, Fields(reference="answer"), "a"),
        ({"answer": "a"}, Fields(answer="answer"), "a"),
        ({"prediction": "p"}, Fields(reference="prediction"), "p"),
    ],
)
def test_references_may_call_it_answer(
    tmp_path: Path, row: dict[str, object], fields: Fields, value: str
) -> None:
    path = put(tmp_path / "gold.jsonl", {"id": 1, **row})
    assert references.load(path, Shape.ROWS, fields).by_sample["1"].value == value


@pytest.mark.parametrize("fields", [Fields(), Fields(answer="answer")])
def test_references_with_an_answer_and_a_prediction_are_refused(tmp_path: Path, fields: Fields) -> None:
    path = put(tmp_path / "gold.jsonl", {"id": 1, "answer": "a", "prediction": "p"})
    with pytest.raises(Ungradable, match=f"line 1 {AMBIGUOUS}"):
        references.load(path, Shape.ROWS, fields)


@pytest.mark.parametrize("name", ["prediction", "output", "completion", "response"])
@pytest.mark.parametrize("answer", [None, "answer", "prediction"])
def test_outputs_of_another_run_are_no_references_unless_their_field_is_named(
    tmp_path: Path, name: str, answer: str | None
) -> None:
    path = put(tmp_path / "b.jsonl", {"id": 1, "question": "q", name: "p"})
    with pytest.raises(Ungradable, match=r"line 1 has no field named reference or .* or answer") as caught:
        references.load(path, Shape.ROWS, Fields(answer=answer))
    assert "--reference-field" in caught.value.hint
    named = references.load(path, Shape.ROWS, Fields(answer=answer, reference=name))
    assert named.by_sample["1"].value == "p"
