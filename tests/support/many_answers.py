"""Answers enough for several processes, and what these and one process make of them."""

import json
import random
from dataclasses import replace

from local_grader import parallel, tables
from local_grader import report as reports
from local_grader.grade import grade_outputs
from local_grader.reading.fields import Fields
from local_grader.reading.reader import Source
from local_grader.request import Request

ROWS = 3_000
TALK = "and so on " * 320
"""So long that these rows are many mebibytes: enough for more than one process, quickly graded."""


def rows():
    dice = random.Random(7)
    return [
        {
            "id": f"q{number}",
            "question": TALK,
            "answer": f"It is {dice.choice(('one', 'two', '3', 'é'))}.",
            "reference": dice.choice(("one", "two", "3")),
            "article": f"a{number % 7}",
        }
        for number in range(ROWS)
    ]


def lines(given):
    return [json.dumps(row) + "\n" for row in given]


def asked(tmp_path, target, **more):
    wanted = {"scorer": "cascade", "fields": Fields(group="article"), "processes": 2} | more
    return Request(target=str(target), outputs=tmp_path / "outputs", ledger=tmp_path / "ledger", **wanted)


def both(tmp_path, target, **more):
    """The document of the report and the kept rows, by several processes and by one."""
    request = asked(tmp_path, target, **more)
    found = []
    for turn, processes in enumerate((2, 1)):
        report = grade_outputs(replace(request, ledger=tmp_path / f"ledger{turn}", processes=processes))
        told = reports.to_json(report)
        told["ledger"] = report.ledger.name
        found.append((told, list(tables.read(report.ledger)), tables.metadata(report.ledger)))
    return found


def is_done_in_parallel(path, references=None):
    rule = parallel.Rule(scorer="cascade", options={}, fields=Fields(), references=references)
    sources = [Source(path=path, name=path.name)]
    if not parallel.is_worth_it(sources, rule):
        return False
    try:
        return sum(part.rows for part in parallel.graded(sources, rule, 2)) > 0
    except parallel.NotPlain:
        return False
