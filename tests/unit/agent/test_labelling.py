"""The keys of ``hybrid label`` and the page that it shows, without a terminal."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from agent.labelling import Choice, State, choices, press, queue
from agent.labelling_page import page
from local_grader.kept import KeptGrade
from local_grader.scores import Judgement

YES_NO = choices({})


def kept(sample: str, **about: object) -> KeptGrade:
    fields = {"state": "scored", "value": 1.0, "answer": f"answer of {sample}", **about}
    return KeptGrade(sample=sample, **fields)  # type: ignore[arg-type]


def state(*samples: str) -> State:
    return State(queue=[kept(sample) for sample in samples])


def typed(start: State, keys: str) -> tuple[State, list[tuple[str, str | None]]]:
    written = []
    for key in keys:
        pressed = press(start, key, YES_NO)
        start = pressed.state
        if pressed.write:
            sample, choice = pressed.write
            written.append((sample, choice.word if choice else None))
    return start, written


def shown(current: State, width: int = 60, height: int = 20, words: list[Choice] | None = None) -> list[str]:
    made = page(current, words or YES_NO, title="r1", question="Is it right?", width=width, height=height)
    return [line.text for line in made.lines]


def test_a_key_labels_the_sample_and_shows_the_next() -> None:
    after, written = typed(state("a", "b", "c"), "yn")
    assert written == [("a", "yes"), ("b", "no")]
    assert after.current is not None and after.current.sample == "c"
    assert (after.labelled, after.skipped) == (2, 0)


def test_skipping_writes_nothing() -> None:
    after, written = typed(state("a", "b"), "sy")
    assert written == [("b", "yes")]
    assert (after.labelled, after.skipped, after.current) == (1, 1, None)


def test_undo_takes_the_last_label_back_step_by_step() -> None:
    after, written = typed(state("a", "b", "c"), "ysnuuu")
    assert written == [("a", "yes"), ("c", "no"), ("c", None), ("a", None)]
    assert (after.at, after.labelled, after.skipped) == (0, 0, 0)
    assert typed(state("a"), "u")[1] == []


def test_undo_works_at_the_end_too_and_other_keys_do_nothing_there() -> None:
    end, _ = typed(state("a"), "y")
    assert typed(end, "yns")[1] == []
    assert typed(end, "u")[1] == [("a", None)]


def test_unknown_keys_and_help_change_nothing() -> None:
    start = state("a")
    assert typed(start, "xY\x1b")[0] == start
    helping = press(start, "?", YES_NO).state
    assert press(helping, "y", YES_NO) == replace(press(start, "!", YES_NO), state=start)


def test_a_new_size_of_the_terminal_leaves_help_open() -> None:
    helped = press(state("a"), "?", YES_NO).state
    assert helped.help and press(helped, "", YES_NO).state == helped


def test_q_quits() -> None:
    assert press(state("a"), "q", YES_NO).quit
    assert not press(state("a"), "y", YES_NO).quit


@pytest.mark.parametrize(
    ("verdicts", "keys"),
    [
        ({}, {"y": "yes", "1": "yes", "n": "no", "2": "no"}),
        (
            {"incorrect": 0.0, "correct": 1.0},
            {"y": "correct", "1": "correct", "n": "incorrect", "2": "incorrect"},
        ),
        ({"no": 0.0, "partly": 0.5, "full": 1.0}, {"1": "full", "2": "partly", "3": "no"}),
        ({"1": 0.0, "2": 0.5, "3": 1.0}, {"1": "1", "2": "2", "3": "3"}),
    ],
)
def test_verdict_words_have_their_keys(verdicts: dict[str, float], keys: dict[str, str]) -> None:
    made = choices(verdicts)
    assert {key: each.word for each in made for key in each.keys} == keys
    assert all(each.value == verdicts.get(each.word, each.value) for each in made)


def test_the_order_is_random_and_stable_and_goes_on_where_it_stopped() -> None:
    grades = [kept(f"s{at}") for at in range(50)]
    first, _ = queue(grades, (), n=10, seed=0, hard=False)
    again, before = queue(list(reversed(grades)), {first[0].sample, "s99"}, n=10, seed=0, hard=False)
    assert again == first[1:] and before == 1
    assert queue(grades, (), n=12, seed=0, hard=False)[0][:10] == first
    assert queue(grades, (), n=10, seed=1, hard=False)[0] != first
    assert [grade.sample for grade in first] != [f"s{at}" for at in range(10)]


def test_what_was_never_answered_is_not_asked_about() -> None:
    grades = [kept("a", state="missing", value=None), kept("b", state="unscored", value=None)]
    assert [grade.sample for grade in queue(grades, (), n=5, seed=0, hard=False)[0]] == ["b"]


def test_hard_samples_come_sooner_where_they_are_asked_for() -> None:
    split = [Judgement(judge="a", value=1.0), Judgement(judge="b", value=0.0)]
    grades = [kept(f"easy{at}") for at in range(300)] + [
        kept(f"hard{at}", judgements=split) for at in range(100)
    ]
    share = {
        hard: sum(one.sample.startswith("hard") for one in queue(grades, (), n=80, seed=0, hard=hard)[0])
        for hard in (False, True)
    }
    assert share[False] < 35 < share[True]


def test_the_page_shows_the_sample_and_never_a_verdict() -> None:
    sample = kept(
        "a",
        prompt="Where?",
        reference="Paris",
        answer="In Rome",
        explanation="THE JUDGE SAYS NO",
        judgements=[Judgement(judge="llama", verdict="THE VERDICT", value=0.0, reasoning="THE REASON")],
        stage="judge",
    )
    text = "\n".join(shown(State(queue=[sample])))
    for wanted in ("Where?", "Paris", "In Rome", "[y] yes   [n] no", "sample 1 of 1"):
        assert wanted in text
    for hidden in ("JUDGE", "VERDICT", "REASON", "llama"):
        assert hidden not in text


def test_text_cannot_steer_the_terminal() -> None:
    nasty = kept("a", answer="red \x1b[31m bell \x07 back \r up \x9b2A turned \u202e")
    text = "\n".join(shown(State(queue=[nasty])))
    assert r"red \x1b[31m bell \x07 back \r up \x9b2A turned \u202e" in text
    assert not set(text) & set("\x1b\x07\r\x9b\u202e")


def test_long_text_wraps_and_scrolls_to_its_end() -> None:
    long = State(queue=[kept("a", answer=" ".join(f"word{at}" for at in range(400)))])
    assert "more below" in "\n".join(shown(long))
    seen, current = "", long
    for _ in range(40):
        made = page(current, YES_NO, title="r", question="", width=60, height=16)
        seen += "\n".join(line.text for line in made.lines)
        current = press(replace(current, top=made.top), " ", YES_NO).state
    assert all(f"word{at}" in seen for at in range(400))
    assert page(current, YES_NO, title="r", question="", width=60, height=16).top < 40
    up = press(replace(current, top=made.top), "b", YES_NO).state
    assert "above" in "\n".join(shown(up, height=16))


def test_keys_take_more_lines_where_the_terminal_is_narrow() -> None:
    lines = shown(state("a"), width=24, height=20)
    assert [line for line in lines if "[" in line] == [
        "[y] yes   [n] no",
        "[s] skip   [u] undo",
        "[?] help   [q] quit",
    ]


def test_an_answer_that_the_ledger_has_cut_is_said_to_be() -> None:
    assert "keeps 2,000 characters" in "\n".join(
        shown(State(queue=[kept("a", answer="x" * 2000)]), height=60)
    )


@given(
    answer=st.text(max_size=200),
    prompt=st.none() | st.text(max_size=200),
    width=st.integers(1, 120),
    height=st.integers(1, 50),
    top=st.integers(0, 50),
)
def test_a_page_always_fits(answer: str, prompt: str | None, width: int, height: int, top: int) -> None:
    sample = kept("a", answer=answer, prompt=prompt)
    lines = shown(State(queue=[sample], top=top), width=width, height=height)
    assert len(lines) <= height
    assert all(cell_len(line) <= max(20, width) for line in lines)
