import itertools

import pytest

from local_grader import scorers
from local_grader.samples import Sample
from sync.errors import UsageError


def score(answer, reference, prompt=None, undecided="decide"):
    sample = Sample(id="a", answer=answer, reference=reference, prompt=prompt, place="a.jsonl line 1")
    return scorers.make("cascade", {"undecided": undecided}).score(sample)


@pytest.mark.parametrize(
    ("answer", "reference", "prompt", "value", "stage"),
    [
        (" PARIS\n", "Paris", None, 1, "exact"),
        ("It is the **Île-de-France**!", "ile de france", None, 1, "normalised"),
        ("Kerry's", "kerrys", None, 1, "normalised"),
        ("the capital is small intestine", "The small intestine", None, 1, "normalised"),
        ("comparison", "paris", None, 0, "recall"),
        ("首都是北京。", "北京", None, 1, "normalised"),
        ("Yes, there is no doubt.", "yes", None, 1, "yes-no"),
        ("Yes, there is no doubt.", "No", None, 0, "yes-no"),
        ("False", "no", None, 1, "yes-no"),
        ("I cannot tell.", "no", None, 0, "yes-no"),
        ("In 2010.", "10", None, 0, "numeric"),
        ("There were 10,000.", "10", None, 0, "numeric"),
        ("It fell to -5 degrees.", "5", None, 0, "numeric"),
        ("There were twenty-one", "21", None, 1, "numeric"),
        ("About 1,500,000 people", "1.5 million people", None, 1, "recall"),
        ("1. Rome\n2. Oslo", "2", None, 0, "numeric"),
        ("From 1853 until 1855", "1853 to 1856", None, 0, "numeric"),
        ("The faith was Protestantism.", "Protestants", None, 1, "recall"),
        ("Her art", "artist", None, 0, "recall"),
        ("It rose.", "it rose by half", None, 0, "recall"),
        ("The city of Rome", "city of Oslo", "Which city?", 0, "recall"),
        ("Rome", "the city of Rome", "Which city?", 1, "recall"),
        ("on 20 March", "20 March or 21 March", None, 1, "recall"),
        ("the IMF", "International Monetary Fund (IMF)", None, 1, "recall"),
        ("black earth", "the black earth (terra preta)", None, 1, "recall"),
        ("", "Paris", None, 0, "recall"),
        ("Rome", ["Paris", "Rome"], None, 1, "exact"),
        (12, 12.0, None, 1, "numeric"),
    ],
)
def test_the_stage_that_decides_is_named(answer, reference, prompt, value, stage):
    found = score(answer, reference, prompt)
    assert (found.value, found.stage) == (value, stage)


def test_a_long_prompt_is_no_question():
    text = "The tower stands in Rome. " * 20
    assert score("the tower", "the tower in Rome", text).value == 0
    assert score("the tower", "the tower in Rome", text).stage == "recall"


@pytest.mark.parametrize(
    ("answer", "reference", "value"),
    [
        ("Paris", "paris", 1),
        ("It is Paris.", "Paris", 1),
        ("It is not Paris.", "Paris", None),
        ("It is not Paris.", "not Paris", 1),
        ("There are many towns there. One is Paris.", "Paris", None),
        ("It is Rome.", "Paris", 0),
        ("In 1855.", "1853", 0),
        ("In 1855 or so.", "after around 1853", None),
        ("Long " * 40, "Paris", 0),
        ("long " * 40, "animals that bark", None),
        ("Obama", "Barack Obama", None),
        ("It is so, yes.", "yes", None),
        ("Yes.", "yes", 1),
        ("Rome", ["Paris", "Oslo"], 0),
        ("Barack", ["Paris", "Barack Obama"], None),
        ("Rome.", ["Rome in Italy", "rome"], 1),
    ],
)
def test_what_is_in_doubt_is_left_to_a_judge(answer, reference, value):
    found = score(answer, reference, undecided="leave")
    assert found.value == value
    assert (found.reason == "undecided") == (value is None)


def test_several_answers_are_averaged():
    assert score(["Rome", "Oslo", None], "Rome").value == 0.5
    assert score(["Rome", "Obama"], ["Rome", "Barack Obama"], undecided="leave").reason == "undecided"


@pytest.mark.parametrize(
    ("answer", "reference", "reason"),
    [
        ("x", None, "no reference"),
        ("x", " ", "no reference"),
        ("x", [], "no reference"),
        (None, "x", "no answer"),
    ],
)
def test_what_cannot_be_compared_is_unscored(answer, reference, reason):
    assert score(answer, reference).reason == reason


def test_an_unknown_wish_is_refused():
    with pytest.raises(UsageError, match="Undecided cannot be maybe"):
        scorers.make("cascade", {"undecided": "maybe"})


ODD = [
    "",
    "?!",
    "C++",
    "½",
    "٣",
    "1.",
    "1) 2",
    "(",
    "or",
    "\n1. a\n",
    "İ",
    "\x00",
    "🙂",
    "9" * 5000,
    "the a",
    "$",
    "a million million",
]
ODD += [True, {"a": 1}, [1, "2"], float("nan"), "zero hundred", "and and", "- -5", "no", "北"]


@pytest.mark.parametrize("undecided", ["decide", "leave"])
def test_odd_input_is_scored_the_same_twice_and_equals_itself(undecided):
    for answer, reference in itertools.product(ODD, ODD):
        found = score(answer, reference, "How many? 5 北", undecided)
        assert found == score(answer, reference, "How many? 5 北", undecided)
        if isinstance(answer, str) and answer == reference and answer.strip():
            assert found.value == 1
