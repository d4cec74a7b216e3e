"""The cascade against a large judge's verdicts, on each half of the articles: it must hold where nobody looked."""

import zlib

import pytest

from bench import cascade
from local_grader import scorers
from local_grader.scorers import stages

NEEDED = 0.72


@pytest.fixture(scope="module")
def known(test_data):
    return cascade.cases(test_data / "seal_answers.jsonl")


def half(case, salt):
    return zlib.crc32(f"{salt} {case.sample.group}".encode()) % 2


def agreement(cases, threshold):
    return cascade.kappa((cascade.by_cascade(case, threshold), case.right) for case in cases)


@pytest.mark.parametrize("salt", range(5))
@pytest.mark.parametrize("which", [0, 1])
def test_agrees_with_the_judge_on_each_half_of_the_articles(known, which, salt):
    here = [case for case in known if half(case, salt) == which]
    others = [case for case in known if half(case, salt) != which]
    chosen = max((0.4, 0.5, 0.6, 0.7, 0.8), key=lambda threshold: agreement(others, threshold))
    assert agreement(here, stages.MOST) >= NEEDED
    assert agreement(here, chosen) >= NEEDED


def test_the_scorer_says_what_is_measured_here(known):
    scorer = scorers.make("cascade", {})
    assert all((scorer.score(case.sample).value == 1) == cascade.by_cascade(case) for case in known)


def test_what_is_not_left_to_a_judge_is_nearly_always_right(known):
    scorer = scorers.make("cascade", {"undecided": "leave"})
    scores = [scorer.score(case.sample) for case in known]
    decided = [
        (score.value == 1) == case.right
        for score, case in zip(scores, known, strict=True)
        if score.value is not None
    ]
    assert len(decided) >= 0.6 * len(known)
    assert sum(decided) >= 0.95 * len(decided)


def test_beats_token_recall(known):
    rules = [lambda case: cascade.by_recall(case, 0.8), cascade.by_cascade]
    recall, whole = (cascade.kappa((rule(case), case.right) for case in known) for rule in rules)
    assert whole > recall + 0.05
