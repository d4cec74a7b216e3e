"""What makes several processes come to something else than one: files of odd kinds, and machines that lack something."""

import errno
import json
import multiprocessing.util
import os
import subprocess
import sys

import pyarrow
import pyarrow.parquet
import pytest

from local_grader import report as reports
from local_grader import tables
from local_grader.errors import Ungradable
from local_grader.grade import grade_outputs
from local_grader.reading.rows import BadRow, read
from sync.progress import Silent
from tests.support.laptop import REPOSITORY
from tests.support.many_answers import ROWS, TALK, asked, both, is_done_in_parallel, lines, rows

PLAIN = {"compression": "none", "use_dictionary": False}


def table(**others):
    given = {name: [row[name] for row in rows()] for name in rows()[0]}
    return pyarrow.table({**given, **others})


def strings(broken):
    """A column of text of which one cell is no UTF-8."""
    cells = [b"one"] * ROWS
    cells[broken] = b"\xff\xfe"
    binary = pyarrow.array(cells, pyarrow.binary())
    return pyarrow.Array.from_buffers(pyarrow.string(), ROWS, binary.buffers())


def test_scores_in_between_come_to_the_same_sum(tmp_path):
    path = tmp_path / "a.jsonl"
    answers = [
        {**row, "answer": f"{row['answer']} {'or ' * (number % 9)}"} for number, row in enumerate(rows())
    ]
    path.write_text("".join(lines(answers)))
    several, one = both(tmp_path, path, scorer="f1")
    assert several == one
    assert several[0]["summary"]["right"] % 1


@pytest.mark.parametrize(
    "columns",
    [
        {"question": pyarrow.array([f"{number % 50} {TALK}" for number in range(ROWS)]).dictionary_encode()},
        {"more": pyarrow.array([["a", "b"]] * ROWS, pyarrow.list_(pyarrow.dictionary("int32", "string")))},
        {"answer": pyarrow.array(["one"] * ROWS, pyarrow.large_string())},
        {"answer": [{"deep": [number]} for number in range(ROWS)]},
    ],
    ids=["dictionary", "dictionaries in lists", "large text", "objects"],
)
def test_columns_of_odd_kinds(tmp_path, columns):
    path = tmp_path / "a.parquet"
    pyarrow.parquet.write_table(table(**columns), path, **PLAIN)
    several, one = both(tmp_path, path)
    assert several == one and several[0]["summary"]["samples"] == ROWS
    assert is_done_in_parallel(path)


@pytest.mark.parametrize(
    "columns",
    [
        {"answer": strings(broken=ROWS - 10)},
        {"day": pyarrow.array([0] * (ROWS - 1) + [10**16], pyarrow.timestamp("ms"))},
        {"day": pyarrow.array([0] * ROWS, pyarrow.timestamp("ms", "Nowhere/At All"))},
    ],
    ids=["no UTF-8", "no year of Python's", "no zone of this machine's"],
)
def test_a_value_that_cannot_be_read_is_told_as_by_one_process(tmp_path, columns):
    path = tmp_path / "a.parquet"
    pyarrow.parquet.write_table(table(**columns), path, **PLAIN)
    found = []
    for processes in (2, 1):
        try:
            told = reports.to_json(grade_outputs(asked(tmp_path, path, processes=processes)))
            found.append((told["summary"], told["problems"]))
        except Ungradable as error:
            found.append((str(error), error.hint))
    assert found[0] == found[1]
    assert isinstance(list(read(path, ("id",)))[-1], BadRow)


def test_a_large_table_without_rows_is_empty(tmp_path):
    path = tmp_path / "a.parquet"
    empty = table().slice(0, 0).replace_schema_metadata({"notes": "n" * (9 << 20)})
    pyarrow.parquet.write_table(empty, path, **PLAIN)
    with pytest.raises(Ungradable, match=r"a\.parquet is empty"):
        grade_outputs(asked(tmp_path, path))


def test_long_rows_are_many_pieces(tmp_path):
    path = tmp_path / "a.parquet"
    long = [f"{number} " * 40_000 for number in range(100)]
    pyarrow.parquet.write_table(pyarrow.table({"id": range(100), "answer": long}), path, **PLAIN)
    pieces = list(tables.split(path, 1 << 20))
    assert max(len(content) for _, content in pieces) < 3 << 20
    assert [before for before, _ in pieces][:2] == [0, tables.unpacked(pieces[0][1]).num_rows]
    read_again = [row for _, content in pieces for row in tables.rows(tables.unpacked(content))]
    assert read_again == list(tables.read(path))


class Counting(Silent):
    """How often grading was begun."""

    begun = 0

    def start(self, label, total=None, unit=""):
        self.begun += 1


@pytest.mark.parametrize(
    "spare",
    ["id,answer\nq1,one\n", "id,answer\nq1\n", "step,loss\n1,0.5\n", ""],
    ids=["answers", "a bad row", "something else", "nothing"],
)
def test_tables_beside_answers_are_left_out_by_several_processes_too(tmp_path, spare):
    for shard, start in enumerate(range(0, ROWS, 1_500)):
        folder = tmp_path / "outputs/r1" / f"{shard:03}"
        folder.mkdir(parents=True)
        (folder / "answers.jsonl").write_text("".join(lines(rows()[start : start + 1_500])))
        (folder / "table.csv").write_text(spare)
    several, one = both(tmp_path, "r1")
    assert several == one
    assert len(several[0]["skipped"]) == 2 and not several[0]["problems"]
    counting = Counting()
    grade_outputs(asked(tmp_path, "r1"), counting)
    assert counting.begun == 1


def test_a_table_beside_what_may_be_no_answers_is_left_to_one_process(tmp_path):
    folder = tmp_path / "outputs/r1"
    for shard in range(4):
        (folder / f"{shard}").mkdir(parents=True)
        some = rows()[shard * 750 : shard * 750 + 750]
        (folder / f"{shard}/by_name.json").write_text(json.dumps({row["id"]: row for row in some}))
    (folder / "3/table.csv").write_text("id,answer,reference\nanother,one,one\n")
    several, one = both(tmp_path, "r1")
    assert several == one and several[0]["summary"]["samples"] == ROWS + 1
    counting = Counting()
    grade_outputs(asked(tmp_path, "r1"), counting)
    assert counting.begun == 2


@pytest.mark.skipif(os.name != "posix", reason="needs the limits of POSIX")
def test_where_no_process_can_be_begun_one_grades(tmp_path, monkeypatch):
    path = tmp_path / "a.jsonl"
    path.write_text("".join(lines(rows())))

    def refused(*_args):
        raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")

    monkeypatch.setattr(multiprocessing.util, "spawnv_passfds", refused)
    assert not is_done_in_parallel(path)
    assert grade_outputs(asked(tmp_path, path)).summary.samples == ROWS


def test_a_program_from_standard_input_grades_by_one_process_and_says_nothing(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text("".join(lines(rows())))
    program = (
        "from pathlib import Path\n"
        "from local_grader.grade import grade_outputs\n"
        "from local_grader.request import Request\n"
        f"given = Request(target={str(path)!r}, scorer='exact', outputs=Path({str(tmp_path)!r}),"
        f" ledger=Path({str(tmp_path / 'ledger')!r}), processes=2)\n"
        "print(grade_outputs(given).summary.samples)\n"
    )
    ran = subprocess.run(
        [sys.executable, "-"], input=program, cwd=REPOSITORY, capture_output=True, text=True, timeout=60
    )
    assert (ran.stdout, ran.stderr) == (f"{ROWS}\n", "")
