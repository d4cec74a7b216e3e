"""``hybrid rm``: a run goes whole or not at all, and never while something of it could be lost."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from sync.clock import ManualClock, SystemClock
from sync.mailbox import records
from sync.mailbox.layout import spec as spec_path
from sync.remotes.folder import FolderRemote
from tests.support.projects import BASE, Project

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> Project:
    return Project(tmp_path, monkeypatch, capsys).make()


def home(project: Project, run: str = "r1") -> None:
    """A run that is done and pulled."""
    project.queue(run)
    worker = project.worker(run=run).claim()
    worker.done(files={"a": b"1"})
    worker.yields()
    assert project.call("pull", run)[0] == 0


def runs(project: Project) -> list[str]:
    return sorted(path.name for path in (project.mail / "runs").iterdir())


def test_run_goes_from_the_mailbox_and_its_outputs_stay(project: Project) -> None:
    home(project, "r1")
    home(project, "r2")
    code, out, _ = project.call("rm", "r1")
    assert code == 0
    assert out.startswith("Removed r1: 8 files, ")
    assert runs(project) == ["r2"]
    assert (project.outputs / "r1/a").read_bytes() == b"1"
    assert [run["run"] for run in project.json("status")["runs"]] == ["r2"]
    assert project.call("rm", "r1")[0] == 2


def test_outputs_go_when_asked_with_what_a_broken_pull_left(project: Project) -> None:
    home(project, "r1")
    home(project, "r2")
    (project.outputs / ".r1.000.incoming").mkdir()
    (project.outputs / ".r2.000.incoming").mkdir()
    assert project.json("rm", "r1", "--outputs")["outputs"] is True
    assert sorted(path.name for path in project.outputs.iterdir()) == [".r2.000.incoming", "r2"]


def test_dry_run_removes_nothing(project: Project) -> None:
    home(project)
    document = project.json("rm", "r1", "--outputs", "--dry-run")
    assert (document["dry_run"], document["runs"][0]["run"]) == (True, "r1")
    assert document["runs"][0]["bytes"] == sum(f.stat().st_size for f in (project.mail / "runs/r1").iterdir())
    assert runs(project) == ["r1"]
    assert (project.outputs / "r1").exists()


def test_what_was_not_pulled_is_not_removed_and_neither_are_its_companions(project: Project) -> None:
    home(project, "r1")
    project.queue("r2")
    worker = project.worker(run="r2").claim()
    worker.done()
    worker.yields()
    code, _, err = project.call("rm", "r1", "r2")
    assert code == 15
    assert "This laptop has not pulled 1 complete shard of run r2." in err
    assert "hybrid pull r2" in err and "hybrid rm --force r2" in err
    assert runs(project) == ["r1", "r2"]
    assert project.call("rm", "--force", "r1", "r2")[0] == 0
    assert runs(project) == []


def test_what_was_pulled_and_is_not_here_any_more_is_not_removed(project: Project) -> None:
    project.queue("r1", shards=2)
    worker = project.worker(run="r1").claim()
    for shard in (0, 1):
        worker.done(shard=shard, files={"a": b"1"})
    worker.yields()
    assert project.call("pull", "r1")[0] == 0
    shutil.rmtree(project.outputs / "r1/001")
    for words in (("rm", "r1"), ("rm", "r1", "--dry-run")):
        code, _, err = project.call(*words)
        assert code == 15
        assert f"1 complete shard of run r1 is not in {project.outputs} any more." in err
        assert "hybrid pull r1" in err and "hybrid rm --force r1" in err
    assert project.call("pull", "r1")[0] == 0
    assert project.call("rm", "r1")[0] == 0
    home(project, "r2")
    shutil.rmtree(project.outputs)
    assert project.call("rm", "r2")[0] == 15
    assert project.call("rm", "--force", "r2")[0] == 0
    assert runs(project) == []


def test_failed_and_queued_runs_hold_nothing_that_could_be_lost(project: Project) -> None:
    project.queue("r1", retries=0)
    worker = project.worker().claim()
    worker.failed()
    worker.yields()
    project.queue("r2")
    assert project.call("rm", "r1", "r2")[0] == 0
    assert runs(project) == []


def test_run_that_a_worker_holds_is_stopped_before_it_goes(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.queue()
    worker = project.worker().claim()
    worker.start()
    code, _, err = project.call("rm", "r1")
    assert code == 15
    assert "Worker worker22 holds run r1." in err and "hybrid stop --wait r1" in err
    stopped: list[bool] = []

    def sleep(_: object, seconds: float) -> None:
        stopped.append(project.look().stopped)
        worker.yields()

    monkeypatch.setattr(SystemClock, "sleep", sleep)
    assert project.call("rm", "--force", "r1")[0] == 0
    assert stopped == [True]
    assert runs(project) == []


def test_worker_without_life_does_not_keep_a_run_for_ever(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.queue()
    project.worker().claim().tick()
    clock = ManualClock()
    monkeypatch.setattr(SystemClock, "sleep", lambda _, seconds: clock.advance(seconds))
    monkeypatch.setattr(SystemClock, "monotonic", lambda _: clock.monotonic())
    assert project.call("rm", "--force", "r1")[0] == 0
    assert runs(project) == []


def test_removal_that_was_cut_short_leaves_no_run_and_is_ended_by_the_next(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    home(project)

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(FolderRemote, "delete_folder", die)
        assert project.call("rm", "r1")[0] == 130
    assert not (project.mail / "runs/r1/spec.json").exists()
    assert project.json("status")["runs"] == []
    assert project.call("rm", "r1")[0] == 0
    assert runs(project) == []


def test_run_without_a_spec_may_just_be_being_queued(project: Project) -> None:
    (project.mail / "runs/r1").mkdir()
    assert project.call("rm", "r1")[0] == 15
    assert project.call("rm", "r1", "--force")[0] == 0
    assert runs(project) == []


def test_run_that_cannot_be_read_goes_only_by_force(project: Project) -> None:
    project.queue()
    (project.mail / "runs/r1/spec.json").write_bytes(b"?")
    assert project.call("rm", "r1")[0] == 15
    assert project.call("rm", "r1", "--force")[0] == 0
    assert runs(project) == []


def test_run_of_another_laptop_goes_only_by_force(project: Project) -> None:
    foreign = replace(project.queue("r2"), run="r1", laptop="laptop33")
    project.remote.make_folders([f"{BASE}/runs/r1"])
    project.remote.write(f"{BASE}/{spec_path('r1')}", records.encode(foreign))
    code, _, err = project.call("rm", "r1")
    assert code == 15
    assert "another laptop (laptop33)" in err
    assert runs(project) == ["r1", "r2"]


def test_removed_run_is_forgotten_here_too(project: Project) -> None:
    home(project)
    project.call("rm", "r1", "--outputs")
    home(project)
    assert (project.outputs / "r1/a").read_bytes() == b"1"
