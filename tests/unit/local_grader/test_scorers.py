import math

import pytest

from local_grader import scorers
from local_grader.samples import Sample
from sync.errors import UsageError


def score(name, answer, reference=None, /, **options):
    sample = Sample(id="a", answer=answer, reference=reference, place="a.jsonl line 1")
    return scorers.make(name, options).score(sample)


@pytest.mark.parametrize(
    ("name", "answer", "reference", "options", "value"),
    [
        ("exact", " Paris\n", "paris", {}, 1),
        ("exact", "Paris", "paris", {"case_sensitive": True}, 0),
        ("exact", "new\n york", "New York", {}, 1),
        ("exact", "cafe\u0301", "caf\u00e9", {}, 1),
        ("exact", "STRASSE", "straße", {}, 1),
        ("exact", "Rome", ["Paris", "Rome"], {}, 1),
        ("exact", 7, "7", {}, 1),
        ("exact", True, "true", {}, 1),
        ("exact", ["x", "y", "x", "x"], "x", {}, 0.75),
        ("exact", "", "", {}, 1),
        ("includes", "It is Paris.", "PARIS", {}, 1),
        ("includes", "It is Paris.", "PARIS", {"case_sensitive": True}, 0),
        ("includes", "Rome", "Paris", {}, 0),
        ("pattern", "the answer is 42", r"\b4\d\b", {}, 1),
        ("pattern", "A then B", "a.*b", {"case_sensitive": True}, 0),
        ("pattern", "x\nAnswer: B", None, {"pattern": "^answer: b$"}, 1),
        ("pattern", "Answer: A. No, Answer: B", "b", {"pattern": r"Answer: (\w)"}, 1),
        ("pattern", "none", "b", {"pattern": r"Answer: (\w)"}, 0),
        ("pattern", "x", "b", {"pattern": r"x(y)?"}, 0),
        ("numeric", "so 3 times 4 is 12", 12, {}, 1),
        ("numeric", "1,200", "1200.0", {}, 1),
        ("numeric", "12 or 13", 13, {"single_number": True}, 0),
        ("numeric", "0.333", "1/3", {}, 0),
        ("numeric", "0.333", "1/3", {"tolerance": 0.01}, 1),
        ("numeric", 0.1 + 0.2, 0.3, {}, 1),
        ("numeric", "75%", 0.75, {}, 1),
        ("numeric", "twelve", 12, {}, 0),
        ("numeric", math.inf, 12, {}, 0),
        ("numeric", [1, "2", None], 1, {}, 0.5),
    ],
)
def test_a_rule_gives_the_expected_value(name, answer, reference, options, value):
    assert score(name, answer, reference, **options).value == value


@pytest.mark.parametrize(
    ("name", "answer", "reference", "reason"),
    [
        ("exact", "x", None, "no reference"),
        ("exact", None, "x", "no answer"),
        ("exact", [], "x", "no answer"),
        ("includes", "x", None, "no reference"),
        ("includes", "x", " ", "no reference"),
        ("pattern", "x", None, "no reference"),
        ("pattern", "x", "(", "reference is no regular expression"),
        ("pattern", "x" * 20_001, "x", "answer too long for a pattern"),
        ("numeric", "x", None, "no reference"),
        ("numeric", "x", "twelve", "reference is not a number"),
        ("numeric", 1, math.inf, "reference is not a number"),
        ("numeric", None, 1, "no answer"),
        ("arc", [[[1]]], None, "no reference"),
        ("arc", [None], [[1]], "no answer"),
        ("arc", [[[1]]], [[1], [2, 3]], "reference is not a grid"),
    ],
)
def test_what_cannot_be_graded_is_unscored_with_a_reason(name, answer, reference, reason):
    result = score(name, answer, reference)
    assert (result.value, result.reason) == (None, reason)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("nonsense", {}),
        ("exact", {"pattern": "x"}),
        ("pattern", {"pattern": "("}),
        ("pattern", {"pattern": "(a)(b)"}),
        ("numeric", {"tolerance": -1.0}),
        ("numeric", {"relative_tolerance": math.nan}),
        ("arc", {"attempts": 0}),
    ],
)
def test_what_a_scorer_cannot_be_asked_is_a_usage_error(name, options):
    with pytest.raises(UsageError) as caught:
        scorers.make(name, options)
    assert str(caught.value).endswith(".")


WITHOUT_FILES = [name for name in scorers.NAMES if name not in ("code", "json-schema", "python")]


@pytest.mark.parametrize("name", WITHOUT_FILES)
def test_every_scorer_can_be_made_again_from_what_it_records(name):
    scorer = scorers.make(name, {})
    assert scorer.name == name
    assert scorers.make(name, scorer.options) == scorer


@pytest.mark.parametrize("name", WITHOUT_FILES)
@pytest.mark.parametrize(
    "answer", [None, "", "\x00", "\ud800", 10**500, math.nan, {}, [[]], [[], {}], b"x", True, "9" * 9999]
)
@pytest.mark.parametrize("reference", [None, "x", 1, [[1]], {}, [], "\ud800"])
def test_no_answer_however_odd_makes_a_scorer_fail(name, answer, reference):
    result = score(name, answer, reference)
    assert (result.value is None) == bool(result.reason)


def test_an_arc_output_is_right_when_one_of_the_attempts_that_count_is():
    wrong, right = [[1, 1]], [[1, 2]]
    assert score("arc", [wrong, right], right).value == 1
    assert score("arc", [wrong, wrong, right], right).value == 0
    assert score("arc", [wrong, wrong, right], right).details["first_right"] == 3
    assert score("arc", [wrong, wrong, right], right, attempts=3).value == 1


def test_an_arc_answer_that_is_no_grid_is_wrong_and_says_so():
    result = score("arc", ["I give up", [[1], [2, 3]]], [[1]])
    assert result.value == 0
    assert result.explanation.startswith("not a grid")


def test_arc_diagnostics_are_those_of_the_best_attempt():
    result = score("arc", [[[0]], [[1, 2], [3, 0]]], [[1, 2], [3, 4]])
    assert (result.value, result.details["cell_accuracy"], result.details["shape_match"]) == (0, 0.75, 1)
    assert (result.answer, result.explanation) == ("12\n30", "75 % of cells right")
    assert score("arc", [[[0]]], [[1, 2]]).explanation == "another shape than the reference"
