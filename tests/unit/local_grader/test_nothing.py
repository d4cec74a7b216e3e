"""Where there is nothing to grade, the hint fits the cause."""

from collections.abc import Sequence

import pytest

from local_grader.nothing import why_nothing

UNFIT = "m.jsonl line 1 has no field named id"
BAD = "a.jsonl line 3 is not valid JSON (Expecting value at character 7)"


@pytest.mark.parametrize(
    ("skipped", "unread", "files", "why", "hint"),
    [
        ([], [], ["a.jsonl"], "a.jsonl is empty", "wrote its answers to the end"),
        ([], [], ["0/a.jsonl", "1/a.jsonl"], "all of its 2 files are empty", "wrote its answers to the end"),
        ([], [BAD, "b.jsonl is not UTF-8 text"], ["a.jsonl", "b.jsonl"], BAD, "Repair that file"),
        ([UNFIT], [], ["m.jsonl"], UNFIT, "--answer-field"),
        ([UNFIT], [BAD], ["a.jsonl", "m.jsonl"], UNFIT, "--answer-field"),
    ],
)
def test_hint_fits_the_cause(
    skipped: Sequence[str], unread: Sequence[str], files: Sequence[str], why: str, hint: str
) -> None:
    told, advice = why_nothing(skipped, unread, files)
    assert told == why and hint in advice
    assert ("--answer-field" in advice) == bool(skipped)
