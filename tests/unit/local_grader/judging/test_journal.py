import re
import sqlite3
import threading

import pytest

from local_grader.judge import Identity
from local_grader.judging.journal import Answer, Journal
from sync.errors import HybridError, UsageError

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


def test_a_failure_that_passes_replaces_no_reply(tmp_path):
    first, second = opened(tmp_path), opened(tmp_path)
    first.put([("p", Answer(text="{}"))])
    second.put([("p", Answer(text=None, reason="timed out", is_passing=True))])
    assert second.known(["p"])["p"].text == "{}"
    second.put([("p", Answer(text=None, reason="prompt too long"))])
    assert first.known(["p"])["p"].reason == "prompt too long"
    first.close()
    second.close()


def test_halves_of_characters_do_not_keep_the_rest_from_being_kept(tmp_path):
    journal = opened(tmp_path)
    failed = Answer(text=None, reason="server failed", explanation="\udcff said no")
    journal.put([("p1", Answer(text='{"reason": "\ud800"}')), ("p2", failed), ("p3", Answer(text="a\0b"))])
    known = journal.known(["p1", "p2", "p3"])
    assert known["p1"].text == '{"reason": "\ufffd"}'
    assert known["p2"].explanation == "\ufffd said no"
    assert known["p3"].text == "a\0b"
    journal.close()


@pytest.mark.parametrize("where", ["a-folder", "below-a-file/verdicts.db"])
def test_a_place_that_cannot_be_written_is_named(tmp_path, where):
    (tmp_path / "a-folder").mkdir()
    (tmp_path / "below-a-file").write_bytes(b"")
    with pytest.raises(HybridError, match=re.escape(str(tmp_path / where))) as caught:
        Journal(tmp_path / where, JUDGE, "r1")
    assert caught.value.hint


def test_a_journal_that_may_only_be_read_is_named(tmp_path):
    opened(tmp_path).close()
    journal = opened(tmp_path)
    journal._database.execute("PRAGMA query_only = ON")
    with pytest.raises(HybridError, match="No verdicts can be kept"):
        journal.put([("p", Answer(text="{}"))])
    journal.close()


def test_several_processes_may_make_the_file_at_once(tmp_path):
    """SQLite does not wait for whoever is just changing the file to write-ahead logging."""
    holder = sqlite3.connect(tmp_path / "verdicts.db", isolation_level=None)
    journals = []
    holder.execute("BEGIN")
    holder.execute("SELECT * FROM sqlite_master").fetchall()
    opening = threading.Thread(target=lambda: journals.append(opened(tmp_path).close()))
    opening.start()
    opening.join(1)
    holder.execute("COMMIT")
    holder.close()
    opening.join(30)
    assert journals == [None]
