"""Grading goes through outputs of any size once, in batches and with shortcuts; none of that may show."""

import json
import tracemalloc
import unicodedata
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from local_grader import ledger_rows, tables
from local_grader.grade import grade_outputs
from local_grader.request import Request

REPEATED = 600
"""So often comes each row, with ids of its own: many rows that differ take long to draw."""

# So few that an answer often meets its reference, or nearly.
TEXTS = st.sampled_from(["a b", "A \t B ", "a", "é", "E\u0301", "ß", "ss", "Σ", "ς", "0", "", "\ud800"])
VALUES = st.one_of(
    TEXTS,
    TEXTS,
    st.none(),
    st.integers(0, 9),
    st.booleans(),
    st.floats(width=16),
    st.lists(TEXTS, max_size=2),
)
BESIDE = {"question": VALUES, "context": VALUES, "target": VALUES}
ROWS = st.one_of(
    st.fixed_dictionaries({"answer": TEXTS, "reference": TEXTS}, optional=BESIDE),
    st.fixed_dictionaries({"answer": VALUES, "reference": VALUES}, optional=BESIDE),
    st.fixed_dictionaries({"gold": VALUES, "output": VALUES, "reference": VALUES}, optional=BESIDE),
    st.fixed_dictionaries({}, optional=BESIDE),
)


@settings(max_examples=20, deadline=None)
@given(st.lists(ROWS, min_size=4, max_size=9), st.sampled_from(["\n", "\r\n", " \n\n"]))
def test_what_is_kept_is_what_grading_row_by_row_comes_to(drawn, end):
    rows = [{**row, "id": f"{turn}/{place}"} for turn in range(REPEATED) for place, row in enumerate(drawn)]
    with TemporaryDirectory() as folder:
        path = Path(folder, "a.jsonl")
        with path.open("w", newline="") as file:
            file.writelines(json.dumps(row) + end for row in rows)
        lines = 2 if end == " \n\n" else 1
        expected = [
            kept(row, number * lines + 1)
            for number, row in enumerate(rows)
            if "answer" in row or "output" in row
        ]
        if not expected:
            return
        report = grade_outputs(asked(folder, path))
        assert report.summary.samples == len(expected)
        columns = list(expected[0])
        assert [{name: row[name] for name in columns} for row in tables.read(report.ledger)] == expected


def asked(folder, path):
    return Request(
        target=str(path), scorer="exact", outputs=Path(folder, "outputs"), ledger=Path(folder, "ledger")
    )


def kept(row, line):
    """The row of the ledger, made from the rule's description and nothing of the grader."""
    answer, reference = (
        nothing_for_nan(row, "answer", "output"),
        nothing_for_nan(row, "reference", "target", "gold"),
    )
    wanted = [as_text(each) for each in listed(reference)]
    given = [as_text(each) for each in listed(answer)]
    right = [any(even(one) == even(each) for each in wanted) for one in given]
    reason = None if wanted and given else "no answer" if wanted else "no reference"
    prompt, context = row.get("question"), row.get("context")
    explanation = "" if len(right) == 1 and right[0] else "differs from the reference"
    if len(right) > 1:
        explanation = f"{sum(right)} of {len(right)} answers right"
    return {
        "sample": row["id"],
        "state": "unscored" if reason else "scored",
        "value": None if reason else sum(right) / len(right),
        "reason": reason,
        "answer": "" if reason else storable(given[0]),
        "explanation": "" if reason else explanation,
        "prompt": storable(prompt) if isinstance(prompt, str) else None,
        "context": storable(context) if isinstance(context, str) else None,
        "reference": None if reference is None else storable(as_text(reference)),
        "place": f"a.jsonl line {line}",
    }


def nothing_for_nan(row, *names):
    value = next((row[name] for name in names if name in row), None)
    return None if value != value else value


def listed(value):
    return [each for each in (value if isinstance(value, list) else [value]) if each is not None]


def as_text(value):
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def even(text):
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", " ".join(text.split())).casefold())


def storable(text):
    return text.encode("utf-8", "backslashreplace").decode()


def test_rows_are_kept_in_batches_and_the_last_one_is_no_exception(tmp_path):
    path = tmp_path / "a.jsonl"
    ids = [f"q{number}" for number in range(2 * ledger_rows.BATCH + 1)]
    path.write_text("".join(f'{{"id": "{each}", "answer": "x", "reference": "x"}}\n' for each in ids))
    report = grade_outputs(asked(tmp_path, path))
    assert [row["sample"] for row in tables.read(report.ledger)] == ids


def test_memory_does_not_grow_with_what_samples_hold(tmp_path):
    path = tmp_path / "a.jsonl"
    with path.open("w") as file:
        for number in range(500):
            long = f"{number} " * 10_000
            row = {"id": f"q{number}", "answer": long, "reference": long, "question": long, "context": long}
            file.write(json.dumps(row) + "\n")
    size = path.stat().st_size
    tracemalloc.start()
    try:
        grade_outputs(asked(tmp_path, path))
        assert tracemalloc.get_traced_memory()[1] < size / 4
    finally:
        tracemalloc.stop()
