"""A run is graded as it comes home: what is partial says so, nothing partial is kept, and it ends when the run does."""

import json
import shutil
from pathlib import Path

import pytest

from local_grader.report import Partial, so_far, to_json
from sync.errors import HybridError, UsageError
from tests.support.projects import Project
from tests.support.sittings import Acting, following, nothing

GRADE = '[grade]\nscorer = "exact"\nreferences = "gold.jsonl"\n'


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Project:
    project = Project(tmp_path, monkeypatch, capsys).make()
    project.configure(GRADE)
    gold = [{"id": f"s{n}", "reference": "x"} for n in range(3)]
    (project.root / "gold.jsonl").write_text("".join(json.dumps(each) + "\n" for each in gold))
    project.queue(shards=3)
    return project


def answers(shard: int, answer: str = "x") -> dict[str, bytes]:
    return {"answers.jsonl": json.dumps({"id": f"s{shard}", "answer": answer}).encode() + b"\n"}


def kept(project: Project) -> list[Path]:
    return list((project.root / ".hybrid/ledger/grades").glob("*"))


def test_each_shard_that_comes_is_graded_and_only_the_whole_is_kept(project: Project) -> None:
    worker = project.worker().claim()
    clock = Acting(
        lambda: worker.done(0, answers(0)),
        nothing,
        lambda: (worker.done(1, answers(1, "no")), worker.done(2, answers(2))),
    )
    said: list[str] = []
    with following(project.root, clock, said) as sittings:
        first = next(sittings)
        assert not first.is_last and not first.report.recorded and first.report.ledger is None
        assert first.report.partial == Partial(shards_here=1, shards=3)
        assert so_far(first.report).startswith("1 of 3 shards here: 100.0 % (1 of 1;")
        assert so_far(first.report).endswith("; 2 not answered yet")
        assert to_json(first.report)["partial"] == {"shards_here": 1, "shards": 3}
        assert to_json(first.report)["ledger"] is None
        assert not kept(project)
        last = next(sittings)
        assert last.is_last and last.report.partial is None and last.report.recorded
        assert (last.report.summary.right, last.report.summary.samples) == (2, 3)
        assert kept(project) == [last.report.ledger]
        assert next(sittings, None) is None
    assert not said and not clock.acts


def test_run_that_fails_ends_it_with_what_there_is(project: Project) -> None:
    worker = project.worker().claim()
    worker.done(0, answers(0))

    def fails() -> None:
        for shard in (1, 2):
            for n in (1, 2, 3):
                worker.failed(shard, {}, n=n)
        worker.yields()

    with following(project.root, Acting(fails, *[nothing] * 5), []) as sittings:
        first, last = sittings
    assert not first.is_last and last.is_last
    assert (last.standing.ending, last.standing.is_whole) == ("has failed", False)
    assert last.report.partial == Partial(shards_here=1, shards=3)
    assert kept(project) == [last.report.ledger]


def test_run_that_ends_with_nothing_says_so(project: Project) -> None:
    clock = Acting(lambda: project.call("stop", "r1"))
    with (
        following(project.root, clock, []) as sittings,
        pytest.raises(HybridError, match="Run r1 was stopped, and nothing of it is here"),
    ):
        next(sittings)


def test_mailbox_that_is_away_is_told_once_and_waited_for(project: Project) -> None:
    worker = project.worker().claim()
    worker.done(0, answers(0))
    away = project.mail.with_name("away")

    def comes_back() -> None:
        away.rename(project.mail)
        worker.done(1, answers(1))
        worker.done(2, answers(2))

    clock = Acting(nothing, nothing, comes_back)
    said: list[str] = []
    with following(project.root, clock, said) as sittings:
        assert len(next(sittings).standing.here) == 1
        project.mail.rename(away)
        assert next(sittings).is_last
    assert len(said) == 1 and "r1: the mailbox cannot be reached" in said[0]


def test_run_that_is_removed_ends_it(project: Project) -> None:
    project.worker().claim().done(0, answers(0))
    clock = Acting(lambda: shutil.rmtree(project.mail / "runs/r1"))
    with following(project.root, clock, []) as sittings:
        _, last = sittings
    assert last.standing.ending == "was removed from the mailbox"


def test_who_holds_the_outputs_brings_them_home(project: Project) -> None:
    from agent.project import Project as AgentProject

    worker = project.worker().claim()
    for shard in range(3):
        worker.done(shard, answers(shard))
    said: list[str] = []
    lock = AgentProject.find(project.root).lock("pull")
    lock.__enter__()
    clock = Acting(nothing, lambda: lock.__exit__(None, None, None), nothing, nothing)
    with following(project.root, clock, said) as sittings:
        (last,) = sittings
    assert last.is_last and len(last.standing.here) == 3
    assert said == [
        "Run r1: another hybrid process brings the outputs home, and what it has brought is graded."
    ]


def test_what_takes_long_is_not_graded_again_for_each_piece(project: Project) -> None:
    worker = project.worker().claim()
    worker.done(0, answers(0))
    clock = Acting(lambda: worker.done(1, answers(1)), nothing, nothing, lambda: worker.done(2, answers(2)))
    with following(project.root, clock, []) as sittings:
        first = next(sittings)
        object.__setattr__(first.report, "repeat_s", 1000.0)
        last = next(sittings)
    assert last.is_last, "the second shard alone is not worth it, the end is"


def test_home_run_is_graded_without_asking_anybody(project: Project) -> None:
    worker = project.worker().claim()
    for shard in range(3):
        worker.done(shard, answers(shard))
    worker.yields()
    assert project.call("pull", "r1")[0] == 0
    project.mail.rename(project.mail.with_name("away"))
    with following(project.root, Acting(), said := []) as sittings:
        (last,) = sittings
    assert last.is_last and last.report.summary.samples == 3 and not said


def test_outputs_without_answers_are_waited_over(project: Project) -> None:
    worker = project.worker().claim()
    worker.done(0, {"notes.txt": b"warming up"})
    worker.done(1, {"answers.jsonl": b'{"id": "s1", "text": "x"}\n'})

    def ends() -> None:
        worker.done(2, answers(2))

    said: list[str] = []
    with following(project.root, Acting(ends), said) as sittings:
        (last,) = sittings
    assert last.report.summary.scored == 1
    assert len(said) == 1 and "holds no answers" in said[0]


def test_mistakes_are_told_before_anything_is_waited_for(project: Project) -> None:
    project.configure('[grade]\nscorer = "cascade"\njudge = "m"\nrubric = "nosuch"\n')
    with following(project.root, Acting(), []) as sittings, pytest.raises(UsageError, match="nosuch"):
        next(sittings)


def test_without_a_mailbox_what_is_here_is_graded_and_the_rest_when_it_is_back(project: Project) -> None:
    worker = project.worker().claim()
    worker.done(0, answers(0))
    assert project.call("pull", "r1")[0] == 0
    away = project.mail.with_name("away")
    project.mail.rename(away)

    def comes_back() -> None:
        away.rename(project.mail)
        worker.done(1, answers(1))
        worker.done(2, answers(2))

    said: list[str] = []
    with following(project.root, Acting(comes_back), said) as sittings:
        first, last = sittings
    assert first.report.partial == Partial(shards_here=1, shards=None)
    assert so_far(first.report).startswith("1 shard here: ")
    assert last.is_last and last.report.partial is None
    assert len(said) == 1 and "cannot be reached" in said[0]
