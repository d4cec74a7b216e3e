"""The journal is looked up without a trace, and how long verdicts took tells how long others will."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from local_grader.ahead.kept_verdicts import Kept, each_s, kept
from local_grader.judge import Identity
from local_grader.judging.journal import Answer, Journal
from sync.errors import UsageError

JUDGE = Identity(model="m", digest="d", server="Ollama 1", options={"seed": 0})


def journal(path: Path, judge: Identity = JUDGE, rubric: str = "r") -> Journal:
    return Journal(path, judge, rubric, "m as called")


def test_only_what_would_not_be_asked_again_is_settled_and_nothing_is_left_behind(tmp_path: Path) -> None:
    path = tmp_path / "verdicts.db"
    before = journal(path)
    before.put([("yes", Answer(text="{}")), ("never", Answer(text=None, reason="too long"))])
    before.put([("later", Answer(text=None, reason="timed out", is_passing=True))])
    before.close()
    other = journal(path, rubric="another")
    other.put([("elsewhere", Answer(text="{}"))])
    other.close()
    files = sorted(tmp_path.iterdir())
    assert kept(path, "m as called", "r") == Kept(called=JUDGE, settled=frozenset({"yes", "never"}))
    assert kept(path, "never called", "r") == Kept()
    assert kept(tmp_path / "none.db", "m as called", "r") == Kept()
    assert sorted(tmp_path.iterdir()) == files


def test_judge_that_is_known_is_looked_up_by_who_it_is_not_by_what_it_is_called(tmp_path: Path) -> None:
    path = tmp_path / "verdicts.db"
    before = journal(path)
    before.put([("yes", Answer(text="{}"))])
    before.close()
    newer = replace(JUDGE, digest="e")
    assert kept(path, "another name", "r", replace(JUDGE, server="Ollama 2")) == Kept(
        settled=frozenset({"yes"})
    )
    assert kept(path, "m as called", "r", newer) == Kept(called=JUDGE)
    assert kept(path, "another name", "r", newer) == Kept()


def test_what_another_grading_is_writing_just_now_counts(tmp_path: Path) -> None:
    writing = journal(tmp_path / "verdicts.db")
    writing.put([("now", Answer(text="{}", served_s=3.0, at=5.0))])
    found = kept(tmp_path / "verdicts.db", "m as called", "r")
    writing.close()
    assert (found.settled, found.each_s) == (frozenset({"now"}), 3.0)


def test_journal_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    path = tmp_path / "verdicts.db"
    path.write_bytes(b"no database at all" * 100)
    with pytest.raises(UsageError, match="cannot be read"):
        kept(path, "m as called", "r")


@pytest.mark.parametrize(
    ("timed", "each"),
    [
        ([], None),
        ([(100.0, 2.0)], 2.0),
        ([(106.0, 2.0), (103.0, 2.0), (100.0, 2.0)], 3.0),
        ([(102.0, 2.0), (101.0, 2.0), (100.0, 2.0)], 1.0),  # two at once
        ([(9000.0, 2.0), (102.0, 2.0), (100.0, 2.0)], 2.0),  # a day lies between two gradings
        ([(9000.0, 4.0), (100.0, 2.0)], 3.0),
    ],
)
def test_time_between_answers_counts_and_pauses_do_not(
    timed: Sequence[tuple[float, float]], each: float | None
) -> None:
    assert each_s(timed) == each
