"""What a table of text holds is read as rows of JSON are; what is wrong with a row is named, and the others are read."""

import json
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from local_grader import scorers
from local_grader.errors import Ungradable
from local_grader.reading import csv_rows, references
from local_grader.reading.fields import Fields
from local_grader.reading.outputs import Samples, find
from local_grader.reading.rows import BadRow, NotAnswers, Row, read
from local_grader.scorer import Shape

PIECES = [b'"', b'""', b",", b"\t", b"\n", b"\r\n", b"\r", b"\x00", b"\xff", b"\xed\xa0\x80", b"\xef\xbb\xbf"]
PIECES += [b"id", b"answer", b"id,answer\n", b"1,x\n", b"\\", b"'", "ä€🙂".encode(), b"\x1a", b" "]


def rows_of(folder: Path, content: bytes | str, name: str = "a.csv") -> list[Row | BadRow]:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return list(read(path, ("id", "task_id")))


def whats(found: list[Row | BadRow]) -> list[str]:
    return [row.what for row in found if isinstance(row, BadRow)]


def values(found: list[Row | BadRow]) -> list[object]:
    return [row.value for row in found if isinstance(row, Row)]


def test_cells_are_text_and_an_empty_one_is_missing(tmp_path: Path) -> None:
    found = rows_of(tmp_path, 'id,answer,note\n1,007,""\n\n2,true,x\n')
    assert found == [
        Row("line 2", {"id": "1", "answer": "007", "note": None}),
        Row("line 4", {"id": "2", "answer": "true", "note": "x"}),
    ]


def test_quoted_cells_hold_lines_quotes_and_commas_and_a_row_is_where_it_begins(tmp_path: Path) -> None:
    content = '\ufeffid,answer\r\n1,"a, ""b""\r\nc"\r\n2,5" wide\r\n'
    found = rows_of(tmp_path, content)
    assert found == [
        Row("line 2", {"id": "1", "answer": 'a, "b"\r\nc'}),
        Row("line 4", {"id": "2", "answer": '5" wide'}),
    ]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_end_as_on_any_system(tmp_path: Path, end: str) -> None:
    found = rows_of(tmp_path, end.join(["id\tanswer", "1\tx, y", "2\tz"]), "a.TSV")
    assert values(found) == [{"id": "1", "answer": "x, y"}, {"id": "2", "answer": "z"}]


@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize(
    ("name", "between"), [("a.csv", ";"), ("a.csv", "\t"), ("a.tsv", ";"), ("a.tsv", ",")]
)
def test_a_header_without_the_usual_separator_says_which_it_is(
    tmp_path: Path, name: str, between: str, mark: str
) -> None:
    found = rows_of(tmp_path, mark + between.join(["id", '"a,\tb"', "answer\n1", "x", '"1,5"\n']), name)
    assert found == [Row("line 2", {"id": "1", "a,\tb": "x", "answer": "1,5"})]


def test_the_usual_separator_comes_first(tmp_path: Path) -> None:
    assert values(rows_of(tmp_path, "id,a;b\n1,x;y\n")) == [{"id": "1", "a;b": "x;y"}]


def test_names_are_read_without_spaces_around_and_a_column_without_a_name_is_left_out(tmp_path: Path) -> None:
    assert values(rows_of(tmp_path, ", id , answer,\n0,a,x,\n")) == [{"id": "a", "answer": "x"}]


@pytest.mark.parametrize(
    ("row", "what"),
    [
        (b"1", "line 3 has 1 cell, and the header has 2"),
        (b"1,x,y", "line 3 has 3 cells, and the header has 2"),
        (b"1,\xe4", "line 3 is not UTF-8 text"),
        (b'1,"\xe4\n0,z"', "line 3 is not UTF-8 text"),
        (b"1,x\x00", "line 3 holds a NUL byte, as binary files and UTF-16 do"),
        (b'1,"x"y', "line 3 has a quoted cell with text after its end"),
        (
            b'1,"x\n8,"y"',
            "line 3 has a quoted cell with text after its end in line 4; nothing up to there was read",
        ),
    ],
)
def test_a_bad_row_is_named_and_the_others_are_read(tmp_path: Path, row: bytes, what: str) -> None:
    found = rows_of(tmp_path, b"id,answer\n0,x\n" + row + b"\n2,x\n")
    assert values(found) == [{"id": "0", "answer": "x"}, {"id": "2", "answer": "x"}]
    assert whats(found) == [what]


def test_a_quote_that_does_not_end_is_no_answer_and_told(tmp_path: Path) -> None:
    found = rows_of(tmp_path, 'id,answer\n1,x\n2,"the file was cut\nhere')
    assert values(found) == [{"id": "1", "answer": "x"}]
    assert whats(found) == ["line 3 has a quote that does not end; the rest was not read"]


def test_an_answer_may_be_longer_than_the_libraries_limit(tmp_path: Path) -> None:
    (row,) = rows_of(tmp_path, f"id,answer\n1,{'x' * 1_000_000}\n")
    assert isinstance(row, Row) and isinstance(row.value, dict)
    assert len(row.value["answer"]) == 1_000_000


@pytest.mark.parametrize(
    ("begins", "goes_on"), [(b"1,", b"xx"), (b'1,"', b"%s\n" % (b"x" * 30)), (b"1", b",x")]
)
def test_a_row_without_end_takes_no_memory_without_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, begins: bytes, goes_on: bytes
) -> None:
    monkeypatch.setattr(csv_rows, "_LONGEST_ROW", 1 << 20)
    path = tmp_path / "a.csv"
    with path.open("wb") as file:
        file.write(b"id,answer\n0,x\n" + begins)
        for _ in range(16):
            file.write(goes_on * ((1 << 20) // len(goes_on)))
    tracemalloc.start()
    try:
        found = list(read(path, ("id",)))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert values(found) == [{"id": "0", "answer": "x"}]
    assert whats(found) == ["line 3 begins a row of more than 1 million characters; the rest was not read"]
    assert peak < 32 << 20


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "is empty"),
        (b"\r\n\n", "is empty"),
        (b"id,answer\n", "holds a header and no rows"),
        (b"loss,step\n1,2\n", "line 1 names no column for the id (its columns: loss, step; see --id-field)"),
        ("id,answer\n1,x\n".encode("utf-16"), "line 1 holds a NUL byte, as binary files and UTF-16 do"),
        (b"gr\xf6\xdfe,id\n1,2\n", "line 1 is not UTF-8 text"),
        (b'"id,answer\n1,2\n', "line 1 has a quote that does not end; the rest was not read"),
    ],
)
def test_a_file_that_is_no_table_of_samples_is_told_so(tmp_path: Path, content: bytes, what: str) -> None:
    assert rows_of(tmp_path, content) == [NotAnswers(what)]


def test_a_name_for_two_columns_is_no_header(tmp_path: Path) -> None:
    assert whats(rows_of(tmp_path, "id,answer,answer\n1,x,y\n")) == [
        "line 1 names more than one column answer"
    ]


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.one_of(st.binary(max_size=400), st.lists(st.sampled_from(PIECES), max_size=60).map(b"".join)))
@example(b"id\n" + b'"\n' * 50)
@example(b"id\n" + b'""x\n' * 50)
def test_any_bytes_are_rows_or_bad_rows(tmp_path: Path, content: bytes) -> None:
    for name in ("a.csv", "a.tsv"):
        found = rows_of(tmp_path, content, name)
        assert len(whats(found)) <= 11
        assert len(found) <= 1 + len(content.splitlines())
        for row in found:
            if isinstance(row, Row):
                assert isinstance(row.value, dict)
                assert all(cell is None or (cell and cell.encode()) for cell in row.value.values())


@pytest.mark.parametrize(
    ("scorer", "options", "answer", "reference"),
    [
        ("exact", {}, True, True),
        ("exact", {}, 7, 7),
        ("includes", {}, "It is 4, or 5.", 4),
        ("pattern", {"pattern": r"(\d+)"}, "so 12", 12),
        ("numeric", {}, "so 1,204.5", 1204.5),
        ("numeric", {}, 7, 8),
        ("choice", {}, "(B)", "B"),
        ("f1", {}, "the red house", "red house"),
        ("rouge", {}, "the red house", "red house"),
        ("cascade", {}, "Paris", "paris"),
        ("cascade", {}, 3.0, 3),
        ("exact", {}, "", "x"),
        ("numeric", {}, "", 7),
        ("numeric", {}, "7", None),
        ("cascade", {}, "", "x"),
        ("cascade", {}, "", None),
    ],
)
def test_every_scorer_says_the_same_of_a_table_as_of_json(
    tmp_path: Path, scorer: str, options: dict[str, str], answer: object, reference: object
) -> None:
    row = {"id": 1, "answer": answer, "reference": reference}
    (tmp_path / "a.jsonl").write_text(json.dumps(row))
    cells = ['"' + ("" if one is None else str(one)).replace('"', '""') + '"' for one in row.values()]
    (tmp_path / "a.csv").write_text(",".join(row) + "\n" + ",".join(cells))
    grader = scorers.make(scorer, options)
    scores = []
    for name in ("a.jsonl", "a.csv"):
        (sample,) = Samples(find(tmp_path, str(tmp_path / name)).sources, Shape.ROWS, Fields())
        assert sample.id == "1"
        score = grader.score(sample)
        scores.append((score.value, score.reason, score.answer.casefold()))
    assert scores[0] == scores[1]


def test_an_empty_cell_is_an_empty_answer_and_else_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id,answer,reference,prompt,topic,context\n1,,,,,\n")
    (sample,) = Samples(find(tmp_path, str(path)).sources, Shape.ROWS, Fields(group="topic"))
    assert sample.answer == ""
    assert [sample.reference, sample.prompt, sample.group, sample.context] == [None] * 4


def test_arc_attempts_are_read_as_text(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('task_id,test_index,attempt_1,attempt_2\nt,0,"[[1, 2]]",\nt,1,"3 4",[[5]]\n')
    found = list(Samples(find(tmp_path, str(path)).sources, Shape.ARC, Fields()))
    assert [(sample.id, sample.answer) for sample in found] == [
        ("t/0", ["[[1, 2]]", None]),
        ("t/1", ["3 4", "[[5]]"]),
    ]
    arc = scorers.make("arc", {})
    assert arc.score(found[0]._replace(reference=[[1, 2]])).value == 1
    assert arc.score(found[1]._replace(reference=[[5]])).value == 1


def test_references_are_read_and_a_table_of_something_else_ends_the_grading(tmp_path: Path) -> None:
    (tmp_path / "gold.csv").write_text('id,answer\n1,"Paris, France"\n2,\n')
    found = references.load(tmp_path / "gold.csv", Shape.ROWS, Fields())
    assert {name: one.value for name, one in found.by_sample.items()} == {"1": "Paris, France", "2": None}
    (tmp_path / "gold.tsv").write_text("loss\n1\n")
    with pytest.raises(Ungradable, match=r"gold\.tsv line 1 names no column for the id"):
        references.load(tmp_path / "gold.tsv", Shape.ROWS, Fields())


def test_a_folder_of_tasks_may_hold_a_table_of_something_else(tmp_path: Path) -> None:
    (tmp_path / "index.csv").write_text("task,author\nt,x\n")
    (tmp_path / "t.json").write_text('{"test": [{"input": [[1]], "output": [[2]]}]}')
    assert list(references.load(tmp_path, Shape.ARC, Fields()).by_sample) == ["t/0"]


def test_a_folder_of_tables_holds_references(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,answer\n1,x\n")
    (tmp_path / "b.tsv").write_text("id\tanswer\n2\ty\n")
    assert list(references.load(tmp_path, Shape.ROWS, Fields()).by_sample) == ["1", "2"]
