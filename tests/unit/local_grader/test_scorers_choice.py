import time

import pytest

from local_grader import scorers
from local_grader.samples import Sample
from sync.errors import UsageError

PROMPT = "What is the capital of France?\nA) Rome\nB) Paris\nC) Bonn\nD) A town"


def graded(answer, reference="B", prompt=None, **options):
    sample = Sample(id="a", answer=answer, reference=reference, prompt=prompt, place="a.jsonl line 1")
    return scorers.make("choice", options).score(sample)


@pytest.mark.parametrize(
    "answer",
    [
        "B",
        "b",
        " B. ",
        "(B)",
        "(b)",
        "[B]",
        "B)",
        "**B**",
        "**B.** Paris",
        "B. Paris",
        "B) Paris",
        "B: Paris",
        "B, because it is.",
        "B because it is.",
        "Answer: B",
        "ANSWER: B",
        "answer: b",
        "The answer is B",
        "The answer is (B).",
        "The answer is (b) since Paris is the capital.",
        "The answer is **B**.",
        "The correct answer is option B.",
        "The correct option is: B) Paris",
        "**Answer:** B",
        "**Final answer: B**",
        "My answer would be B.",
        "The answer to this question is B.",
        "The answer is therefore most likely B",
        "I choose B.",
        "I would go with option B",
        "Option B is correct.",
        "(B) is the correct answer",
        "$\\boxed{B}$",
        "so $$\\boxed{\\text{B}}$$",
        "The answer is A. No wait, the answer is B.",
        "Answer: A\nA closer look: it lies on the Seine.\nAnswer: B",
        "A is a city in Italy.\nB",
        "Rome is A, Bonn is C.\n\nB\n",
        "A common mistake is to think of Rome. The answer is B.",
        "The answer is not A. The answer is B, a fine city.",
        "I think (B) as it is a fine city",
        "Neither A nor C is correct; B is correct.",
        "the answer is “B”",
        "Answer:\nB",
        "A. is wrong, so the answer is\n\n**B**",
    ],
)
def test_a_stated_choice_is_found(answer):
    result = graded(answer)
    assert (result.value, result.answer) == (1.0, "B")


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "A man walks into a bar.",
        "a",
        "The answer is a tricky one.",
        "The answer is a",
        "The answer is not B.",
        "The incorrect answer is B.",
        "A. Rome\nB. Paris\nC. Bonn",
        "Either (A) or (B).",
        "Vitamin B and plan C",
        "B-side",
        "Neither A nor B is correct.",
        "I would not choose B",
        "I'd say both.",
        "Answer: Bonn",
        "The answer is E",
    ],
)
def test_what_states_no_choice_or_another_is_wrong(answer):
    assert graded(answer).value == 0


def test_an_article_is_no_choice():
    assert graded("A good question! The city has a tower.", "A").explanation == "states no choice"
    assert graded("The answer is a city in a big country.", "A").explanation == "states no choice"
    assert graded("I think I know", "I", choices="GHI").explanation == "states no choice"
    assert graded("The answer is A.", "A").value == 1
    assert graded("a", "A").value == 1


@pytest.mark.parametrize("reference", ["B", "b", "(B)", "B.", "B) Paris", "Paris", "paris.", ["Z", "B"]])
def test_a_reference_is_a_letter_or_a_text_that_the_prompt_lists(reference):
    assert graded("Answer: B", reference, PROMPT).value == 1
    assert graded("Answer: A", reference, PROMPT).value == 0


def test_an_answer_may_be_the_text_of_a_choice():
    assert graded("Paris.", "B", PROMPT).answer == "B"
    assert graded("Lyon", "B", PROMPT).explanation == "states no choice"


@pytest.mark.parametrize(
    ("reference", "reason"),
    [
        (None, "no reference"),
        ("E", "reference is none of the choices"),
        (1, "reference is none of the choices"),
    ],
)
def test_what_cannot_be_compared_is_unscored(reference, reason):
    assert graded("B", reference, PROMPT).reason == reason


@pytest.mark.parametrize(
    ("answer", "value"),
    [
        ("Yes.", 1),
        ("yes, because it is", 1),
        ("The answer is **yes**", 1),
        ("No... I mean, the answer is: Yes", 1),
        ("It is unclear, so no.\nYes", 1),
        ("That would be a yes from me", 1),
        ("No", 0),
        ("yes or no?", 0),
        ("yesterday", 0),
        ("not sure", 0),
    ],
)
def test_choices_may_be_words(answer, value):
    assert graded(answer, "yes", choices="yes, no, not sure").value == value


def test_several_answers_are_the_share_that_is_right():
    assert graded(["B", "(A)", "Answer: B", None, "C"]).value == 0.5


@pytest.mark.parametrize("choices", ["A", "", "AA", "Aa", "yes,,no", "yes,yes"])
def test_choices_that_are_none_are_refused(choices):
    with pytest.raises(UsageError):
        scorers.make("choice", {"choices": choices})


@pytest.mark.parametrize(
    "answer",
    [
        "answer " * 25_000,
        "(" * 150_000,
        " \n" * 80_000,
        "answer is " * 15_000,
        "A " * 80_000,
        "answer for " * 15_000,
    ],
)
def test_hostile_text_takes_no_time(answer):
    begun = time.monotonic()
    graded(answer)
    assert time.monotonic() - begun < 5
