"""Several processes grade as one does, whatever the files hold and whoever of them dies."""

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
from dataclasses import replace

import pyarrow
import pyarrow.parquet
import pytest

from local_grader import parallel, tables
from local_grader.grade import grade_outputs
from local_grader.reading.fields import Fields
from local_grader.reading.reader import Source
from sync.progress import Silent
from tests.support.laptop import REPOSITORY
from tests.support.many_answers import ROWS, asked, both, is_done_in_parallel, lines, rows


@pytest.mark.parametrize("form", ["jsonl", "parquet"])
def test_the_grades_are_those_of_one_process(tmp_path, form):
    path = tmp_path / f"a.{form}"
    if form == "jsonl":
        path.write_text("\ufeff" + "\n".join(lines(rows())), encoding="utf-8")  # with empty lines between
    else:
        plain = {"compression": "none", "use_dictionary": False}
        pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows()), path, **plain)
    several, one = both(tmp_path, path)
    assert several == one
    assert several[0]["summary"]["samples"] == ROWS and len(several[0]["groups"]) == 7
    assert is_done_in_parallel(path)


def test_references_in_a_file_of_their_own_and_those_that_nobody_answered(tmp_path):
    path, gold = tmp_path / "a.jsonl", tmp_path / "gold.jsonl"
    path.write_text("".join(lines(rows())))
    extra = [{"id": "nobody", "answer": "one", "article": "a1"}]
    gold.write_text("".join(lines([{"id": row["id"], "answer": row["reference"]} for row in rows()] + extra)))
    several, one = both(tmp_path, path, references=gold)
    assert several == one
    assert several[0]["missing"] == ["nobody"] and several[1][-1]["state"] == "missing"


def test_the_files_of_shards_and_what_they_hold_besides_answers(tmp_path):
    for shard, start in enumerate(range(0, ROWS, 1_000)):
        folder = tmp_path / "outputs/r1" / f"{shard:03}"
        folder.mkdir(parents=True)
        torn = '{"id": "torn'
        (folder / "answers.jsonl").write_text("".join(lines(rows()[start : start + 1_000])) + torn)
        (folder / "metrics.json").write_text('[{"loss": 0.5}]')
    several, one = both(tmp_path, "r1")
    assert several == one
    told = several[0]
    assert len(told["problems"]) == len(told["skipped"]) == 3 and len(told["shards"]) == 3


@pytest.mark.parametrize(
    "odd",
    [
        '{"id": "torn',
        '["no object"]',
        json.dumps({"id": "q5", "answer": "another", "reference": "one"}),
        json.dumps({"id": "\ud800", "answer": "a"}) + "\n" + json.dumps({"id": "\\ud800", "answer": "b"}),
        "x" * (2 << 20),
    ],
    ids=["torn", "no object", "answered twice", "ids alike in UTF-8", "a long line"],
)
def test_what_is_odd_is_told_as_by_one_process(tmp_path, odd):
    path = tmp_path / "a.jsonl"
    text = lines(rows())
    path.write_text("".join([*text[:2_000], odd + "\n", *text[2_000:]]))
    several, one = both(tmp_path, path)
    assert several == one
    assert several[0]["summary"]["samples"] >= ROWS


def test_what_is_odd_is_left_to_one_process(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text("".join([*lines(rows()), "{\n"]))
    assert not is_done_in_parallel(path)


def test_the_same_answer_twice_counts_once(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text("".join(lines(rows()) + lines(rows()[-3:])))
    several, one = both(tmp_path, path)
    assert several == one and several[0]["summary"]["samples"] == ROWS


def test_a_broken_table_is_told_as_by_one_process(tmp_path):
    path = tmp_path / "a.parquet"
    plain = {
        "compression": "none",
        "use_dictionary": False,
        "data_page_size": 1 << 16,
        "write_batch_size": 16,
    }
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows()), path, **plain)
    content = bytearray(path.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 200_000] = bytes(200_000)
    path.write_bytes(content)
    rule = parallel.Rule(scorer="cascade", options={}, fields=Fields())
    assert parallel.is_worth_it([Source(path=path, name="a.parquet")], rule)
    several, one = both(tmp_path, path)
    assert several == one
    assert several[0]["problems"] and 0 < several[0]["summary"]["samples"] < ROWS


def test_a_process_that_is_killed_costs_time_and_no_grades(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text("".join(lines(rows())))
    killed = []

    class Killing(Silent):
        """Kills one as soon as it has given its first grades."""

        def advance(self, amount=1):
            if not killed:
                (victim, *_) = multiprocessing.active_children()
                killed.append(victim.pid)
                os.kill(victim.pid, signal.SIGKILL if os.name == "posix" else signal.SIGTERM)

    report = grade_outputs(asked(tmp_path, path), Killing())
    assert killed and report.summary.samples == ROWS
    assert len(list(tables.read(report.ledger))) == ROWS
    assert not list((tmp_path / "ledger/grades").glob(".tmp-*"))


def test_small_files_and_scorers_that_run_programs_are_left_to_one_process(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text("".join(lines(rows()[:100])))
    rule = parallel.Rule(scorer="exact", options={}, fields=Fields())
    assert not parallel.is_worth_it([Source(path=path, name="a.jsonl")], rule)
    path.write_text("".join(lines(rows())))
    assert parallel.is_worth_it([Source(path=path, name="a.jsonl")], rule)
    function = tmp_path / "mine.py"
    function.write_text("def grade(sample):\n    return 1\n")
    programs = replace(rule, scorer="python", options={"function": f"{function}:grade"})
    assert not parallel.is_worth_it([Source(path=path, name="a.jsonl")], programs)


@pytest.mark.parametrize("word", ["SIGKILL", "SIGINT"])
@pytest.mark.skipif(os.name != "posix", reason="needs the signals of POSIX")
def test_nothing_is_left_running_however_the_first_process_ends(tmp_path, word):
    path = tmp_path / "a.jsonl"
    many = rows()
    with path.open("w") as file:
        for turn in range(8):
            file.writelines(lines([{**row, "id": f"{turn}-{row['id']}"} for row in many]))
    program = (
        "import multiprocessing\n"
        "from pathlib import Path\n"
        "from local_grader.grade import grade_outputs\n"
        "from local_grader.request import Request\n"
        "from sync.progress import Silent\n"
        "class Telling(Silent):\n"
        "    def advance(self, amount=1):\n"
        "        print(len(multiprocessing.active_children()), flush=True)\n"
        "if __name__ == '__main__':\n"
        f"    grade_outputs(Request(target={str(path)!r}, scorer='rouge', outputs=Path({str(tmp_path)!r}),"
        f" ledger=Path({str(tmp_path / 'ledger')!r}), processes=2), Telling())\n"
    )
    script = tmp_path / "grade.py"
    script.write_text(program)
    first = subprocess.Popen(
        [sys.executable, str(script)],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    limit = threading.Timer(60, first.kill)
    limit.start()
    try:
        assert first.stdout.readline() == "2\n"
        if word == "SIGINT":  # as a terminal sends it: to all of them
            os.killpg(first.pid, signal.SIGINT)
        else:
            first.kill()
        first.communicate(timeout=30)  # to its end, and all of them hold the pipe
        assert not (word == "SIGINT" and list((tmp_path / "ledger/grades").glob("*")))
    finally:
        limit.cancel()
