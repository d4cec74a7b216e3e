"""Runs of ``[auto]``: queued when what matters to them was published, once for each state."""

import json
import random
import shutil
from pathlib import Path

import pytest

from agent.daemon.publish.auto_state import AutoState
from agent.daemon.publish.autorun import AutoRuns
from agent.daemon.tell import events
from sync.errors import HybridError
from tests.support.agents import EVAL, at, publish_and_queue, published_of
from tests.support.projects import Project


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Project:
    project = Project(tmp_path, monkeypatch, capsys)
    project.configure(EVAL)
    (project.root / "src").mkdir()
    write(project, "src/eval.py", "print(1)")
    return project


def write(project: Project, path: str, text: str) -> None:
    (project.root / path).write_text(text)


def runs(project: Project) -> dict[str, str]:
    """Snapshot by run, of those that are not stopped."""
    folders = sorted((project.mail / "runs").iterdir())
    return {
        folder.name: json.loads((folder / "spec.json").read_bytes().splitlines()[0])["snapshot"]
        for folder in folders
        if not list(folder.glob("stop-*"))
    }


def test_first_state_is_run_and_then_each_other_one_once(project: Project) -> None:
    auto = AutoRuns(random.Random(1))
    [queued] = publish_and_queue(project.root, auto).events
    assert (queued.kind, queued.run) == (events.QUEUED, next(iter(runs(project))))
    assert publish_and_queue(project.root, auto).events == []
    write(project, "notes.txt", "not for the run")
    assert publish_and_queue(project.root, auto).events == []
    write(project, "src/eval.py", "print(2)")
    found = publish_and_queue(project.root, auto).events
    assert [each.kind for each in found] == [events.QUEUED, events.SUPERSEDED]
    assert found[1].run == queued.run
    assert runs(project) == {found[0].run: published_of(project.root).snapshot}


def test_another_process_knows_what_was_queued(project: Project) -> None:
    publish_and_queue(project.root)
    assert publish_and_queue(project.root).events == []
    write(project, "src/eval.py", "print(2)")
    assert len(publish_and_queue(project.root).events) == 2


def test_file_that_comes_goes_or_is_renamed_is_a_change(project: Project) -> None:
    auto = AutoRuns(random.Random(1))
    write(project, "src/a.py", "1")
    publish_and_queue(project.root, auto)
    (project.root / "src/a.py").rename(project.root / "src/b.py")
    assert len(publish_and_queue(project.root, auto).events) == 2
    (project.root / "src/b.py").unlink()
    assert len(publish_and_queue(project.root, auto).events) == 2


def test_run_that_a_worker_has_claimed_goes_on(project: Project) -> None:
    [first] = publish_and_queue(project.root).events
    project.worker(run=first.run).claim()
    write(project, "src/eval.py", "print(2)")
    [second] = publish_and_queue(project.root).events
    assert list(runs(project)) == sorted([first.run, second.run])


def test_run_that_somebody_stopped_or_removed_is_left_alone(project: Project) -> None:
    [first] = publish_and_queue(project.root).events
    assert project.call("stop", first.run)[0] == 0
    write(project, "src/eval.py", "print(2)")
    [second] = publish_and_queue(project.root).events
    assert project.call("rm", "--force", second.run)[0] == 0
    write(project, "src/eval.py", "print(3)")
    [third] = publish_and_queue(project.root).events
    assert list(runs(project)) == [third.run]


def test_stop_says_which_run_took_its_place(project: Project) -> None:
    [first] = publish_and_queue(project.root).events
    write(project, "src/eval.py", "print(2)")
    second = publish_and_queue(project.root).events[0]
    [mark] = (project.mail / "runs" / first.run).glob("stop-*")
    assert f"superseded by {second.run}" in mark.read_text()


def test_lost_state_does_not_run_the_same_again(project: Project) -> None:
    publish_and_queue(project.root)
    for file in (project.root / ".hybrid").glob("state.db*"):
        file.unlink()
    assert publish_and_queue(project.root).events == []
    assert len(runs(project)) == 1


def test_intent_that_another_version_left_stands_in_nobodys_way(project: Project) -> None:
    with at(project.root) as (_, state):
        AutoState(state)
        with state.writing() as connection:
            connection.execute(
                "INSERT INTO auto_intents VALUES ('eval', 'm', 'h', '{\"colour\": \"blue\"}', '')"
            )
    [queued] = publish_and_queue(project.root).events
    assert queued.kind == events.QUEUED and publish_and_queue(project.root).events == []


def test_run_that_cannot_be_planned_is_a_need_until_it_can(project: Project) -> None:
    project.configure(EVAL + 'over = "in.jsonl"\nchunk = 1\n')
    auto = AutoRuns(random.Random(1))
    found = publish_and_queue(project.root, auto)
    [need] = found.needs
    assert (
        need.what
        == "Run eval cannot be queued: --over in.jsonl is not in the snapshot: there is no such file in the project."
    )
    assert (found.events, found.again_s) == ([], 60.0)
    write(project, "in.jsonl", "{}\n{}\n")
    found = publish_and_queue(project.root, auto)
    assert (found.needs, found.again_s) == ([], None)
    assert found.events[0].data["shards"] == 2


def test_several_runs_are_each_queued(project: Project) -> None:
    project.configure(
        EVAL.replace('"eval"', '["eval", "second"]') + '[run.second]\ncommand = "true"\non = "ssh:box"\n'
    )
    found = publish_and_queue(project.root)
    assert [(each.data["name"], each.data["target"]) for each in found.events] == [
        ("eval", "local"),
        ("second", "ssh:box"),
    ]


def test_run_that_is_written_into_the_settings_is_queued_though_no_file_of_it_changed(
    project: Project,
) -> None:
    auto = AutoRuns(random.Random(1))
    publish_and_queue(project.root, auto)
    project.configure(EVAL.replace('"eval"', '["eval", "second"]') + '[run.second]\ncommand = "true"\n')
    [queued] = publish_and_queue(project.root, auto).events
    assert queued.data["name"] == "second"


def test_need_ends_where_the_run_is_taken_out_of_the_settings(project: Project) -> None:
    project.configure(EVAL + 'over = "in.jsonl"\n')
    auto = AutoRuns(random.Random(1))
    assert publish_and_queue(project.root, auto).needs
    project.configure()
    found = publish_and_queue(project.root, auto)
    assert (found.needs, found.again_s) == ([], None)


def test_run_that_the_mailbox_did_not_take_is_queued_once_it_does(project: Project) -> None:
    auto = AutoRuns(random.Random(1))
    project.configure()
    publish_and_queue(project.root, auto)
    project.configure(EVAL)
    folder = project.mail / "runs"
    folder.rmdir()
    folder.write_bytes(b"in the way")
    for _ in range(2):
        with pytest.raises(HybridError):
            publish_and_queue(project.root, auto)
    folder.unlink()
    folder.mkdir()
    write(project, "src/eval.py", "print(2)")
    queued, newer, superseded = publish_and_queue(project.root, auto).events
    assert [queued.kind, newer.kind, superseded.kind] == [events.QUEUED, events.QUEUED, events.SUPERSEDED]
    assert runs(project) == {newer.run: published_of(project.root).snapshot}


def test_intent_for_another_mailbox_is_forgotten(project: Project) -> None:
    from agent.daemon.publish.auto_state import AutoState, Intent

    publish_and_queue(project.root)
    with at(project.root) as (mailbox, state):
        [run] = mailbox.run_ids()
        spec = mailbox.spec(run)
        AutoState(state).intend(Intent(name="eval", mailbox="other", hash="h", spec=spec, replaces=""))
    shutil.rmtree(project.mail / "runs" / run)
    publish_and_queue(project.root)
    assert runs(project) == {}
    with at(project.root) as (_, state):
        assert AutoState(state).intents() == []
