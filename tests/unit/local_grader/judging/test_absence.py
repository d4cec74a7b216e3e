"""A server that goes away is waited for as long as a night needs, and whoever watches hears of it: at once, each minute, in the end."""

import time
from contextlib import closing

import pytest

from local_grader.judge import CannotJudge, JudgeUnavailable, ModelMissing, NotNow, Prompt
from local_grader.judges.scripted import ScriptedJudge
from local_grader.judging.absence import Absence
from local_grader.judging.asking import Asking
from local_grader.judging.journal import Journal
from local_grader.judging.pace import Pace
from local_grader.judging.retries import Retries
from sync.clock import ManualClock, SystemClock
from sync.progress import Silent

GONE = CannotJudge("server gone", "Nothing answers.", is_gone=True)


class Away(ScriptedJudge):
    """Prepared in vain for so many seconds of ``clock``."""

    def __init__(self, clock, until_s, error=None):
        super().__init__(lambda prompt, attempt: "good")
        self._clock, self._until, self._error = clock, clock.monotonic() + until_s, error

    def prepare(self, progress):
        if self._clock.monotonic() < self._until:
            raise self._error or JudgeUnavailable("Nothing answers at all.", "Start it.")
        return super().prepare(progress)


def absence(away_s, error=None):
    clock, said = ManualClock(), []
    return Absence(Away(clock, away_s, error), "m", clock, Retries(), said.append), said


def test_a_server_that_is_back_within_a_minute_is_told_of_twice():
    away, said = absence(20)
    away.wait(GONE, lambda: None)
    assert said == [
        "The server of judge m has gone away. It is waited for, up to 30 min: Nothing answers at all.",
        "The server of judge m is back.",
    ]


def test_what_is_back_at_once_is_no_news():
    away, said = absence(0)
    away.wait(GONE, lambda: None)
    assert said == []


def test_a_line_a_minute_tells_that_it_is_waited_for_until_patience_ends():
    away, said = absence(10**6)
    with pytest.raises(JudgeUnavailable, match="at all") as caught:
        away.wait(GONE, lambda: None)
    assert caught.value.hint == "Start it."
    assert said[1] == "The server of judge m is still away, after 1 min of 30 min."
    assert 28 <= len(said) - 1 <= 30


def test_what_comes_and_dies_again_and_again_is_waited_for_no_longer_all_told():
    away, _ = absence(10**6)
    with pytest.raises(JudgeUnavailable):
        away.wait(GONE, lambda: None)
    with pytest.raises(JudgeUnavailable, match="gone away"):
        away.wait(GONE, lambda: None)


def test_hours_that_end_meanwhile_end_the_waiting():
    away, _ = absence(10**6)
    left = [3]

    def check():
        left[0] -= 1
        if not left[0]:
            raise NotNow("not now")

    with pytest.raises(NotNow):
        away.wait(GONE, check)


def test_a_server_that_comes_back_without_the_model_is_not_waited_for():
    away, said = absence(10, ModelMissing("It has no model m.", "Fetch it."))
    with pytest.raises(ModelMissing):
        away.wait(GONE, lambda: None)
    assert said == []


class Counted(Silent):
    def __init__(self):
        self.amounts = []

    def advance(self, amount):
        self.amounts.append(amount)


def test_while_one_prompt_takes_long_progress_is_called_so_that_a_log_tells_of_it(tmp_path):
    def answer(prompt, attempt):
        time.sleep(1.2)
        return "good"

    judge, progress = ScriptedJudge(answer), Counted()
    prompt = Prompt(system="s", user="u", schema={})
    with closing(judge), closing(Journal(tmp_path / "v.db", judge.look().identity, "rubric")) as journal:
        asking = Asking(
            judge,
            journal,
            lambda text: None,
            name="m",
            clock=SystemClock(),
            progress=progress,
            pace=Pace(None),
            retries=Retries(),
        )
        asking.run({prompt.sha256: prompt})
    assert progress.amounts.count(0) > 2 and progress.amounts.count(1) == 1
