"""``hybrid gc``: [keep] decides, the local index forgets what went, and a push after it is whole."""

import contextlib
import os
import sqlite3
from pathlib import Path

import pytest

from agent.project import Project as Found
from sync.leftovers import PATIENCE_S
from tests.support.projects import Project

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> Project:
    project = Project(tmp_path, monkeypatch, capsys)
    project.configure("[keep]\nsnapshots = 1\ndays = 0\n")
    return project


def push(project: Project, content: bytes) -> None:
    """What never changes, such as hybrid.toml, stays where the first push has put it."""
    (project.root / "data.bin").write_bytes(content)
    assert project.call("push")[0] == 0


def test_old_states_go_and_the_newest_stays_whole(project: Project) -> None:
    for _ in range(3):
        push(project, os.urandom(400_000))
    document = project.json("gc")
    assert (document["kept_snapshots"], document["removed_snapshots"]) == (1, 2)
    assert document["removed_packs"] == 1 and document["removed_bytes"] > 400_000
    assert len(document["removed"]) == document["removed_snapshots"] + document["removed_packs"]
    assert project.json("push", "--check")["missing"] == []
    code, out, _ = project.call("gc")
    assert code == 0
    assert out.startswith("Nothing to remove; kept 1 snapshot of this laptop (")


def test_content_that_went_is_sent_again_when_it_comes_back(project: Project) -> None:
    content = os.urandom(400_000)
    push(project, b"small")
    push(project, content)
    push(project, b"small again")
    assert project.json("gc")["removed_packs"] == 1
    push(project, content)
    assert project.json("push", "--check")["missing"] == []
    assert sum(path.stat().st_size for path in (project.mail / "packs").iterdir()) > 400_000


def test_dry_run_removes_nothing(project: Project) -> None:
    for content in (b"1", b"2", b"3"):
        push(project, content)
    before = sorted(project.mail.rglob("*"))
    code, out, _ = project.call("gc", "--dry-run")
    assert code == 0
    assert out.startswith("Would remove 1 snapshot and 0 packs (")
    assert sorted(project.mail.rglob("*")) == before


def test_queued_run_keeps_its_state_until_it_is_removed(project: Project) -> None:
    push(project, b"0")
    push(project, b"1")
    project.snapshot = project.json("status")["pushed"]["snapshot"]
    project.queue()
    push(project, b"2")
    assert project.json("gc")["removed_snapshots"] == 0
    project.call("rm", "r1")
    assert project.json("gc")["removed"] == [project.snapshot]


def test_half_written_files_go_once_they_were_seen_for_a_day(project: Project) -> None:
    push(project, b"1")
    half = project.mail / "packs" / ".tmp-0123456789abcdef-0"
    half.write_bytes(b"half of it")
    for _ in range(2):
        document = project.json("gc")
        assert (document["leftovers"], document["unfinished"]) == ([], 1)
    with contextlib.closing(sqlite3.connect(project.root / ".hybrid" / "state.db")) as state, state:
        state.execute("UPDATE unfinished SET seen = seen - ?", (PATIENCE_S,))
    out = project.call("gc", "--dry-run")[1]
    assert "Would remove 1 leftover of programs that were cut off (10 B)." in out and half.exists()
    document = project.json("gc")
    assert document["leftovers"] == [f"{project.mail.name}/packs/{half.name}"]
    assert (document["leftover_bytes"], document["unfinished"]) == (10, 0)
    assert not half.exists()
    assert project.json("gc")["leftovers"] == []


def test_push_that_is_under_way_keeps_gc_out(project: Project) -> None:
    push(project, b"1")
    with Found.find(project.root).lock("push"):
        code, _, err = project.call("gc")
    assert code == 11
    assert "push" in err


def test_without_a_mailbox_there_is_nothing_to_collect(project: Project) -> None:
    assert project.call("gc")[0] == 2
