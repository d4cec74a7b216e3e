"""Where there is nothing to grade, the hint fits the cause."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from local_grader.nothing import told, what_to_do, why_nothing
from local_grader.reading.rows import BadRow, read

UNFIT = "m.jsonl line 1 has no field named id"
TWO = "m.jsonl line 1 has the fields answer and output, and either could be the right answer"
BAD = "a.jsonl line 3 is not valid JSON (Expecting value at character 7)"


@pytest.mark.parametrize(
    ("skipped", "unread", "files", "why", "hint"),
    [
        ([], [], ["a.jsonl"], "a.jsonl is empty", "wrote its answers to the end"),
        ([], [], ["0/a.jsonl", "1/a.jsonl"], "all of its 2 files are empty", "wrote its answers to the end"),
        ([], [BAD, "b.jsonl is not UTF-8 text"], ["a.jsonl", "b.jsonl"], BAD, "Repair that file"),
        (["a.csv is empty"], [], ["a.csv"], "a.csv is empty", "wrote its answers to the end"),
        ([], ["a.json is empty"], ["a.json"], "a.json is empty", "wrote its answers to the end"),
        ([TWO], [], ["m.jsonl"], TWO, "--answer-field"),
        ([UNFIT], [], ["m.jsonl"], UNFIT, "--answer-field"),
        ([UNFIT], [BAD], ["a.jsonl", "m.jsonl"], UNFIT, "--answer-field"),
    ],
)
def test_hint_fits_the_cause(
    skipped: Sequence[str], unread: Sequence[str], files: Sequence[str], why: str, hint: str
) -> None:
    clause, advice = why_nothing(skipped, unread, files)
    assert clause == why and hint in advice
    assert ("--answer-field" in advice) == ("field" in why)


@pytest.mark.parametrize(
    ("name", "content", "what", "hint"),
    [
        ("a.jsonl.gz", b"\x1f\x8b", "is packed", "Unpack it"),
        ("a.ZIP", b"PK", "is packed", "Unpack it"),
        ("a.txt", b"{}", "is not a kind that can be read", "rename it"),
        ("a.jsonl", '{"id": 1}'.encode("utf-16"), "line 1 is not UTF-8 text", "save it as UTF-8"),
        ("a.csv", "id,größe".encode("latin-1"), "line 1 is not UTF-8 text", "save it as UTF-8"),
        ("a.csv", "id,answer".encode("utf-16-le"), "line 1 holds a NUL byte", "save it as UTF-8"),
        ("a.csv", b"", "is empty", "wrote its answers to the end"),
        ("a.csv", b"id,answer\n", "holds a header and no rows", "wrote its answers to the end"),
        ("a.json", b'{"rows": [{"id": 1}], "v": 2}', "holds more than a list of rows", "Save that list"),
    ],
)
def test_what_is_wrong_with_a_file_has_its_hint(
    tmp_path: Path, name: str, content: bytes, what: str, hint: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    (row,) = read(path, ("id",))
    assert isinstance(row, BadRow) and row.what.startswith(what)
    assert hint in what_to_do(row.what)


def test_rows_with_two_answers_are_not_said_to_have_none() -> None:
    assert told("r1", TWO) == f"r1 cannot be graded: {TWO}."
    assert told("r1", UNFIT) == f"r1 holds no answers: {UNFIT}."
