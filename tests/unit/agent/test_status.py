"""``hybrid status``: every run of a project in a line, and what to do next."""

from pathlib import Path

import pytest

from agent.cli import main
from sync.mailbox import records
from sync.mailbox.records import Mark
from tests.support.light import loaded
from tests.support.projects import BASE, Project

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> Project:
    return Project(tmp_path, monkeypatch, capsys).make()


def test_each_shard_is_counted_once(project: Project) -> None:
    project.queue(shards=6, retries=0)
    worker = project.worker().claim()
    worker.done(0)
    worker.done(1)
    worker.failed(2)
    worker.start(3)
    project.call("pull")
    worker.done(4)
    [run] = project.json("status")["runs"]
    counts = {key: run[key] for key in ("accepted", "done", "failed", "running", "waiting", "to_pull")}
    assert counts == {"accepted": 2, "done": 1, "failed": 1, "running": 1, "waiting": 1, "to_pull": 1}
    assert sum(counts.values()) - counts["to_pull"] == run["shards"]
    assert (run["phase"], run["holder"], run["mine"]) == ("running", "worker22", True)


def test_each_phase_has_its_next_step(project: Project) -> None:
    project.queue("r1")
    project.queue("r2")
    project.worker(run="r2").claim()
    project.queue("r3", retries=0)
    project.worker(run="r3").claim().failed()
    project.queue("r4")
    project.worker(run="r4").claim().done()
    project.queue("r5")
    project.worker(run="r5").claim().broken(reason="pip failed")
    project.queue("r6")
    project.remote.write(f"{BASE}/runs/r6/stop-laptop22.json", records.encode(Mark()))
    found = {run["run"]: (run["phase"], run["next"]) for run in project.json("status")["runs"]}
    assert found == {
        "r1": ("queued", "hybrid up --on local"),
        "r2": ("running", "hybrid logs -f r2"),
        "r3": ("failed", "hybrid logs r3"),
        "r4": ("done", "hybrid pull r4"),
        "r5": ("setup failed", "hybrid logs r5"),
        "r6": ("stopped", ""),
    }


def test_table_has_a_line_a_run_newest_last(project: Project) -> None:
    for number in range(12):
        project.queue(f"r{number:02}", name="train", sample=True)
    code, out, err = project.call("status")
    lines = out.splitlines()
    assert (code, lines[0]) == (0, f"Mailbox: {project.remote.url}; nothing was pushed from here yet")
    assert [line.split()[0] for line in lines[2:]] == [f"r{number:02}" for number in range(2, 12)]
    assert "queued, a sample" in lines[-1] and "0/1" in lines[-1] and "hybrid up --on local" in lines[-1]
    assert "2 older runs" in err
    assert len(project.json("status", "--all")["runs"]) == 12


def test_closed_run_is_not_looked_at_again(project: Project) -> None:
    project.queue(name="train")
    project.worker().claim().done()
    project.call("pull")
    before = project.json("status")["runs"]
    for path in (project.mail / "runs/r1").iterdir():
        path.unlink()
    assert project.json("status")["runs"] == before
    assert (before[0]["phase"], before[0]["accepted"], before[0]["next"]) == ("done", 1, "")


def test_status_does_not_keep_pull_from_showing_what_a_failed_run_left(project: Project) -> None:
    project.queue(retries=0)
    worker = project.worker().claim()
    worker.failed(files={"a": b"unfinished"})
    worker.yields()
    project.call("status")
    assert project.json("pull", "--no-partial")["runs"][0]["partial"] == []
    assert project.json("pull")["runs"][0]["partial"] == [0]
    assert project.json("pull")["runs"] == []


def test_next_step_uses_the_word_that_the_user_used(project: Project) -> None:
    old, new = "20261120-223145-train-00aa", "20261121-223145-train-00bb"
    for run in (old, new):
        project.queue(run, name="train", retries=0)
        project.worker(run=run).claim().failed()
    assert project.call("status", "train")[2] == "Next: hybrid logs train\n"
    assert project.call("status", "20261120")[2] == "Next: hybrid logs 20261120\n"
    _, out, _ = project.call("status")
    assert [line.split()[0] for line in out.splitlines()[2:]] == [old, new]
    assert [line.partition("hybrid ")[2] for line in out.splitlines()[2:]] == [
        "logs 20261120-223145",
        "logs train",
    ]
    assert [run["next"] for run in project.json("status")["runs"]] == [
        f"hybrid logs {old}",
        f"hybrid logs {new}",
    ]


def test_runs_that_cannot_be_read_are_named(project: Project) -> None:
    project.queue("r1")
    project.queue("r2")
    (project.mail / "runs/r2/spec.json").write_bytes(b"?")
    (project.mail / "runs/r3").mkdir()
    code, _, err = project.call("status")
    assert code == 0
    assert "Run r2 cannot be read" in err
    document = project.json("status")
    assert [run["run"] for run in document["runs"]] == ["r1"]
    assert [run["run"] for run in document["unreadable"]] == ["r2"]
    assert project.call("status", "r2")[0] == 16
    assert project.call("status", "r3")[0] == 1


def test_project_without_a_mailbox_or_runs_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    project = Project(tmp_path, monkeypatch, capsys)
    code, out, err = project.call("status")
    assert (code, out, err) == (
        0,
        f"There is no mailbox at {project.remote.url} yet.\n",
        "Next: hybrid push\n",
    )
    project.make()
    assert project.call("status")[2] == "There is no run yet.\nNext: hybrid run -- COMMAND\n"


def test_last_push_is_told(project: Project) -> None:
    assert main(["push"]) == 0
    _, out, _ = project.call("status")
    assert "; snapshot 2 pushed 0 s ago: 1 file, " in out
    assert project.json("status")["pushed"]["seq"] == 2


def test_a_run_is_one_listing_and_its_spec(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    from sync.remotes.folder import FolderRemote

    project.queue("r1", shards=3)
    worker = project.worker().claim()
    worker.done(0)
    worker.tick()
    calls: list[str] = []
    read, listing = FolderRemote.read, FolderRemote.list_files
    monkeypatch.setattr(
        FolderRemote, "read", lambda self, path, *a: (calls.append(path), read(self, path, *a))[1]
    )
    monkeypatch.setattr(
        FolderRemote, "list_files", lambda self, path: (calls.append(path), listing(self, path))[1]
    )
    project.call("status")
    assert sorted(calls) == [f"{BASE}/format.json", f"{BASE}/runs/r1", f"{BASE}/runs/r1/spec.json"]


def test_status_loads_nothing_heavy_and_waits_for_nothing(project: Project) -> None:
    for number in range(5):
        project.queue(f"r{number}")
    out, heavy = loaded(project.root, "status")
    assert heavy == [] and len(out.splitlines()) == 7
    assert loaded(project.root, "status", "--json")[1] == []


@pytest.mark.parametrize(
    "words",
    [
        ("status",),
        ("status", "r1"),
        ("pull",),
        ("pull", "r1"),
        ("gc",),
        ("rm", "r1"),
        ("logs", "r1"),
        ("up",),
    ],
)
def test_mailbox_that_was_pushed_to_and_is_away_is_gone_for_every_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture, words: tuple[str, ...]
) -> None:
    project = Project(tmp_path, monkeypatch, capsys)
    project.call("push")
    project.mail.parent.rename(tmp_path / "away")
    (project.root / "b.py").touch()
    refused = project.call("push")
    assert (refused[0], "any more" in refused[2]) == (10, True)
    assert project.call(*words) == refused
    assert not project.mail.parent.exists()
