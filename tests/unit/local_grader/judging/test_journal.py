import sqlite3

import pytest

from local_grader.judge import Identity
from local_grader.judging.journal import Answer, Journal
from sync.errors import UsageError

JUDGE = Identity(model="m:1b", digest="aa", server="ollama 0.33.0", options={"num_ctx": 4096})


def opened(tmp_path, judge=JUDGE, rubric="r1"):
    return Journal(tmp_path / "verdicts.db", judge, rubric)


def test_what_was_put_is_there_after_opening_again(tmp_path):
    answer = Answer(text="{}", prompt_tokens=7, reply_tokens=3, served_s=0.5, attempts=2, at=1.5)
    failed = Answer(text=None, reason="timed out", explanation="No word for 300 s.", is_passing=True)
    journal = opened(tmp_path)
    journal.put([("p1", answer), ("p2", failed)])
    journal.close()
    journal = opened(tmp_path)
    assert journal.known(["p1", "p2", "p3"]) == {"p1": answer, "p2": failed}
    journal.close()


@pytest.mark.parametrize(
    ("judge", "rubric", "is_known"),
    [
        (JUDGE, "r1", True),
        (Identity(model="m:1b", digest="aa", server="ollama 0.34.0", options={"num_ctx": 4096}), "r1", True),
        (Identity(model="m:1b", digest="bb", server="ollama 0.33.0", options={"num_ctx": 4096}), "r1", False),
        (Identity(model="m:1b", digest="aa", server="ollama 0.33.0", options={"num_ctx": 8192}), "r1", False),
        (JUDGE, "r2", False),
    ],
)
def test_an_answer_belongs_to_model_options_and_rubric(tmp_path, judge, rubric, is_known):
    journal = opened(tmp_path)
    journal.put([("p", Answer(text="{}"))])
    journal.close()
    other = opened(tmp_path, judge, rubric)
    assert bool(other.known(["p"])) is is_known
    other.close()


def test_two_processes_may_write_at_once(tmp_path):
    first, second = opened(tmp_path), opened(tmp_path)
    first.put([("p1", Answer(text="1"))])
    second.put([("p2", Answer(text="2")), ("p1", Answer(text="3"))])
    assert {prompt: answer.text for prompt, answer in first.known(["p1", "p2"]).items()} == {
        "p1": "3",
        "p2": "2",
    }
    first.close()
    second.close()


def test_many_prompts_are_asked_for_at_once(tmp_path):
    journal = opened(tmp_path)
    journal.put((f"p{number}", Answer(text=str(number))) for number in range(1300))
    assert len(journal.known([f"p{number}" for number in range(2000)])) == 1300
    journal.close()


def test_a_damaged_file_says_what_to_do(tmp_path):
    (tmp_path / "verdicts.db").write_bytes(b"no database at all, and long enough to be looked at" * 40)
    with pytest.raises(UsageError, match="damaged") as caught:
        opened(tmp_path)
    assert "Move the file away" in caught.value.hint


def test_a_newer_file_is_left_alone(tmp_path):
    database = sqlite3.connect(tmp_path / "verdicts.db")
    database.execute("PRAGMA user_version = 9")
    database.close()
    with pytest.raises(UsageError, match="newer version"):
        opened(tmp_path)
