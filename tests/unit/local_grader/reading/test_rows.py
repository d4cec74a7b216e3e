import json

import pytest

from local_grader import tables
from local_grader.reading import rows as rows_module
from local_grader.reading.rows import BadRow, NotAnswers, Row, read


def write(file, kinds, rows):
    writer = tables.Writer(file, kinds, {})
    writer.write({name: [row.get(name) for row in rows] for name in kinds}, len(rows))
    writer.close()


def rows_of(path, content):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return list(read(path, ("id",)))


def test_json_lines_are_rows_and_blank_lines_are_not(tmp_path):
    found = rows_of(tmp_path / "a.jsonl", '\ufeff{"id": 1}\r\n\n{"id": 2}')
    assert found == [Row("line 1", {"id": 1}), Row("line 3", {"id": 2})]


def test_a_list_an_object_by_id_and_a_single_object_are_rows(tmp_path):
    assert rows_of(tmp_path / "a.json", '[{"id": 1}]') == [Row("item 1", {"id": 1})]
    assert rows_of(tmp_path / "b.json", '{"x": {"answer": 1}}') == [Row("key x", {"answer": 1}, "x")]
    assert rows_of(tmp_path / "c.json", '{"id": "x", "answer": 1}') == [Row("", {"id": "x", "answer": 1})]


def test_a_list_that_is_all_an_object_holds_is_rows(tmp_path):
    found = rows_of(tmp_path / "a.json", '{"results": [{"id": 1}, {"id": 2}]}')
    assert found == [Row("item 1", {"id": 1}), Row("item 2", {"id": 2})]
    assert rows_of(tmp_path / "b.json", '{"results": [{"q": 1}]}') == [Row("item 1", {"q": 1})]


@pytest.mark.parametrize(
    "whole",
    [
        {"t": [{"attempt_1": [[1]], "attempt_2": [[2]]}]},
        {"t": [[[1]]]},
        {"t": ["x", "y"]},
        {"t": []},
        {"s": [{"name": "f"}], "t": "x"},
        {"s": [{"id": 1}], "t": [{"id": 2}]},
    ],
)
def test_lists_that_are_answers_stay_with_their_names(tmp_path, whole):
    found = rows_of(tmp_path / "a.json", json.dumps(whole))
    assert found == [Row(f"key {key}", value, key) for key, value in whole.items()]


def test_a_list_of_rows_beside_something_else_is_told(tmp_path):
    (row,) = rows_of(tmp_path / "a.json", '{"results": [{"id": 1}], "version": 3}')
    assert row == NotAnswers("holds more than a list of rows (that is results)")


@pytest.mark.parametrize("length", [101, 102, 500])
def test_a_line_that_is_too_long_is_told_and_the_others_are_read(tmp_path, monkeypatch, length):
    monkeypatch.setattr(rows_module, "LONGEST_LINE", 100)
    monkeypatch.setattr(rows_module, "_SKIPPED_AT_ONCE", 100)
    found = rows_of(tmp_path / "a.jsonl", '{"id": 1}\n' + "x" * (length - 1) + '\n{"id": 2}\n' + "y" * length)
    assert [row.value for row in found if isinstance(row, Row)] == [{"id": 1}, {"id": 2}]
    whats = [row.what for row in found if isinstance(row, BadRow)]
    assert whats == ["line 2 is longer than 0 MiB", "line 4 is longer than 0 MiB"]


def test_parquet_gives_the_same_rows_as_json_lines(tmp_path):
    rows = [{"id": "a", "answer": "x", "n": 1.5}, {"id": "b", "answer": None, "n": None}]
    with (tmp_path / "a.parquet").open("wb") as file:
        write(file, {"id": "text", "answer": "text", "n": "number"}, rows)
    assert [row.value for row in read(tmp_path / "a.parquet", ("id",))] == rows


def test_a_truncated_line_is_named_and_the_others_are_read(tmp_path):
    found = rows_of(tmp_path / "a.jsonl", '{"id": 1}\n{"id": 2, "ans\n{"id": 3}\n')
    assert [row.value for row in found if isinstance(row, Row)] == [{"id": 1}, {"id": 3}]
    (bad,) = [row for row in found if isinstance(row, BadRow)]
    assert bad.what.startswith("line 2 is not valid JSON")


@pytest.mark.parametrize(
    ("name", "content", "what"),
    [
        ("a.jsonl", b"\x00\x01\xff\xfe", "line 1 is not UTF-8 text"),
        ("a.json", b"\xff\xfe{\x00}\x00", "is not UTF-8 text"),
        ("a.json", b'{"a":\n{"b"', "is not valid JSON (Expecting ':' delimiter at line 2)"),
        ("a.json", b"", "is empty"),
        ("a.json", b"\xef\xbb\xbf \n", "is empty"),
        (
            "a.json",
            b"\n<!DOCTYPE html><p>Not found</p>",
            "is not valid JSON, but begins with '<!DOCTYPE html><p>No'",
        ),
        ("a.json", b"[1, x", "is not valid JSON (Expecting value at line 1)"),
        ("a.jsonl", b"Epoch \x1b[1m1", "line 1 is not valid JSON, but begins with 'Epoch \\x1b[1m1'"),
        ("a.json", b"7", "holds neither a list nor an object"),
        ("a.jsonl", b"[" * 200_000, "line 1 is nested too deeply"),
        ("a.jsonl", b"9" * 10_000, "line 1 is not valid JSON"),
        ("a.parquet", b"PAR1 nothing of the kind PAR1", ""),
        ("a.parquet", b"", ""),
        ("a.txt", b"hello", "is not a kind that can be read"),
    ],
)
def test_a_file_that_is_not_what_its_name_says_is_a_bad_row(tmp_path, name, content, what):
    (bad,) = rows_of(tmp_path / name, content)
    assert isinstance(bad, BadRow)
    assert bad.what.startswith(what) and bad.what


def test_a_file_that_is_all_bad_is_given_up(tmp_path):
    found = rows_of(tmp_path / "a.jsonl", "{\n" * 1_000)
    assert found[-1] == BadRow("was given up after 10 bad rows")
    assert len(found) == 11


def test_an_absent_file_is_a_bad_row(tmp_path):
    (bad,) = read(tmp_path / "absent.jsonl", ())
    assert bad.what == "cannot be read (No such file or directory)"


def test_a_cut_parquet_file_is_a_bad_row(tmp_path):
    with (tmp_path / "a.parquet").open("wb") as file:
        write(file, {"id": "text"}, [{"id": str(number)} for number in range(1000)])
    whole = (tmp_path / "a.parquet").read_bytes()
    assert isinstance(rows_of(tmp_path / "a.parquet", whole[: len(whole) // 2])[-1], BadRow)


def test_lone_surrogates_in_json_are_read(tmp_path):
    (row,) = rows_of(tmp_path / "a.jsonl", json.dumps({"id": "\ud800"}))
    assert row.value == {"id": "\ud800"}


@pytest.mark.parametrize(
    "whole",
    [
        {"version": 2, "results": {"stats": {"n": 1}, "results": [{"prompt": "q", "response": "x"}]}},
        {
            "evalId": "e",
            "results": {"results": [{"prompt": "q"}]},
            "config": {"tests": [{"vars": 1}]},
            "url": None,
        },
    ],
)
def test_results_beside_bare_values_are_no_answers_by_name(tmp_path, whole):
    (found,) = rows_of(tmp_path / "a.json", json.dumps(whole))
    assert found == NotAnswers("holds more than a list of rows (that is in results)")


@pytest.mark.parametrize("value", [["x", "y"], {"answer": "x"}, [{"attempt_1": [[1]]}], {"answer": ["x"]}])
def test_answers_by_name_may_be_of_several_kinds(tmp_path, value):
    rows = rows_of(tmp_path / "a.json", json.dumps({"q1": "x", "q2": value}))
    assert [row.key for row in rows] == ["q1", "q2"]
