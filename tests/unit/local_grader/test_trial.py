"""What a grading of the first few outputs comes to, and what is known of a grading before it begins."""

import json
from pathlib import Path

from local_grader.request import Keep, Request, grade_outputs


def put(path: Path, *rows: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def asked(root: Path, **changes: object) -> Request:
    whole = {"target": "r1", "scorer": "exact", "references": root / "gold.jsonl"} | changes
    return Request(outputs=root / "outputs", ledger=root / ".hybrid/ledger", **whole)  # type: ignore[arg-type]


def test_only_the_first_of_the_outputs_are_graded_where_a_limit_is_set(tmp_path: Path) -> None:
    put(tmp_path / "outputs/r1/000/a.jsonl", {"id": "a", "answer": "x"}, {"id": "b", "answer": "y"})
    put(tmp_path / "outputs/r1/001/a.jsonl", {"id": "c", "answer": "x"}, {"id": "a", "answer": "other"})
    put(tmp_path / "gold.jsonl", *({"id": name, "reference": "x"} for name in "abc"))
    for limit, right in ((1, 1), (2, 1), (3, 2)):
        report = grade_outputs(asked(tmp_path, limit=limit, is_sample=True, keep=Keep.NEVER))
        assert (report.summary.samples, report.summary.right) == (limit, right)
        assert report.ledger is None and not report.missing
    assert grade_outputs(asked(tmp_path)).summary.unscored == {"answered twice": 1}
