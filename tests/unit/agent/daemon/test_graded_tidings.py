"""What is told of a grading: by rule and judges, the same by the agent and by a person."""

from pathlib import Path
from typing import Any

import pytest

from agent.daemon.runs.grade_apart import Verdict
from agent.daemon.runs.grading_duty import graded
from agent.daemon.tell import tidings
from local_grader.ledger import Entry
from local_grader.metrics import Tally
from local_grader.reading.fields import Fields
from local_grader.report import Report
from local_grader.scores import Score
from sync.mailbox.records import Spec
from tests.support.kept_grades import judging
from tests.support.mailboxes import LAPTOP

JUDGED = judging("qwen3:4b")


def report(scorer: str, judged: bool) -> Report:
    tally = Tally()
    tally.add(Score(value=1.0))
    entry = Entry(
        run="r1",
        scorer=scorer,
        scorer_version=1,
        options={},
        fields=Fields(),
        outputs_sha256="o",
        references_sha256=None,
        judging=JUDGED if judged else None,
    )
    nothing: dict[str, Any] = dict.fromkeys(("arc", "decided"))
    empty: dict[str, Any] = {name: {} for name in ("stages", "shards", "groups")}
    lists: dict[str, Any] = {name: [] for name in ("missing", "problems", "skipped")}
    return Report(
        entry=entry,
        files=1,
        summary=tally.summary(),
        ledger=Path("a.parquet"),
        recorded=True,
        **nothing,
        **empty,
        **lists,
    )


def told_by_the_agent(scorer: str, judged: bool) -> Any:
    heard = [{"identity": None}, {"identity": {"model": "qwen3:4b"}}]
    document = {
        "summary": {"right": 1.0, "scored": 1, "samples": 1, "missing": 0},
        "scorer": {"name": scorer},
        "judging": {"judges": heard} if judged else None,
        "ledger": "/x/a.parquet",
    }
    spec = Spec(run="r1", laptop=LAPTOP, created=0, snapshot="s", target="local", shards=1)
    return graded(spec, Verdict(report=document))


@pytest.mark.parametrize(
    ("scorer", "judged", "words"),
    [
        ("exact", False, "exact"),
        ("cascade", True, "cascade and qwen3:4b"),
        ("judge", True, "qwen3:4b"),
    ],
)
def test_a_grading_is_told_with_its_judge(scorer: str, judged: bool, words: str) -> None:
    by_hand, by_agent = tidings.graded(report(scorer, judged)), told_by_the_agent(scorer, judged)
    assert by_hand == by_agent
    assert by_hand.text == f"r1 was graded by {words}: 1 of 1 right."
    assert by_hand.data["judges"] == (["qwen3:4b"] if judged else [])
