"""What costs nothing is measured on the kept grades, and a rule is no baseline of itself."""

import pytest

from local_grader import baselines
from local_grader.kept import KeptGrade


def kept(sample: str, answer: str, reference: str | None) -> KeptGrade:
    return KeptGrade(sample=sample, state="scored", value=1.0, answer=answer, reference=reference)


@pytest.mark.parametrize(
    ("answer", "reference", "share"),
    [
        ("It was built in Paris, France.", "Paris", 1.0),
        ("It was built in Lyon.", "the city of Paris", 0.0),
        ("red and blue", "red, green", 0.5),
        ("one", "one one", 0.5),
        ("anything", "the", 0.0),
    ],
)
def test_token_recall_is_the_share_of_the_references_words(answer: str, reference: str, share: float) -> None:
    assert baselines.token_recall(answer, reference) == share


def test_each_baseline_decides_every_sample() -> None:
    grades = [kept("a", "It is Paris", "Paris"), kept("b", "Rome", "Paris"), kept("c", "Paris", "Paris")]
    found = baselines.verdicts(grades, "numeric")
    assert found["always no"] == {"a": False, "b": False, "c": False}
    assert found["exact"] == {"a": False, "b": False, "c": True}
    assert found["includes"] == found["token recall"] == {"a": True, "b": False, "c": True}


def test_alternatives_that_the_ledger_holds_as_a_list_each_count() -> None:
    grades = [kept("a", "NYC", '["New York", "NYC"]'), kept("b", "[odd", "[odd")]
    assert baselines.verdicts(grades, "")["exact"] == {"a": True, "b": True}


def test_without_references_only_the_constant_baselines_are_left() -> None:
    assert set(baselines.verdicts([kept("a", "x", None)], "")) == {"always no", "always yes"}


def test_a_rule_is_no_baseline_of_itself() -> None:
    assert "includes" not in baselines.names("includes")
    assert "includes" in baselines.names("exact")
