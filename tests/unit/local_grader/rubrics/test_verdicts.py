"""What is read from replies, and that nothing else than the model's own object is."""

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local_grader import rubrics
from local_grader.judge import CannotJudge
from local_grader.rubrics.reading import parse
from local_grader.rubrics.verdicts import ANSWER_FIRST, BAD_REPLY, RIVAL_FIRST, BadReply, check, judgement
from local_grader.scores import Judgement

CORRECT, PAIRWISE = (rubrics.load(name, Path()) for name in ("correct", "pairwise"))
CRITERIA = parse(
    "both",
    """\
kind = "criteria"
criteria = [
  { name = "short", question = "Is it short?" },
  { name = "clear", question = "Is it clear?", weight = 3 },
]
""",
    "both.toml",
)
LATE = CannotJudge("timed out", "The server said nothing for 300 s.")


def reply(verdict: object, reason: str = "So it is.") -> str:
    name = "verdicts" if isinstance(verdict, dict) else "verdict"
    return json.dumps({"reason": reason, name: verdict})


GOOD = reply("correct")


@pytest.mark.parametrize(
    "text",
    [GOOD, f" \n{GOOD}\n", f"```json\n{GOOD}\n```", f"```\n{GOOD}```", f"\n```JSON \n{GOOD}\n```  ",
     '{"verdict": "correct", "reason": ""}', reply("correct", "x" * 400), reply("correct", "```\n}")],
)  # fmt: skip
def test_the_object_that_was_asked_for_is_taken(text: str) -> None:
    check(CORRECT, text)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "is not JSON and nothing else: Expecting value"),
        ("correct", "is not JSON and nothing else"),
        (f"Here it is: {GOOD}", "is not JSON and nothing else"),
        (f"{GOOD}\nI hope that helps.", "is not JSON and nothing else: Extra data"),
        (f"{GOOD}\n{GOOD}", "Extra data"),
        (f"```json\n{GOOD}\n```\n```json\n{GOOD}\n```", "is not JSON and nothing else"),
        (f"```json\n```json\n{GOOD}\n```\n```", "is not JSON and nothing else"),
        (f"<think>hm</think>{GOOD}", "is not JSON and nothing else"),
        (GOOD[:-1], "is not JSON and nothing else"),
        (reply("Correct"), "verdict: 'Correct' is not one of ['correct', 'incorrect']"),
        (reply("correct or incorrect"), "is not one of"),
        (reply(True), "verdict: True is not of type 'string'"),
        (reply(["correct"]), "is not of type 'string'"),
        ('{"verdict": "correct"}', "'reason' is a required property"),
        ('{"reason": "correct"}', "'verdict' is a required property"),
        ('{"reason": "a", "verdict": "correct", "score": 1}', "'score' was unexpected"),
        ('{"reason": "a", "verdict": "incorrect", "verdict": "correct"}', "two fields of one name"),
        ('{"reason": NaN, "verdict": "correct"}', "holds NaN"),
        (f"[{GOOD}]", "is not of type 'object'"),
        (json.dumps(GOOD), "is not of type 'object'"),
        (reply("correct", "x" * 401), "reason: 'xxxx"),
        ("[" * 100_000, "nested too deeply"),
        ("1" * 5000, "is not JSON and nothing else"),
    ],
)
def test_anything_else_is_no_verdict_and_told_why(text: str, told: str) -> None:
    with pytest.raises(BadReply, match=re.escape(told)) as caught:
        check(CORRECT, text)
    assert str(caught.value).endswith(".") and len(str(caught.value)) < 300
    assert judgement(CORRECT, "j", [text]).value is None
    assert judgement(CORRECT, "j", [text]).reason == BAD_REPLY


def test_a_word_is_worth_what_the_rubric_says() -> None:
    assert judgement(CORRECT, "j", [GOOD]) == Judgement(
        judge="j", verdict="correct", value=1.0, reasoning="So it is."
    )
    assert judgement(CORRECT, "j", [reply("incorrect")]).value == 0.0


def test_criteria_count_by_weight_and_are_kept_each() -> None:
    said = judgement(CRITERIA, "j", [reply({"clear": "yes", "short": "no"})])
    assert (said.value, said.verdict, said.parts) == (0.75, "1 of 2", {"clear": "yes", "short": "no"})


@pytest.mark.parametrize("verdicts", [{"clear": "yes"}, {"clear": "yes", "short": "maybe"}, {}, "yes"])
def test_criteria_are_all_answered_or_none_counts(verdicts: object) -> None:
    assert judgement(CRITERIA, "j", [reply(verdicts)]).reason == BAD_REPLY


@pytest.mark.parametrize(
    ("first", "second", "verdict", "value", "orders"),
    [
        ("A", "B", "win", 1.0, ("win", "win")),
        ("B", "A", "lose", 0.0, ("lose", "lose")),
        ("tie", "tie", "tie", 0.5, ("tie", "tie")),
        ("A", "A", "tie", 0.5, ("win", "lose")),
        ("B", "B", "tie", 0.5, ("lose", "win")),
        ("A", "tie", "tie", 0.5, ("win", "tie")),
        ("tie", "A", "tie", 0.5, ("tie", "lose")),
    ],
)
def test_orders_that_disagree_make_a_tie(
    first: str, second: str, verdict: str, value: float, orders: tuple[str, str]
) -> None:
    said = judgement(PAIRWISE, "j", [reply(first, "One."), reply(second, "Two.")])
    assert (said.verdict, said.value) == (verdict, value)
    assert (said.parts[ANSWER_FIRST], said.parts[RIVAL_FIRST]) == orders
    flipped = orders[0] != orders[1]
    assert said.reasoning.startswith("The order decided, so this is a tie.") is flipped
    assert ("Two." in said.reasoning) is flipped and "One." in said.reasoning


@pytest.mark.parametrize("replies", [[LATE, reply("A")], [reply("A"), LATE]])
def test_one_order_alone_is_no_verdict(replies: list[str | CannotJudge]) -> None:
    said = judgement(PAIRWISE, "j", replies)
    assert (said.value, said.verdict, said.reason) == (None, "", "timed out")
    assert said.reasoning == "The server said nothing for 300 s."


def test_several_answers_are_worth_their_mean() -> None:
    said = judgement(CORRECT, "j", [reply("correct", "One."), reply("incorrect", "Two.")])
    assert (said.value, said.verdict) == (0.5, "1 correct, 1 incorrect")
    assert said.parts == {"answer 1": "correct", "answer 2": "incorrect"}
    assert said.reasoning == "Answer 1: One. Answer 2: Two."


def test_several_answers_of_which_one_got_no_verdict_have_none() -> None:
    assert judgement(CORRECT, "j", [GOOD, LATE, GOOD]).reason == "timed out"


def test_several_pairs_keep_the_orders_of_each() -> None:
    said = judgement(PAIRWISE, "j", [reply("A"), reply("B"), reply("A"), reply("A")])
    assert said.value == 0.75
    assert said.parts["answer 2, answer first"] == "win" and said.parts["answer 2, rival first"] == "lose"


def test_the_judges_words_are_kept_on_one_line_that_a_terminal_bears() -> None:
    said = judgement(CORRECT, "j", ['{"reason": "a\\n\\u001b[2Jb \\ud83d", "verdict": "correct"}'])
    assert said.reasoning == "a \ufffd[2Jb \ufffd"


@given(st.text() | st.dictionaries(st.sampled_from(["reason", "verdict"]), st.text()).map(json.dumps))
def test_no_reply_is_ever_more_than_a_bad_one(text: str) -> None:
    try:
        check(CORRECT, text)
    except BadReply:
        assert judgement(CORRECT, "j", [text]).value is None
    else:
        assert judgement(CORRECT, "j", [text]).verdict in ("correct", "incorrect")
