"""The agent grades what has come home so far, and with judges: only the whole is news, and a judge that is away is told of."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from agent.daemon.runs import grading_course, grading_duty
from agent.daemon.runs.home import Found, Home
from sync.clock import SystemClock
from tests.emulators.ollama import Asked, Model, Speed
from tests.support.agents import at
from tests.support.ollama import emulated
from tests.support.projects import Project

MODEL = "llama3.1:8b"


class Jumping(SystemClock):
    """The system's own, with seconds that can be added to both of its clocks."""

    def __init__(self) -> None:
        self.added = 0.0

    def wall(self) -> float:
        return super().wall() + self.added

    def monotonic(self) -> float:
        return super().monotonic() + self.added


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Project:
    project = Project(tmp_path, monkeypatch, capsys).make()
    gold = [{"id": f"s{n}", "reference": f"the city of number {n}"} for n in range(4)]
    (project.root / "gold.jsonl").write_text("".join(json.dumps(each) + "\n" for each in gold))
    return project


@pytest.fixture
def clock() -> Jumping:
    return Jumping()


@pytest.fixture
def home(clock: Jumping) -> Iterator[Home]:
    home = Home(clock)
    yield home
    home.close()


def answers(*numbers: int) -> dict[str, bytes]:
    rows = [
        {"id": f"s{n}", "prompt": f"Which city is number {n}?", "answer": f"That is number {n}."}
        for n in numbers
    ]
    return {"answers.jsonl": "".join(json.dumps(row) + "\n" for row in rows).encode()}


def judged_by(project: Project, url: str, more: str = "") -> None:
    project.configure(
        f'[grade]\nscorer = "judge"\nreferences = "gold.jsonl"\njudge = "{MODEL}"\nendpoint = "{url}"\n{more}'
    )


def look(project: Project, home: Home) -> Found:
    with at(project.root) as (mailbox, state):
        found = home.look(mailbox, state)
        home.told(state)
    return found


def until(project: Project, home: Home, is_so: Callable[[Found], object]) -> Found:
    """Looks until it is so; the events of all looks are in what comes back."""
    deadline, events = time.monotonic() + 60, []
    while True:
        found = look(project, home)
        events += found.events
        if is_so(found):
            return Found(lines=found.lines, needs=found.needs, events=events, again_s=found.again_s)
        assert time.monotonic() < deadline, found
        time.sleep(0.05)


def note(found: Found) -> str:
    return found.lines[0].note if found.lines else ""


def kept(project: Project) -> list[Path]:
    return list((project.root / ".hybrid/ledger/grades").glob("*"))


def asked_for_samples(requests: list[Asked]) -> list[str]:
    return [each.user for each in requests if "Which city is number" in each.user]


def test_what_has_come_home_so_far_is_graded_for_the_status_alone(
    project: Project, home: Home, clock: Jumping
) -> None:
    project.configure('[grade]\nscorer = "includes"\nreferences = "gold.jsonl"\n')
    project.queue(shards=4)
    worker = project.worker().claim()
    worker.done(0, answers(0))
    found = until(project, home, lambda found: "right" in note(found))
    assert note(found) == "0 of 1 right, by 1 of 4 shards"
    worker.done(1, answers(1))
    until(project, home, lambda found: found.lines[0].here == 2)
    assert "1 of 4" in note(look(project, home)), "not for each small piece at once"
    clock.added += grading_course.LEAST_PAUSE_S
    worker.tick()
    found = until(project, home, lambda found: "by 2 of 4 shards" in note(found))
    assert not kept(project)
    for shard in (2, 3):
        worker.done(shard, answers(shard))
    worker.yields()
    found = until(project, home, lambda found: not found.lines)
    assert [event.kind for event in found.events if event.kind != "pulled"] == ["done", "graded"]
    assert len(kept(project)) == 1


def test_judge_that_is_away_is_told_of_and_asked_once_it_is_back(
    project: Project, home: Home, clock: Jumping
) -> None:
    project.queue()
    project.worker().claim().done(0, answers(0, 1, 2))
    with emulated(Model(name=MODEL)) as ollama:
        judged_by(project, ollama.url)
        ollama.stop()
        found = until(project, home, lambda found: found.needs)
        (need,) = found.needs
        assert need.key == "judge:r1" and need.what.startswith("Run r1 is graded as far as rules go: ")
        assert [event.kind for event in found.events] == ["done"], "it is not graded yet"
        assert not kept(project)
        ollama.start()
        assert "being graded" not in note(look(project, home)), "it is tried again in a while"
        clock.added += grading_course.FIRST_RETRY_S
        found = until(project, home, lambda found: not found.lines)
        assert [event.kind for event in found.events] == ["graded"] and not found.needs
        asked = asked_for_samples(ollama.requests)
        assert len(asked) == len(set(asked)) == 3
    assert len(kept(project)) == 1


def test_model_that_is_missing_is_never_fetched_and_in_the_end_what_there_is_counts(
    project: Project, home: Home, clock: Jumping
) -> None:
    project.queue()
    project.worker().claim().done(0, answers(0))
    with emulated(Model(name="other:1b"), library=[Model(name=MODEL)]) as ollama:
        judged_by(project, ollama.url)
        found = until(project, home, lambda found: found.needs)
        assert f"ollama pull {MODEL}" in found.needs[0].how
        clock.added += grading_course.PATIENCE_S
        found = until(project, home, lambda found: not found.lines)
        (event,) = found.events
        assert event.kind == "graded" and "0 of 0 right. Not all was judged: " in event.text
        assert event.how == "hybrid grade r1"
        assert not ollama.downloads.have
    assert len(kept(project)) == 1


def test_judges_keep_to_their_hours_and_nothing_works_meanwhile(
    project: Project, home: Home, clock: Jumping
) -> None:
    project.queue()
    project.worker().claim().done(0, answers(0, 1))
    here = time.localtime(clock.wall())
    start, end = (here.tm_hour + 2) % 24, (here.tm_hour + 4) % 24
    with emulated(Model(name=MODEL)) as ollama:
        judged_by(project, ollama.url, f'when = "{start:02}:00-{end:02}:00"\n')
        found = until(project, home, lambda found: "not asked now" in note(found))
        assert note(found).endswith(f"its judges are not asked now: they wait until {start:02}:00")
        assert found.again_s and found.again_s > 60.0, "nobody is woken up for it every moment"
        assert not found.needs and not ollama.requests and not kept(project)
        for _ in range(3):
            assert "being graded" not in note(look(project, home))
        judged_by(project, ollama.url)
        found = until(project, home, lambda found: not found.lines)
    assert [event.kind for event in found.events] == ["graded"]


def test_grading_that_takes_for_ever_is_ended(
    project: Project, home: Home, clock: Jumping, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.configure('[grade]\nscorer = "includes"\nreferences = "gold.jsonl"\n')
    project.queue()
    project.worker().claim().done(0, answers(0))
    assert note(look(project, home)) == "it is being graded"
    monkeypatch.setattr(grading_duty.GradingApart, "poll", lambda self: None)
    clock.added += 3600 * grading_duty.RULES_HOURS
    found = until(project, home, lambda found: not found.lines)
    assert [event.kind for event in found.events] == ["graded"]
    assert "took longer than 3 hours" in found.events[0].text


def test_agent_that_is_killed_while_judges_work_goes_on_and_asks_nothing_again(
    project: Project, clock: Jumping
) -> None:
    project.queue()
    project.worker().claim().done(0, answers(0, 1, 2, 3))
    in_flight = 2  # one slot, and one request that waits at it
    with emulated(Model(name=MODEL), speed=Speed(reply_per_s=100)) as ollama:
        judged_by(project, ollama.url, "slots = 1\n")
        for killed_after in (1, 3):
            home = Home(clock)
            until(
                project, home, lambda found, n=killed_after: len(set(asked_for_samples(ollama.requests))) > n
            )
            home.close()
        home = Home(clock)
        found = until(project, home, lambda found: not found.lines)
        home.close()
        asked = asked_for_samples(ollama.requests)
    assert [event.kind for event in found.events] == ["graded"]
    assert found.events[0].data["scored"] == 4 == len(set(asked))
    assert len(asked) - len(set(asked)) <= 2 * in_flight


def test_grading_ends_with_the_agent_however_that_ends(project: Project) -> None:
    project.queue()
    project.worker().claim().done(0, answers(0))
    assert project.call("pull", "r1")[0] == 0
    agent = """
import pathlib, sys, time
from agent.daemon.runs.grade_apart import GradingApart
from local_grader.request import Keep
apart = GradingApart(pathlib.Path(sys.argv[1]), "r1", Keep.NEVER)
time.sleep(600)
"""
    with emulated(Model(name=MODEL), speed=Speed(reply_per_s=0.5)) as ollama:
        judged_by(project, ollama.url)
        with subprocess.Popen([sys.executable, "-c", agent, str(project.root)]) as process:
            deadline = time.monotonic() + 60
            while not asked_for_samples(ollama.requests):
                assert time.monotonic() < deadline
                time.sleep(0.02)
            process.kill()
        while not ollama.abandoned:
            assert time.monotonic() < deadline, "it still waits for a reply"
            time.sleep(0.02)


def test_the_end_of_a_run_waits_for_no_pause_after_a_part_of_it(project: Project, clock: Jumping) -> None:
    project.configure('[grade]\nscorer = "includes"\nreferences = "gold.jsonl"\n')
    project.queue(shards=2)
    worker = project.worker().claim()
    worker.done(0, answers(0))
    home = Home(clock)
    began = clock.monotonic()
    until(project, home, lambda found: found.lines and found.lines[0].here == 1)
    worker.done(1, answers(1))
    worker.yields()
    found = until(project, home, lambda found: not found.lines)
    assert [event.kind for event in found.events if event.kind != "pulled"] == ["done", "graded"]
    assert clock.monotonic() - began < grading_course.LEAST_PAUSE_S
    home.close()
