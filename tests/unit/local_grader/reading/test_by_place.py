"""Rows without an id are told apart by their number, where that was asked for; the same in every kind of file."""

import json
from pathlib import Path

import pytest

from local_grader.errors import Ungradable
from local_grader.reading import references
from local_grader.reading.fields import Fields
from local_grader.reading.outputs import Samples, find
from local_grader.scorer import Shape

NUMBERED = Fields(id="#")
ROWS = [{"answer": "a, b"}, {"answer": "c\nd"}, {"answer": "e"}]
FILES = {
    "a.jsonl": "".join(json.dumps(row) + "\n" for row in ROWS),
    "a.json": json.dumps(ROWS),
    "b.json": json.dumps({"results": ROWS}),
    "a.csv": ',answer\n0,"a, b"\n1,"c\nd"\n2,e\n',
}


def put(path: Path, content: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    return path


def samples_of(path: Path, fields: Fields = NUMBERED) -> tuple[list[tuple[str, object]], list[str]]:
    samples = Samples(find(path.parent, str(path)).sources, Shape.ROWS, fields)
    found = [(sample.id, sample.answer) for sample in samples]
    return found, [problem.what for problem in (*samples.notes.skipped, *samples.notes.problems)]


@pytest.mark.parametrize("name", FILES)
def test_rows_without_an_id_are_numbered_alike_in_outputs_and_references(tmp_path: Path, name: str) -> None:
    path = put(tmp_path / name, FILES[name])
    expected = [("1", "a, b"), ("2", "c\nd"), ("3", "e")]
    assert samples_of(path) == (expected, [])
    loaded = references.load(path, Shape.ROWS, NUMBERED)
    assert [(name, one.value) for name, one in loaded.by_sample.items()] == expected


def test_nothing_is_numbered_unasked(tmp_path: Path) -> None:
    found, (told,) = samples_of(put(tmp_path / "a.jsonl", FILES["a.jsonl"]), Fields())
    assert not found and "has no field named id" in told


def test_each_shard_counts_from_one(tmp_path: Path) -> None:
    for shard in ("000", "001"):
        put(tmp_path / "r" / shard / "a.jsonl", '{"answer": "x"}\n{"answer": "y"}\n')
    found, told = samples_of(tmp_path / "r")
    assert [name for name, _ in found] == ["000/1", "000/2", "001/1", "001/2"]
    assert not told


@pytest.mark.parametrize(
    ("name", "content"), [("a.jsonl", '{"#": "x", "answer": "y"}'), ("a.csv", "#,answer\nx,y\n")]
)
def test_a_field_of_that_name_is_the_id(tmp_path: Path, name: str, content: str) -> None:
    assert samples_of(put(tmp_path / name, content)) == ([("x", "y")], [])


def test_rows_that_cannot_be_read_have_their_numbers(tmp_path: Path) -> None:
    found, told = samples_of(put(tmp_path / "a.jsonl", '{"answer": "x"}\n{"answ\n{"answer": "z"}\n'))
    assert found == [("1", "x"), ("3", "z")] and len(told) == 1
    found, told = samples_of(put(tmp_path / "a.csv", "n,answer\n0,x\n1\n2,z\n"))
    assert found == [("1", "x"), ("3", "z")] and len(told) == 1


def test_where_rows_cannot_be_counted_none_is_taken_for_another(tmp_path: Path) -> None:
    found, (told,) = samples_of(put(tmp_path / "a.csv", 'n,answer\n0,x\n1,"y\n2,z\n3,"v"\n4,w\n'))
    assert found == [("1", "x")]
    assert told.endswith("nothing up to there was read, nor after it, because rows are counted")


def test_references_by_place_do_not_fall_back_to_their_ids(tmp_path: Path) -> None:
    path = put(tmp_path / "gold.jsonl", '{"id": "q", "gold": "x"}')
    assert list(references.load(path, Shape.ROWS, NUMBERED).by_sample) == ["1"]
    path = put(tmp_path / "bad.jsonl", '{"gold": "x"}\n{"go')
    with pytest.raises(Ungradable, match="line 2 is not valid JSON"):
        references.load(path, Shape.ROWS, NUMBERED)
