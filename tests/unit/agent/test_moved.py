"""Another mailbox in the settings: the first command that sees it says what is left at the former one, and no other does."""

from dataclasses import replace
from pathlib import Path

import pytest

from sync.mailbox import records
from sync.remotes.folder import FolderRemote
from tests.support.projects import BASE, Project


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Project:
    project = Project(tmp_path, monkeypatch, capsys)
    (project.root / "a.py").write_text("print()")
    assert project.call("push")[0] == 0
    project.snapshot = project.json("push")["snapshot"]
    return project


def move(project: Project, name: str = "elsewhere") -> str:
    """Has the settings name another folder; returns its former URL."""
    before = project.remote.url
    project.remote = FolderRemote(str(project.root.parent / name))
    project.configure()
    return before


def told(project: Project, *words: str) -> list[str]:
    _, _, err = project.call(*words)
    return [line for line in err.splitlines() if "[remote] url was " in line]


@pytest.mark.parametrize("words", [("push",), ("status",), ("pull",), ("run", "--no-start", "--", "true")])
def test_runs_that_are_not_home_are_told_once(project: Project, words: tuple[str, ...]) -> None:
    project.queue("r1")
    project.worker().claim().done(0, {"a.txt": b"1"})
    spec = project.queue("r2")
    project.remote.make_folders([f"{BASE}/runs/r3"])
    others = replace(spec, run="r3", laptop="laptop99")
    project.remote.write(f"{BASE}/runs/r3/spec.json", records.encode(others))
    before = move(project)
    assert told(project, "push", "--dry-run") == [], "it contacts nothing"
    (line,) = told(project, *words)
    assert (
        f"[remote] url was {before}, and is {project.remote.url} now; 2 runs of this laptop are left" in line
    )
    assert line.endswith("not home: r1, r2. To bring them home, set it back until hybrid pull has them all.")
    assert told(project, *words) == told(project, "status") == []


def test_what_the_agent_has_pushed_there_meanwhile_changes_nothing(project: Project) -> None:
    from tests.support.agents import publish_and_queue

    project.queue("r1")
    before = move(project)
    publish_and_queue(project.root)
    (line,) = told(project, "status")
    assert before in line and "1 run of this laptop is left there" in line


def test_where_all_is_home_nothing_is_told(project: Project) -> None:
    project.queue("r1")
    project.worker().claim().done(0, {"a.txt": b"1"})
    assert project.call("pull")[0] == 0
    move(project)
    assert told(project, "push") == []


def test_mailbox_that_was_moved_along_is_the_same(project: Project) -> None:
    project.queue("r1")
    old = project.mail.parent
    move(project)
    old.rename(project.root.parent / "elsewhere")
    assert told(project, "status") == []


def test_another_way_to_the_same_mailbox_is_no_change(project: Project) -> None:
    project.queue("r1")
    (project.root.parent / "elsewhere").symlink_to(project.mail.parent)
    move(project)
    assert told(project, "push") == []


def test_former_mailbox_that_is_away_is_told_once(project: Project) -> None:
    project.queue("r1")
    old = project.mail.parent
    before = move(project)
    old.rename(old.with_name("unplugged"))
    (line,) = told(project, "push")
    assert before in line and "whether runs are left there that are not home, nobody knows" in line
    assert told(project, "push") == []


def test_project_that_was_never_pushed_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    project = Project(tmp_path, monkeypatch, capsys)
    assert project.call("status")[0] == 0
    move(project)
    assert told(project, "push") == []
    assert (project.root.parent / "elsewhere" / BASE / "format.json").exists()
