"""Judges keep to their hours, and no verdict is asked for twice: through nights, batteries, kills and ^C, with an emulated Ollama."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from agent.when import When
from tests.emulators.ollama import Asked, Model, Ollama, Speed
from tests.emulators.ollama.writing import default_answer
from tests.support.ollama import emulated
from tests.support.projects import Project
from tests.support.sittings import Acting, following

MODEL = "llama3.1:8b"
SAMPLES = 12


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Project:
    project = Project(tmp_path, monkeypatch, capsys).make()
    gold = [{"id": f"s{n}", "reference": f"the city of number {n}"} for n in range(SAMPLES)]
    (project.root / "gold.jsonl").write_text("".join(json.dumps(each) + "\n" for each in gold))
    return project


def configure(project: Project, url: str, more: str = "") -> None:
    project.configure(
        f'[grade]\nscorer = "judge"\nreferences = "gold.jsonl"\njudge = "{MODEL}"\nendpoint = "{url}"\nslots = 1\n{more}'
    )


def answers(*numbers: int) -> dict[str, bytes]:
    rows = [
        {"id": f"s{n}", "prompt": f"Which city is number {n}?", "answer": f"That is number {n}."}
        for n in numbers
    ]
    return {"answers.jsonl": "".join(json.dumps(row) + "\n" for row in rows).encode()}


def wall(text: str) -> float:
    return time.mktime(time.strptime(text, "%Y-%m-%d %H:%M"))


def asked_for_samples(requests: list[Asked]) -> list[str]:
    return [each.user for each in requests if "Which city is number" in each.user]


def test_judges_wait_for_the_night_pause_in_the_morning_and_go_on_the_next_night(project: Project) -> None:
    project.queue()
    project.worker().claim().done(0, answers(*range(SAMPLES)))
    clock = Acting(wall=wall("2026-05-04 12:00"))
    hours, nights = 3600.0, [10]
    clock.acts = [lambda: clock.jump_wall(11 * hours), lambda: clock.jump_wall(14 * hours)]

    def verdict(asked: Asked) -> str:
        if nights and len(asked_for_samples(ollama.requests)) >= 5:
            clock.jump_wall(nights.pop() * hours)  # it is morning, in the middle of it
        return default_answer(asked)

    with emulated(Model(name=MODEL), answer=verdict) as ollama:
        configure(project, ollama.url)
        said: list[str] = []
        with following(project.root, clock, said, when=When.parse("22:00-07:00")) as sittings:
            noon = next(sittings)
            assert not noon.is_last and noon.report.waits
            assert noon.report.summary.unscored == {"judge to be asked later": SAMPLES}
            assert not ollama.requests, "no model is loaded in vain"
            morning = next(sittings)
            assert not morning.is_last
            judged = morning.report.summary.scored
            assert 0 < judged < SAMPLES and judged == len(asked_for_samples(ollama.requests))
            last = next(sittings)
        assert last.is_last and last.report.summary.scored == SAMPLES
        asked = asked_for_samples(ollama.requests)
        assert len(asked) == len(set(asked)) == SAMPLES
    waits = "The judges are not asked now: they wait until 22:00; --when any asks them at once."
    assert said == [waits] * 2


def test_what_comes_while_judges_work_is_fetched_meanwhile(project: Project) -> None:
    project.queue(shards=2)
    worker = project.worker().claim()
    worker.done(0, answers(0, 1, 2, 3))
    clock = Acting()
    seen: list[bool] = []

    def verdict(asked: Asked) -> str:
        if len(asked_for_samples(ollama.requests)) == 1:
            worker.done(1, answers(4, 5))
        clock.advance(5.0)
        seen.append((project.outputs / "r1/001").is_dir() or (project.outputs / "r1/1").is_dir())
        return default_answer(asked)

    with emulated(Model(name=MODEL), answer=verdict) as ollama:
        configure(project, ollama.url)
        with following(project.root, clock, []) as sittings:
            first, last = sittings
    assert (first.report.summary.samples, last.report.summary.samples) == (4, 6)
    assert seen.index(True) < 5 and last.is_last


def hybrid(project: Project, *words: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "agent", *words],
        cwd=project.root,
        env={
            **os.environ,
            "PYTHONPATH": str(Path(__file__).parents[2]),
            "HYBRID_DATA_DIR": str(project.root.parent),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def until_asked(ollama: Ollama, count: int, process: "subprocess.Popen[str]") -> None:
    until = time.monotonic() + 60
    while len(asked_for_samples(ollama.requests)) < count:
        if process.poll() is not None:
            raise AssertionError(process.communicate())
        assert time.monotonic() < until
        time.sleep(0.01)


def test_killed_and_interrupted_it_goes_on_and_asks_nothing_again_that_was_answered(project: Project) -> None:
    """Four shards come one by one; the grading is killed in each of two, and interrupted in a third."""
    project.queue(shards=4)
    worker = project.worker().claim()
    per_shard = SAMPLES // 4
    in_flight = 2  # one slot, and one request that waits at it

    def come(shard: int) -> None:
        worker.done(shard, answers(*range(shard * per_shard, (shard + 1) * per_shard)))

    with emulated(Model(name=MODEL), speed=Speed(reply_per_s=200)) as ollama:
        configure(project, ollama.url)
        losses = 0
        for shard, number in enumerate((signal.SIGKILL, signal.SIGKILL, signal.SIGINT)):
            come(shard)
            with hybrid(project, "grade", "r1", "--follow", "--json") as process:
                until_asked(ollama, shard * per_shard + 2 + losses, process)
                process.send_signal(number)
                said, complaint = process.communicate(timeout=60)
            asked = asked_for_samples(ollama.requests)
            losses = max(losses, len(asked) - len(set(asked)))
            assert process.returncode == (130 if number == signal.SIGINT else -number), complaint
        come(3)
        with hybrid(project, "grade", "r1", "--follow", "--json") as process:
            said, complaint = process.communicate(timeout=120)
        assert process.returncode == 0, complaint
        asked = asked_for_samples(ollama.requests)
    documents = [json.loads(line) for line in said.splitlines()]
    assert documents[-1]["partial"] is None and documents[-1]["recorded"]
    assert documents[-1]["summary"]["scored"] == SAMPLES == len(set(asked))
    assert len(asked) - len(set(asked)) <= 3 * in_flight
    assert len(list((project.root / ".hybrid/ledger/grades").glob("*"))) == 1


def test_interrupted_while_it_waits_for_shards_it_says_how_to_go_on(project: Project) -> None:
    project.queue(shards=2)
    project.worker().claim().done(0, answers(0, 1))
    with emulated(Model(name=MODEL)) as ollama:
        configure(project, ollama.url)
        with hybrid(project, "grade", "r1", "--follow") as process:
            assert process.stdout
            line = process.stdout.readline()
            process.send_signal(signal.SIGINT)
            _, said = process.communicate(timeout=60)
        asked = asked_for_samples(ollama.requests)
        code, _, _ = project.call("grade", "r1")
        assert asked_for_samples(ollama.requests) == asked and len(asked) == 2
    assert line.startswith("1 of 2 shards here: ") and line.rstrip().endswith("10 not answered yet")
    assert process.returncode == 130
    assert said.endswith(
        "Interrupted.\nNext: all verdicts are kept, and the same goes on: hybrid grade r1 --follow\n"
    )
    assert code == 0
