"""Asking, with the judge that a function plays: what is asked how often, and what is kept."""

import threading
import time
from collections import Counter
from contextlib import closing

import pytest

from local_grader.judge import CannotJudge, JudgeUnavailable, NotNow, Prompt, Reply
from local_grader.judges.scripted import ScriptedJudge
from local_grader.judging.asking import Asking
from local_grader.judging.journal import Answer, Journal
from local_grader.judging.pace import Pace
from local_grader.judging.retries import Retries
from local_grader.rubrics.verdicts import BAD_REPLY, BadReply
from sync.clock import SystemClock
from sync.progress import Silent

SOON = Retries(first_wait_s=0.001, factor=1.0, patience_s=0.02)


def prompts(count):
    made = [Prompt(system="s", user=f"u{number:05}", schema={}) for number in range(count)]
    return {one.sha256: one for one in made}


def good(text):
    if text != "good":
        raise BadReply("it is not good")


def scripted(answer=lambda prompt, attempt: "good"):
    return ScriptedJudge(answer)


class Scene:
    """A judge and its journal; ``times`` counts how often each prompt was sent."""

    def __init__(self, tmp_path, script):
        self.times = Counter()
        self.order = []
        self._lock = threading.Lock()
        self._script = script
        self._path = tmp_path / "verdicts.db"

    def _answer(self, prompt, attempt):
        with self._lock:
            self.times[prompt.user] += 1
            self.order.append(prompt.user)
        return self._script(prompt, attempt)

    def run(self, asked, retries=SOON, slots=None, fresh=False, may_ask=lambda: True):
        judge = scripted(self._answer)
        journal = Journal(self._path, judge.look().identity, "rubric")
        try:
            asking = Asking(
                judge,
                journal,
                good,
                name="m",
                clock=SystemClock(),
                progress=Silent(),
                pace=Pace(slots),
                retries=retries,
                fresh=fresh,
                may_ask=may_ask,
            )
            self.health = asking.health
            return asking.run(asked)
        finally:
            judge.close()
            journal.close()


def test_every_prompt_is_asked_once_and_never_again(tmp_path):
    scene, asked = Scene(tmp_path, lambda prompt, attempt: "good"), prompts(200)
    first = scene.run(asked)
    assert set(first) == set(asked)
    assert set(scene.times.values()) == {1}
    assert scene.run(asked) == first
    assert sum(scene.times.values()) == 200
    assert (scene.health.known, scene.health.asked) == (200, 0)


def test_fresh_asks_again_and_replaces(tmp_path):
    scene, asked = Scene(tmp_path, lambda prompt, attempt: "good"), prompts(5)
    scene.run(asked)
    scene.run(asked, fresh=True)
    assert set(scene.times.values()) == {2}


def test_prompts_that_begin_alike_go_one_after_the_other(tmp_path):
    scene = Scene(tmp_path, lambda prompt, attempt: "good")
    scene.run(prompts(50), slots=1)
    assert sorted(scene.order[:20]) == [f"u{number:05}" for number in range(20)]


@pytest.mark.parametrize(
    ("script", "sent", "reason", "is_passing"),
    [
        (CannotJudge("prompt too long"), 1, "prompt too long", False),
        (CannotJudge("timed out", is_passing=True), 4, "timed out", True),
        ("bad", 2, BAD_REPLY, False),
    ],
)
def test_what_cannot_be_answered_is_kept_with_its_reason_and_the_others_are_answered(
    tmp_path, script, sent, reason, is_passing
):
    def answer(prompt, attempt):
        if prompt.user != "u00003":
            return "good"
        if isinstance(script, CannotJudge):
            raise script
        return script

    scene, asked = Scene(tmp_path, answer), prompts(10)
    answers = {asked[sha256].user: answer for sha256, answer in scene.run(asked).items()}
    assert scene.times["u00003"] == sent
    failed = answers.pop("u00003")
    assert (failed.text, failed.reason, failed.is_passing) == (None, reason, is_passing)
    assert {answer.text for answer in answers.values()} == {"good"}
    scene.run(asked)
    assert (scene.times["u00003"] > sent) is is_passing, "only what passes is asked another time"


def test_what_passes_is_answered_in_the_end(tmp_path):
    def answer(prompt, attempt):
        if attempt < 2:
            raise CannotJudge("engine failed", is_passing=True)
        return "good"

    scene = Scene(tmp_path, answer)
    assert {one.text for one in scene.run(prompts(8)).values()} == {"good"}
    assert set(scene.times.values()) == {3}


def test_a_busy_server_costs_no_sample(tmp_path):
    turned_away = Counter()

    def answer(prompt, attempt):
        turned_away[prompt.user] += 1
        if turned_away[prompt.user] < 9:
            raise CannotJudge("server busy", is_busy=True)
        return "good"

    scene = Scene(tmp_path, answer)
    assert {one.text for one in scene.run(prompts(4)).values()} == {"good"}


@pytest.mark.parametrize("failure", [{"is_busy": True}, {"is_passing": True}])
def test_a_server_that_is_there_and_replies_to_nothing_ends_it(tmp_path, failure):
    def answer(prompt, attempt):
        raise CannotJudge("no reply", "It told nothing.", **failure)

    with pytest.raises(JudgeUnavailable, match=r"replied to nothing.*It told nothing"):
        Scene(tmp_path, answer).run(prompts(40), Retries(first_wait_s=0.001, factor=1.0, patience_s=0.02))


def test_a_few_prompts_that_get_no_reply_do_not_end_it(tmp_path):
    def answer(prompt, attempt):
        if prompt.user in ("u00000", "u00007"):
            time.sleep(0.01)
            raise CannotJudge("timed out", is_passing=True)
        return "good"

    endless = Retries(first_wait_s=0.001, factor=1.0, patience_s=0.0)
    answers = Scene(tmp_path, answer).run(prompts(8), endless)
    assert [one.reason for one in answers.values() if one.text is None] == ["timed out"] * 2


@pytest.mark.parametrize("fresh", [False, True])
def test_of_two_replies_to_one_prompt_the_first_counts_unless_it_is_asked_afresh(tmp_path, fresh):
    scene, asked = Scene(tmp_path, lambda prompt, attempt: "good"), prompts(1)

    def answer(prompt, attempt):
        # Another grading, where the disk knows no locks.
        with closing(Journal(tmp_path / "verdicts.db", scripted().look().identity, "rubric")) as other:
            other.put([(prompt.sha256, Answer(text="good"))])
        return Reply(text="good", reply_tokens=7)

    slow = Scene(tmp_path, answer)
    (answered,) = slow.run(asked, fresh=fresh).values()
    (kept,) = scene.run(asked).values()
    assert answered == kept
    assert (kept.reply_tokens == 7) is fresh


def test_a_server_that_comes_back_is_asked_on(tmp_path):
    left = [3]

    def answer(prompt, attempt):
        if left[0]:
            left[0] -= 1
            raise CannotJudge("server gone", is_gone=True)
        return "good"

    assert len(Scene(tmp_path, answer).run(prompts(20))) == 20


@pytest.mark.parametrize("slots", [None, 4])
def test_a_prompt_that_kills_the_server_takes_no_other_with_it(tmp_path, slots):
    flying, lock = Counter(), threading.Lock()

    def answer(prompt, attempt):
        with lock:
            flying[prompt.user] += 1
        time.sleep(0.005)
        with lock:
            dead = flying["u00005"] > 0 and flying[prompt.user] > 0
            if dead:
                flying.clear()  # all that is under way dies with it
            alive = flying.pop(prompt.user, None) is not None
        if dead or not alive:
            raise CannotJudge("server gone", is_gone=True)
        return "good"

    answers = Scene(tmp_path, answer).run(prompts(30), slots=slots)
    assert [one.reason for one in answers.values() if one.text is None] == ["server gone"]


def test_a_server_that_stays_away_ends_it_and_nothing_that_was_answered_is_lost(tmp_path):
    answered = []

    def answer(prompt, attempt):
        if len(answered) >= 7:
            raise CannotJudge("server gone", is_gone=True)
        answered.append(prompt.user)
        return "good"

    scene, asked = Scene(tmp_path, answer), prompts(40)
    endless = Retries(first_wait_s=0.001, factor=1.0, patience_s=0.005, attempts=10**6)
    with pytest.raises(JudgeUnavailable, match="gone away"):
        scene.run(asked, endless)
    scene._script = lambda prompt, attempt: "good"
    before = Counter(answered)
    scene.times.clear()
    scene.run(asked)
    assert not before.keys() & scene.times.keys()


def test_what_was_under_way_is_kept_when_no_more_may_be_asked(tmp_path):
    scene, asked = Scene(tmp_path, lambda prompt, attempt: "good"), prompts(40)
    with pytest.raises(NotNow):
        scene.run(asked, slots=4, may_ask=lambda: len(scene.times) < 9)
    before = set(scene.times)
    assert 9 <= len(before) < 40
    scene.run(asked)
    assert set(scene.times.values()) == {1}


def test_a_bug_is_not_taken_for_a_verdict(tmp_path):
    def answer(prompt, attempt):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        Scene(tmp_path, answer).run(prompts(3))


def test_a_reload_is_counted_and_does_not_disturb_the_pace(tmp_path):
    def answer(prompt, attempt):
        return Reply(text="good", load_s=3.0 if prompt.user == "u00001" else 0.01)

    scene = Scene(tmp_path, answer)
    scene.run(prompts(4))
    assert scene.health.reloads == 1
