"""A trial grades the first few outputs, and leaves nothing that could be taken for the whole."""

import json
from pathlib import Path

from local_grader.ahead.trial import trial
from local_grader.grade import grade_outputs
from local_grader.request import Request


def put(path: Path, *rows: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def asked(root: Path, **changes: object) -> Request:
    whole = {"target": "r1", "scorer": "exact", "references": root / "gold.jsonl"} | changes
    return Request(outputs=root / "outputs", ledger=root / ".hybrid/ledger", **whole)  # type: ignore[arg-type]


def test_only_the_first_are_graded_and_nothing_is_kept_or_missing(tmp_path: Path) -> None:
    put(tmp_path / "outputs/r1/000/a.jsonl", {"id": "a", "answer": "x"}, {"id": "b", "answer": "y"})
    put(tmp_path / "outputs/r1/001/a.jsonl", {"id": "c", "answer": "x"}, {"id": "a", "answer": "other"})
    put(tmp_path / "gold.jsonl", *({"id": name, "reference": "x"} for name in "abc"))
    for limit, right in ((1, 1), (2, 1), (3, 2)):
        report = grade_outputs(trial(asked(tmp_path), limit))
        assert (report.summary.samples, report.summary.right) == (limit, right)
        assert report.ledger is None and not report.missing
    assert not (tmp_path / ".hybrid").exists()
    assert grade_outputs(asked(tmp_path)).summary.unscored == {"answered twice": 1}
