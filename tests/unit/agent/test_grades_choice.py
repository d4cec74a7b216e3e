"""Which of several gradings counts: the newest that says something, and for two what they have in common."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from agent.grades_choice import choose, choose_two, measurable
from local_grader.kept import KeptGrading
from local_grader.kept_figures import has_scores
from local_grader.ledger import Facts
from tests.support.kept_grades import judging, keep

Keep = Callable[..., KeptGrading]


@pytest.fixture
def kept(tmp_path: Path) -> Keep:
    def make(run: str = "a", value: float | None = 1.0, **about: object) -> KeptGrading:
        return keep(tmp_path, run, {"s": value}, **about)  # type: ignore[arg-type]

    return make


def unheard(kept: Keep, **about: object) -> KeptGrading:
    """By rule, while its judge was away."""
    made = kept(by=judging(), **about)
    facts = Facts(unheard=3, asked=["llama"])
    return KeptGrading(path=made.path, run=made.run, scorer=made.scorer, entry=made.entry, facts=facts)


def test_the_newest_counts(kept: Keep) -> None:
    newest, older = kept(scorer="exact"), kept(scorer="includes")
    found = choose([newest, older], has_scores)
    assert (found.grading, found.passed) == (newest, None)


def test_one_without_scores_gives_way_and_is_told(kept: Keep) -> None:
    empty, older = kept(value=None), kept(scorer="includes")
    found = choose([empty, older], has_scores)
    assert (found.grading, found.passed, found.why) == (older, empty, "it holds no scores")
    assert choose([empty], has_scores).grading == empty


def test_one_whose_judges_were_all_away_gives_way_but_not_to_an_empty_one(kept: Keep) -> None:
    away, empty, older = unheard(kept), kept(value=None), kept(by=judging("llama"))
    found = choose([away, empty, older], has_scores)
    assert (found.grading, found.why) == (older, "a judge was not heard about 3 of its samples")
    assert choose([away, empty], has_scores).grading == away
    assert away.told_models == ["llama (not heard)"]


def test_one_that_a_judge_did_not_finish_gives_way_to_a_whole_one_by_the_same_rubric(kept: Keep) -> None:
    made = kept(by=judging("llama"))
    part = KeptGrading(
        path=made.path, run="a", scorer="exact", entry=made.entry, facts=Facts(unheard=1, asked=["llama"])
    )
    other, whole = kept(by=judging("qwen", rubric="refusal")), kept(by=judging("qwen"))
    found = choose([part, other, whole], has_scores)
    assert (found.grading, found.why) == (whole, "a judge was not heard about 1 of its samples")
    assert choose([part, other], has_scores).grading == part


@pytest.mark.parametrize("of", ["outputs_sha256", "references_sha256", "rivals_sha256"])
def test_one_that_a_judge_did_not_finish_stays_before_one_about_something_else(kept: Keep, of: str) -> None:
    part, before = replace(unheard(kept), entry=kept(by=judging("llama")).entry), kept(by=judging("qwen"))
    assert choose([part, before], has_scores).grading == before
    before = replace(before, entry={**before.entry, of: "another"})
    assert choose([part, before], has_scores).grading == part


def test_one_that_a_judge_did_not_finish_stays_before_a_whole_one_without_scores(kept: Keep) -> None:
    part = replace(unheard(kept), entry=kept(by=judging("llama")).entry)
    assert choose([part, kept(value=None, by=judging("qwen"))], has_scores).grading == part


def test_two_are_compared_by_the_newest_way_in_common_and_the_others_are_named(kept: Keep) -> None:
    a = [kept("a", scorer=name) for name in ("numeric", "includes", "exact")]
    b = [kept("b", scorer=name) for name in ("pattern", "exact", "includes")]
    pair = choose_two(a, b, has_scores)
    assert pair is not None
    assert (pair.a.grading, pair.b.grading, pair.others) == (a[1], b[2], [a[2]])
    assert choose_two(a[:1], b, has_scores) is None


def test_a_way_in_which_nothing_was_scored_comes_last(kept: Keep) -> None:
    a = [kept("a", None, scorer="f1"), kept("a")]
    b = [kept("b", scorer="f1"), kept("b")]
    pair = choose_two(a, b, has_scores)
    assert pair is not None and (pair.a.grading, pair.others) == (a[1], [a[0]])


def test_nothing_is_paired_with_itself(kept: Keep) -> None:
    one = kept()
    assert choose_two([one], [one], has_scores) is None


def test_labels_are_held_against_the_rubric_that_they_name_or_what_is_correct(kept: Keep) -> None:
    refusal, correct, rule = kept(by=judging("x", rubric="refusal")), kept(by=judging("x")), kept()
    found = [refusal, correct, rule]
    assert measurable(found, {"refusal"}, is_chosen=False) == [refusal]
    assert measurable(found, {"correct"}, is_chosen=True) == [correct, rule]
    assert measurable(found, {"faithful"}, is_chosen=False) == []
    assert measurable(found, set(), is_chosen=False) == [correct, rule]
    assert measurable([refusal], set(), is_chosen=False) == [refusal]
    assert measurable(found, set(), is_chosen=True) == found
