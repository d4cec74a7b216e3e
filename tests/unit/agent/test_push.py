"""``hybrid push``: what it sends, and what it says."""

import os
import sys
from pathlib import Path
from typing import Any

import pytest

from agent.sizes import count, duration, size
from sync.clock import SystemClock
from tests.support.projects import Project
from tests.support.pushed import content, fails, mailbox_tree, own_tree
from tests.support.trees import make_fifo, make_tree

Capture = pytest.CaptureFixture[str]
FIELDS = {
    "snapshot",
    "seq",
    "tree",
    "files",
    "bytes",
    "pushed",
    "changed",
    "removed",
    "new_bytes",
    "sent_bytes",
    "objects",
    "missing",
    "held_back",
    "problems",
}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> Project:
    project = Project(tmp_path, monkeypatch, capsys)
    make_tree(project.root, {"a.py": b"print()", "data/big.bin": os.urandom(400_000)})
    return project


def test_document_of_a_push_is_as_documented(project: Project, tmp_path: Path) -> None:
    document = project.json("push")
    assert document.keys() == FIELDS
    assert (document["seq"], document["files"], document["pushed"], document["changed"]) == (1, 3, True, 3)
    assert document["new_bytes"] == document["bytes"]
    assert document["sent_bytes"] == sum(
        len(data) for path, data in content(project).items() if "json" not in path
    )
    assert document["objects"] == 2
    assert (document["missing"], document["held_back"], document["problems"]) == ([], [], [])
    assert mailbox_tree(project, document["snapshot"], tmp_path / "out") == own_tree(project)
    section = (Path(__file__).parents[3] / "docs" / "cli.md").read_text().split("## `hybrid push`")[1]
    section = section.split("\n## ")[0]
    assert [field for field in FIELDS if f"`{field}`" not in section] == []


def test_second_push_answers_without_the_mailbox(project: Project) -> None:
    first = project.json("push")
    project.mail.parent.rename(project.mail.parent.with_name("away"))
    again = project.json("push")
    assert again.keys() == FIELDS
    assert again["pushed"] is False and again["held_back"] is None
    assert {key: again[key] for key in ("snapshot", "seq", "tree", "files", "bytes")} == {
        key: first[key] for key in ("snapshot", "seq", "tree", "files", "bytes")
    }
    assert project.call("push")[1] == "Nothing has changed since snapshot 1.\n"


def test_text_says_what_went(project: Project) -> None:
    code, out, err = project.call("push")
    assert code == 0
    assert out.startswith("Pushed snapshot 1: 3 files, 400 kB; 3 files read, 40")
    assert err == (
        "From now on, hybrid agent start does this whenever a file is saved.\nNext: hybrid run -- COMMAND\n"
    )
    (project.root / "a.py").write_text("another")
    assert project.call("push")[2] == "Next: hybrid run -- COMMAND\n"


def test_dry_run_shows_what_would_go_and_contacts_nothing(project: Project) -> None:
    document = project.json("push", "--dry-run")
    assert document["changed"] == ["a.py", "data/big.bin", "hybrid.toml"]
    assert not project.mail.parent.exists()
    project.call("push")
    (project.root / "a.py").unlink()
    make_tree(project.root, {"b.py": b"b"})
    code, out, _ = project.call("push", "--dry-run")
    assert (code, out) == (
        0,
        "+ b.py\n- a.py\nWould send what is new in 1 file (1 B at most), and publish 1 removal.\n",
    )
    assert project.json("push", "--dry-run")["removed"] == ["a.py"]
    assert "--check" in fails(project, 2, "--dry-run", "--check")


def test_dry_run_tells_moved_files_from_removed_ones(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_tree(project.root, {f"data/{n}": b"%d" % n for n in range(10)})
    later = SystemClock().wall() + 60  # what was written just now may still change unseen
    monkeypatch.setattr(SystemClock, "wall", lambda _: later)
    project.call("push")
    (project.root / "data").rename(project.root / "plates")
    (project.root / "a.py").unlink()
    code, out, _ = project.call("push", "--dry-run", "-v")
    assert (code, "> data/1 -> plates/1\n" in out, "- data/1\n" in out) == (0, True, False)
    assert out.endswith("in 0 files (0 B at most), and publish 1 removal, 11 files moved.\n")


def test_what_is_held_back_is_named_with_the_line_that_brings_it_in(project: Project) -> None:
    make_tree(project.root, {".env": b"KEY=1", ".hybridignore": b"data/\n", "data/more": b"12345"})
    document = project.json("push")
    held = {each["path"]: each for each in document["held_back"]}
    assert held.keys() == {".env", "data"}
    assert (held["data"]["bytes"], held["data"]["files"], held["data"]["secret"]) == (400_005, 2, False)
    assert held[".env"]["secret"] is True
    make_tree(project.root, {"new": b"n"})
    err = project.call("push")[2]
    assert "Held back: data (400 kB, 2 files): hybrid ignores it: .hybridignore:1 data/" in err
    assert 'include = ["data/"]' in err
    project.configure('[push]\ninclude = ["data/"]\n')
    assert project.json("push")["new_bytes"] > 400_000


def test_pulled_outputs_stay_whatever_their_folder_is_called(project: Project) -> None:
    project.configure()
    text = (
        (project.root / "hybrid.toml").read_text().replace('id = "p"', 'id = "p"\noutputs = "work/results"')
    )
    (project.root / "hybrid.toml").write_text(text)
    make_tree(project.root, {"work/results/r1/out": b"pulled", "work/in": b"in", "outputs/mine": b"mine"})
    changed = project.json("push", "--dry-run")["changed"]
    assert changed == ["a.py", "data/big.bin", "hybrid.toml", "outputs/mine", "work/in"]


@pytest.mark.platform
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no named pipes in folders")
def test_skipped_paths_are_named_and_the_push_is_partial(project: Project) -> None:
    for number in range(15):
        make_fifo(project.root, f"pipe-{number:02d}")
    code, out, err = project.call("push")
    assert (code, out[:17]) == (3, "Pushed snapshot 1")
    assert "Warning: Skipped: pipe-00 is a named pipe." in err
    assert "pipe-10" not in err and "... and 5 more were skipped" in err
    assert "pipe-14" in project.call("push", "-v")[2]
    assert len(project.json("push", code=3)["problems"]) == 15


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (99_960, "100 kB"),
        (999_600, "1.0 MB"),
        (1_500_000, "1.5 MB"),
        (999.7e9, "1.0 TB"),
        (5e15, "5000.0 TB"),
    ],
)
def test_sizes_are_as_people_read_them(amount: float, text: str) -> None:
    assert size(amount) == text


def test_counts_and_durations_are_as_people_read_them() -> None:
    texts: list[Any] = [count(1, "file"), count(0, "file"), count(1234, "file")]
    assert texts == ["1 file", "0 files", "1,234 files"]
    texts = [duration(each) for each in (-1, 99, 99.7, 130, 6 * 3600 + 61, 5 * 86400)]
    assert texts == ["0 s", "99 s", "2 min", "2 min", "6 h 1 min", "5 d"]
