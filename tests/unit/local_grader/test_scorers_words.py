"""f1 and rouge."""

import sys

import pytest

from local_grader import scorers
from local_grader.samples import Sample
from sync.errors import UsageError


def graded(name, answer, reference, **options):
    sample = Sample(id="a", answer=answer, reference=reference, place="a.jsonl line 1")
    return scorers.make(name, options).score(sample)


@pytest.mark.parametrize(
    ("answer", "reference", "value"),
    [
        ("The Denver Broncos!", "denver broncos", 1),
        ("Broncos", "Denver Broncos", 2 / 3),
        ("the cat sat on the mat", "a cat on a mat", 6 / 7),
        ("x x y y", "x y y z", 3 / 4),
        ("Rome", "Paris", 0),
        ("Rome", ["Paris", "ROME"], 1),
        ("", "Paris", 0),
        ("the", "a", 1),
        (["Rome", "Paris"], "Rome", 0.5),
    ],
)
def test_f1_is_that_of_squad(answer, reference, value):
    assert graded("f1", answer, reference).value == pytest.approx(value)


def test_f1_keeps_precision_and_recall():
    assert graded("f1", "Broncos", "Denver Broncos").details == {"precision": 1.0, "recall": 0.5}


@pytest.mark.parametrize(
    ("variant", "value", "precision", "recall"),
    [
        ("rouge1", 12 / 17, 6 / 8, 6 / 9),
        ("rouge2", 4 / 15, 2 / 7, 2 / 8),
        ("rougeL", 10 / 17, 5 / 8, 5 / 9),
    ],
)
def test_rouge_is_that_of_the_library(variant, value, precision, recall):
    """Counted by hand: of nine and eight words six are shared, of the pairs two, in order five."""
    result = graded(
        "rouge",
        "The quick brown dog jumps on the log.",
        ["unrelated", "The quick brown fox jumps over the lazy dog"],
        variant=variant,
    )
    assert result.value == pytest.approx(value)
    assert result.details == pytest.approx({"precision": precision, "recall": recall})


@pytest.mark.parametrize(
    ("answer", "reference", "reason"),
    [
        ("x", None, "no reference"),
        ("x", "巴黎", "reference has no words that ROUGE counts"),
        ("x " * 20_000, "y " * 20_000, "answer too long for ROUGE"),
        (None, "x", "no answer"),
    ],
)
def test_rouge_leaves_unscored_what_it_cannot_count(answer, reference, reason):
    assert graded("rouge", answer, reference).reason == reason


def test_an_unknown_rouge_is_refused():
    with pytest.raises(UsageError, match="no ROUGE named rouge9"):
        scorers.make("rouge", {"variant": "rouge9"})


def test_without_its_library_rouge_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "rouge_score", None)
    monkeypatch.setitem(sys.modules, "rouge_score.tokenizers", None)
    with pytest.raises(UsageError) as caught:
        scorers.make("rouge", {})
    assert caught.value.hint == "Install hybrid with its extra rouge: uv tool install '.[rouge]'"
