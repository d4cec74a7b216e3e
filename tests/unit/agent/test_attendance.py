"""Whoever waits for a run that nobody works on is told so once, and does not wait for ever."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from agent.arrivals import DESERTED_S
from sync.errors import HybridError
from tests.support.projects import Project
from tests.support.sittings import Acting, following, nothing

GRADE = '[grade]\nscorer = "exact"\nreferences = "gold.jsonl"\n'
POLL_S = 2.5


class Nights(Acting):
    """Each sleep lasts its time; ``acts`` happen in the first of them."""

    def __init__(self, *acts: Callable[[], object], longest_s: float = 2 * DESERTED_S) -> None:
        super().__init__(*acts)
        self._until = self.monotonic() + longest_s

    def sleep(self, seconds: float) -> None:
        self.acts = self.acts or [nothing]
        super().sleep(seconds)
        assert self.monotonic() < self._until, "it waits for ever"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Project:
    project = Project(tmp_path, monkeypatch, capsys).make()
    project.configure(GRADE)
    gold = [{"id": f"s{n}", "reference": "x"} for n in range(2)]
    (project.root / "gold.jsonl").write_text("".join(json.dumps(each) + "\n" for each in gold))
    project.queue(shards=2)
    return project


def answers(shard: int) -> dict[str, bytes]:
    return {"answers.jsonl": json.dumps({"id": f"s{shard}", "answer": "x"}).encode() + b"\n"}


def test_runner_that_is_not_heard_of_any_more_is_told_once_and_what_is_here_is_the_result(
    project: Project,
) -> None:
    worker = project.worker().claim()
    worker.done(0, answers(0))
    worker.tick()
    said: list[str] = []
    clock = Nights()
    began = clock.monotonic()
    with following(project.root, clock, said) as sittings:
        first, last = sittings
    assert not first.is_last and last.is_last
    assert DESERTED_S <= clock.monotonic() - began < DESERTED_S + 60
    assert last.standing.ending == "has had no runner for 60 min" and not last.standing.is_whole
    assert said == ["Run r1: no runner has been heard of for 30 s; hybrid up --on local goes on with it."]


def test_run_that_nobody_takes_and_nothing_is_here_of_ends_with_an_error(project: Project) -> None:
    said: list[str] = []
    with (
        following(project.root, Nights(), said) as sittings,
        pytest.raises(HybridError, match="Run r1 has had no runner for 60 min, and nothing of it is here"),
    ):
        next(sittings)
    assert len(said) == 1 and "no runner has been heard of for 30 s;" in said[0]


def test_runner_that_gave_the_run_up_is_quoted(project: Project) -> None:
    project.worker().claim().yields(reason="told to end by signal SIGTERM")
    said: list[str] = []
    with following(project.root, Nights(), said) as sittings, pytest.raises(HybridError):
        next(sittings)
    assert "for 30 s (the last one left it: told to end by signal SIGTERM); hybrid up" in said[0]


def test_another_runner_that_comes_is_waited_for_and_its_loss_is_told_again(project: Project) -> None:
    worker = project.worker().claim()
    worker.done(0, answers(0))
    silence = [nothing] * 20  # 50 s

    def comes() -> None:
        project.worker("worker33").claim(2)

    def finishes() -> None:
        project.worker("worker44").claim(3).done(1, answers(1))

    said: list[str] = []
    with following(project.root, Acting(*silence, comes, *silence, finishes), said) as sittings:
        *_, last = sittings
    assert last.is_last and last.standing.is_whole
    assert len(said) == 2 and said[0] == said[1]


def test_runner_that_ticks_for_hours_is_waited_for_in_silence(project: Project) -> None:
    worker = project.worker().claim()
    ticks = [worker.tick if n % 8 == 0 else nothing for n in range(3000)]  # every 20 s, for two hours
    clock = Acting(*ticks, lambda: (worker.done(0, answers(0)), worker.done(1, answers(1))))
    said: list[str] = []
    with following(project.root, clock, said) as sittings:
        *_, last = sittings
    assert last.standing.is_whole and not said


def test_run_that_waits_behind_another_one_of_the_same_target_is_waited_for(project: Project) -> None:
    project.queue("r0")
    busy = project.worker(run="r0").claim()

    def comes() -> None:
        worker = project.worker().claim()
        worker.done(0, answers(0))
        worker.done(1, answers(1))

    ticks = [busy.tick if n % 4 == 0 else nothing for n in range(1600)]
    said: list[str] = []
    with following(project.root, Acting(*ticks, comes), said) as sittings:
        *_, last = sittings
    assert last.standing.is_whole and not said


def test_mailbox_that_was_away_and_a_machine_that_slept_show_nobody_missing(project: Project) -> None:
    worker = project.worker().claim()
    worker.done(0, answers(0))
    away = project.mail.with_name("away")
    clock = Acting()
    outage = [nothing] * 100
    clock.acts = [
        lambda: project.mail.rename(away),
        *outage,
        lambda: away.rename(project.mail),
        nothing,
        lambda: clock.advance(8 * 3600.0),
        nothing,
        lambda: worker.done(1, answers(1)),
    ]
    said: list[str] = []
    with following(project.root, clock, said) as sittings:
        *_, last = sittings
    assert last.standing.is_whole
    assert len(said) == 1 and "the mailbox cannot be reached" in said[0]
