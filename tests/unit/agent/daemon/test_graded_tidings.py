"""What is told of a grading: by which rule and judges, and what it lacks."""

from typing import Any

import pytest

from agent.daemon.tell import tidings


def document(scorer: str, *models: str | None, ledger: str | None = "/x/a.parquet") -> dict[str, Any]:
    """None among ``models`` is a judge that could not be asked."""
    heard = [{"identity": None if model is None else {"model": model}} for model in models]
    return {
        "run": "r1",
        "summary": {"right": 1.0, "scored": 1, "samples": 1, "missing": 0},
        "scorer": {"name": scorer},
        "judging": {"judges": heard} if models else None,
        "ledger": ledger,
    }


@pytest.mark.parametrize(
    ("scorer", "models", "words"),
    [
        ("exact", [], "exact"),
        ("cascade", [None, "qwen3:4b"], "cascade and qwen3:4b"),
        ("judge", ["qwen3:4b"], "qwen3:4b"),
    ],
)
def test_a_grading_is_told_with_its_judges(scorer: str, models: list[str | None], words: str) -> None:
    told = tidings.graded(document(scorer, *models))
    assert (told.text, told.how) == (f"r1 was graded by {words}: 1 of 1 right.", "")
    assert told.data["judges"] == [model for model in models if model]
    assert told.data["ledger"] == "a.parquet" and "hand" not in told.data


def test_a_grading_that_is_not_kept_names_no_file() -> None:
    assert tidings.graded(document("exact", ledger=None), by_hand=True).data["ledger"] == ""


def test_what_a_judge_left_out_is_told_with_the_command_that_goes_on() -> None:
    told = tidings.graded(document("cascade"), lack="The server is away.")
    assert told.text.endswith("1 of 1 right. Not all was judged: The server is away.")
    assert told.how == "hybrid grade r1"
