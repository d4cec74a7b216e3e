"""What labels show of a judge: its errors, whether a free rule does as well, and what more labels would be worth."""

import random
from collections.abc import Mapping, Sequence

import pytest

from local_grader.calibration import BASELINE, JUDGE, STAGE, Calibration, calibrate, counts, from_counts
from local_grader.errors import Ungradable
from local_grader.kept import KeptGrade
from local_grader.scores import Judgement
from local_grader.statistics.libraries import generator


def kept(sample: str, value: float | None, **about: object) -> KeptGrade:
    state = "unscored" if value is None else "scored"
    return KeptGrade(sample=sample, state=state, value=value, **about)  # type: ignore[arg-type]


def measured(
    grades: Sequence[KeptGrade], labels: Mapping[str, float], name: str = "llama", scorer: str = ""
) -> Calibration:
    return calibrate(grades, labels, name=name, scorer=scorer, rng=generator(0))


def texts(n: int, judge_hits: float, rule_hits: float) -> tuple[list[KeptGrade], dict[str, float]]:
    """A judge and a rule (includes) that agree with so many of ``n`` labels, at random."""
    dice = random.Random(3)
    grades, labels = [], {}
    for at in range(n):
        label = float(at % 2)
        judge = label if dice.random() < judge_hits else 1 - label
        rule = label if dice.random() < rule_hits else 1 - label
        labels[str(at)] = label
        answer = "it is paris indeed" if rule else "it is rome indeed"
        grades.append(kept(str(at), judge, answer=answer, reference="Paris"))
    return grades, labels


def test_the_four_kinds_of_verdicts_are_counted() -> None:
    values = {"a": 1.0, "b": 1.0, "c": 0.0, "d": 0.0, "e": 1.0}
    labels = {"a": 1.0, "b": 0.0, "c": 1.0, "d": 0.0, "e": 1.0}
    found = measured([kept(name, value) for name, value in values.items()], labels)
    assert counts(found.whole) == (2, 1, 1, 1)
    assert (found.labels, found.passes) == (5, 3)
    assert found.whole.confusion.sensitivity is not None
    assert found.whole.confusion.sensitivity.mean == pytest.approx(2 / 3)


def test_labels_and_samples_that_find_no_partner_are_counted() -> None:
    grades = [kept("a", 1.0), kept("b", 0.0), kept("c", None), KeptGrade(sample="d", state="missing")]
    found = measured(grades, {"a": 1.0, "c": 1.0, "x": 0.0})
    assert (found.without_sample, found.without_label, found.unscored) == (["x"], 1, ["c"])


def test_a_judge_that_beats_every_rule_is_said_to_add_something() -> None:
    found = measured(*texts(400, 0.95, 0.7))
    assert found.best.name in ("includes", "token recall", "cascade")
    assert found.verdict.startswith("llama adds 2") and "p < 0.001 by exact McNemar" in found.verdict
    assert found.test.is_real


def test_a_judge_as_good_as_a_rule_is_said_to_add_nothing() -> None:
    found = measured(*texts(400, 0.8, 0.8))
    assert "llama adds nothing that can be seen over" in found.verdict


def test_a_judge_that_is_worse_than_a_rule_is_said_to_be() -> None:
    assert "llama is worse than" in measured(*texts(400, 0.6, 0.95)).verdict


def test_few_labels_are_said_to_tell_little() -> None:
    found = measured(*texts(10, 0.9, 0.5))
    assert "10 labels cannot show" in found.verdict
    assert found.advice.startswith("10 labels tell very little") and "label 30 at least" in found.advice


def test_more_labels_are_priced() -> None:
    assert "would" in measured(*texts(100, 0.95, 0.6)).advice
    assert measured(*texts(4000, 0.95, 0.6)).advice.startswith("More labels would change little")


def test_each_judge_and_each_stage_is_measured_by_itself() -> None:
    says = [Judgement(judge="small", value=1.0), Judgement(judge="large", value=0.0), Judgement(judge="gone")]
    grades = [
        kept("a", 0.0, stage="judge", judgements=says),
        kept("b", 1.0, stage="exact"),
        kept("c", 1.0, stage="exact"),
    ]
    found = measured(grades, {"a": 1.0, "b": 1.0, "c": 0.0})
    assert {one.name: counts(one) for one in found.of(JUDGE)} == {
        "small": (1, 0, 0, 0),
        "large": (0, 0, 1, 0),
    }
    assert {one.name: one.kappa.n for one in found.of(STAGE)} == {"exact": 2, "judge": 1}


def test_a_rule_is_not_compared_with_itself() -> None:
    grades, labels = texts(40, 0.9, 0.5)
    names = [one.name for one in measured(grades, labels, scorer="includes").of(BASELINE)]
    assert "includes" not in names and "token recall" in names


def test_a_measurement_comes_back_from_its_counts() -> None:
    one = from_counts("whole", "x", (40, 10, 5, 45))
    assert counts(one) == (40, 10, 5, 45)
    assert one.kappa.kappa == pytest.approx(0.7)


@pytest.mark.parametrize(
    ("grades", "labels", "said"),
    [
        ([kept("a", 1.0)], {"b": 1.0}, "None of the 1 labels belongs to a sample"),
        ([kept("a", None)], {"a": 1.0}, "None of the 1 labelled samples could be graded"),
        ([kept("a", 1.0)], {"a": 0.5}, "No label says yes or no"),
    ],
)
def test_what_cannot_be_measured_says_why(
    grades: list[KeptGrade], labels: dict[str, float], said: str
) -> None:
    with pytest.raises(Ungradable, match=said):
        measured(grades, labels)
