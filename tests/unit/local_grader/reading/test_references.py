"""References are the yardstick: what is wrong with them is told, and nothing is forgiven."""

import json
from pathlib import Path

import pytest

from local_grader.errors import Ungradable
from local_grader.reading import references
from local_grader.reading.fields import Fields
from local_grader.reading.outputs import find
from local_grader.scorer import Shape
from sync.errors import UsageError


def put(path: Path, *rows: dict[str, object]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_two_right_answers_to_one_sample_are_told_with_both_places_and_what_to_do(tmp_path: Path) -> None:
    rows = [{"id": name, "gold": gold} for name, gold in (("a", "x"), ("b", "x"), ("a", "x"), ("a", "y"))]
    with pytest.raises(Ungradable, match=r"sample a: gold\.jsonl line 1 and gold\.jsonl line 4") as caught:
        references.load(put(tmp_path / "gold.jsonl", *rows), Shape.ROWS, Fields())
    assert "--id-field" in caught.value.hint


def test_outputs_are_no_references_of_themselves(tmp_path: Path) -> None:
    outputs = put(tmp_path / "a.jsonl", {"id": "a", "answer": "x"})
    gold = put(tmp_path / "gold.jsonl", {"id": "a", "answer": "x"})
    sources = find(tmp_path, str(outputs)).sources
    for path in (outputs, gold):
        with pytest.raises(UsageError, match="are the very same as the outputs") as caught:
            references.load(path, Shape.ROWS, Fields(), sources)
        assert "--references" in caught.value.hint
    put(gold, {"id": "a", "answer": "y"})
    assert references.load(gold, Shape.ROWS, Fields(), sources).by_sample["a"].value == "y"


@pytest.mark.parametrize("name", ["gold.jsonl", "gold.csv", "gold.json"])
def test_an_id_that_only_the_outputs_call_so_is_found_by_its_usual_name(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text("id,gold\na,x\n" if name.endswith("csv") else '{"id": "a", "gold": "x"}')
    assert list(references.load(path, Shape.ROWS, Fields(id="sample")).by_sample) == ["a"]


def test_an_arc_task_is_found_by_its_usual_name(tmp_path: Path) -> None:
    task = {"task_id": "t", "test": [{"input": [[1]], "output": [[2]]}]}
    path = put(tmp_path / "gold.jsonl", task)
    assert list(references.load(path, Shape.ARC, Fields(id="sample")).by_sample) == ["t/0"]


def test_the_named_id_is_taken_where_references_have_it(tmp_path: Path) -> None:
    path = put(tmp_path / "gold.jsonl", {"id": 1, "sample": "a", "gold": "x"})
    assert list(references.load(path, Shape.ROWS, Fields(id="sample")).by_sample) == ["a"]


@pytest.mark.parametrize(
    ("output", "gold", "expected"),
    [
        ({"id": "a"}, {"uid": "a"}, None),
        ({"uid": "a", "id": "x"}, {"uid": "a"}, "uid"),
        ({"id": "a"}, {"id": "a"}, "uid"),
        ({"uid": "a"}, {"id": "a"}, "uid"),
    ],
)
@pytest.mark.parametrize("kind", ["jsonl", "csv"])
def test_the_outputs_call_their_id_as_usual_where_only_references_have_the_named_one(
    tmp_path: Path, kind: str, output: dict[str, str], gold: dict[str, str], expected: str | None
) -> None:
    outputs, references_ = tmp_path / f"a.{kind}", tmp_path / f"gold.{kind}"
    for path, row in ((outputs, {**output, "answer": "x"}), (references_, {**gold, "gold": "x"})):
        text = json.dumps(row) if kind == "jsonl" else f"{','.join(row)}\n{','.join(row.values())}\n"
        path.write_text(text)
    sources = find(tmp_path, str(outputs)).sources
    found = references.fields_of_outputs(references_, Fields(id="uid", group="g"), sources)
    assert found == Fields(id=expected, group="g")


def test_references_without_a_usual_id_say_which_option_names_it(tmp_path: Path) -> None:
    path = put(tmp_path / "gold.jsonl", {"question_id": "a", "answer": "x"})
    with pytest.raises(Ungradable, match="has no field named id") as caught:
        references.load(path, Shape.ROWS, Fields())
    assert "--id-field" in caught.value.hint


def test_another_name_of_the_right_answer_is_never_guessed(tmp_path: Path) -> None:
    path = put(tmp_path / "gold.jsonl", {"id": "a", "gold": "x"})
    with pytest.raises(Ungradable, match="has no field named right"):
        references.load(path, Shape.ROWS, Fields(reference="right"))
