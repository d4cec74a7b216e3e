"""``hybrid push``: what it says, what it answers on bad days, and that nothing is lost on them."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from agent.project import Project as Found
from agent.sizes import count, duration, size
from sync.mailbox import records
from sync.mailbox.records import Format
from sync.store.materialise import materialise, to_end
from sync.store.reader import Reader
from tests.support.projects import BASE, Project
from tests.support.trees import Fingerprint, fingerprint, make_fifo, make_tree

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


def fails(project: Project, code: int, *words: str) -> str:
    """What a push that ends with ``code`` says: one sentence, and one thing to do."""
    found, out, err = project.call("push", *words)
    assert (found, out) == (code, ""), err
    told = [line for line in err.splitlines() if not line.startswith("Warning: ")]
    assert [line.partition(": ")[0] for line in told] == ["Error", "Try"], err
    return err


def content(project: Project) -> dict[str, bytes]:
    """Every file of the mailbox."""
    return {str(path): path.read_bytes() for path in project.mail.rglob("*") if path.is_file()}


def mailbox_tree(project: Project, snapshot: str, target: Path) -> Fingerprint:
    reader = Reader(project.remote, BASE)
    entries = reader.entries(reader.root(snapshot))
    to_end(materialise(reader, entries, target, mirror=True))
    return fingerprint(target)


def own_tree(project: Project) -> Fingerprint:
    return {path: what for path, what in fingerprint(project.root).items() if not path.startswith(b".hybrid")}


# Good days


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
    assert err == "Next: hybrid run -- COMMAND\n"


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


# Bad days


def test_emptied_project_asks_first(project: Project) -> None:
    make_tree(project.root, {f"data/{n}": b"%d" % n for n in range(10)})
    project.call("push")
    before = content(project)
    shutil.rmtree(project.root / "data")
    assert "--accept-deletions" in fails(project, 15)
    assert content(project) == before
    document = project.json("push", "--accept-deletions")
    assert (document["removed"], document["files"]) == (11, 2)


def test_lost_objects_are_noticed_by_check_and_sent_again(project: Project, tmp_path: Path) -> None:
    project.call("push")
    assert project.call("push", "--check")[1] == (
        "Nothing has changed since snapshot 1, and the mailbox holds all of it.\n"
    )
    [pack] = (project.mail / "packs").iterdir()
    pack.unlink()
    document = project.json("push", "--check")
    assert document["missing"] == [f"packs/{pack.name}"]
    assert document["new_bytes"] == document["bytes"]
    assert mailbox_tree(project, document["snapshot"], tmp_path / "out") == own_tree(project)
    assert project.json("push", "--check")["missing"] == []


@pytest.mark.parametrize("left", [0, 1000])
def test_pack_that_was_cut_short_is_noticed_by_check_and_sent_again(
    project: Project, tmp_path: Path, left: int
) -> None:
    project.call("push")
    [pack] = (project.mail / "packs").iterdir()
    os.truncate(pack, left)
    document = project.json("push", "--check")
    assert document["missing"] == [f"packs/{pack.name}"]
    assert mailbox_tree(project, document["snapshot"], tmp_path / "out") == own_tree(project)
    assert project.json("push", "--check")["missing"] == []


def test_check_that_breaks_off_is_completed_by_the_next_push(project: Project, tmp_path: Path) -> None:
    project.call("push")
    packs = project.mail / "packs"
    shutil.rmtree(packs)
    packs.touch()  # nothing can be written there
    assert project.call("push", "--check")[0] == 10
    packs.unlink()
    packs.mkdir()
    document = project.json("push")
    assert document["pushed"]
    assert mailbox_tree(project, document["snapshot"], tmp_path / "out") == own_tree(project)


def test_damaged_snapshot_is_replaced_by_a_new_one_and_not_overwritten(
    project: Project, tmp_path: Path
) -> None:
    first = project.json("push")["snapshot"]
    damaged = project.mail / first
    damaged.write_bytes(b"nonsense")
    document = project.json("push", "--check")
    assert (document["missing"], document["seq"]) == ([first], 2)
    assert damaged.read_bytes() == b"nonsense"
    assert mailbox_tree(project, document["snapshot"], tmp_path / "out") == own_tree(project)


def test_run_names_a_snapshot_that_is_there(project: Project, tmp_path: Path) -> None:
    first = project.json("push")["snapshot"]
    words = ("run", "--no-start", "--json", "--", "true")
    assert json.loads(project.call(*words)[1])["snapshot"] == first
    (project.mail / first).unlink()
    second = json.loads(project.call(*words)[1])["snapshot"]
    assert second != first
    assert mailbox_tree(project, second, tmp_path / "out") == own_tree(project)
    project.mail.parent.rename(project.mail.parent.with_name("away"))
    code, _, err = project.call(*words)
    assert (code, "any more" in err) == (10, True)


def test_vanished_mailbox_is_not_begun_anew_unasked(project: Project, tmp_path: Path) -> None:
    project.call("push")
    away = project.mail.parent.with_name("away")
    project.mail.parent.rename(away)
    make_tree(project.root, {"b.py": b"b"})
    assert "--new-mailbox" in fails(project, 10)
    assert "any more" in fails(project, 10, "--check")
    assert not project.mail.parent.exists()
    away.rename(project.mail.parent)
    assert project.json("push")["new_bytes"] == 1
    shutil.rmtree(project.mail.parent)
    document = project.json("push", "--new-mailbox")
    assert (document["pushed"], document["new_bytes"]) == (True, document["bytes"])
    assert mailbox_tree(project, document["snapshot"], tmp_path / "out") == own_tree(project)
    assert project.json("push", "--check")["missing"] == []


@pytest.mark.parametrize("kind", ["newer", "corrupt", "empty"])
def test_mailbox_that_cannot_be_understood_is_left_alone(project: Project, kind: str) -> None:
    project.call("push")
    newer = records.encode(Format(mailbox="m" * 16, version=99))
    (project.mail / "format.json").write_bytes({"newer": newer, "corrupt": newer[:-3], "empty": b""}[kind])
    make_tree(project.root, {"b.py": b"b"})
    before = content(project)
    err = fails(project, 16)
    assert ("newer hybrid" if kind == "newer" else "no usable mailbox") in err
    assert content(project) == before


def test_one_push_at_a_time(project: Project) -> None:
    with Found.find(project.root).lock("push"):
        assert f"id {os.getpid()}" in fails(project, 11)
    assert project.call("push")[0] == 0


def test_damaged_local_state_is_set_aside_and_nothing_is_sent_twice(project: Project) -> None:
    first = project.json("push")
    state = project.root / ".hybrid" / "state.db"
    for leftover in state.parent.glob("state.db-*"):
        leftover.unlink()
    state.write_bytes(b"\0" * 4096 + os.urandom(8192))
    code, out, err = project.call("push", "--json")
    assert code == 0 and "Warning: The local state" in err and "Traceback" not in err
    assert '"sent_bytes": 0' in out
    assert (state.parent / "state.db.corrupt-1").exists()
    assert project.json("push")["snapshot"] == first["snapshot"]


def test_local_state_damaged_in_the_middle_is_set_aside_and_the_next_push_goes_on(project: Project) -> None:
    make_tree(project.root, {f"many/{n:04d}": b"%d" % n for n in range(2_000)})
    first = project.json("push")
    state = project.root / ".hybrid" / "state.db"
    data = bytearray(state.read_bytes())
    assert len(data) > 20 * 4096
    for page in range(3, len(data) // 4096):
        data[page * 4096 : page * 4096 + 200] = b"\xff" * 200
    state.write_bytes(data)
    assert "Run the command again" in fails(project, 1)
    document = project.json("push")
    assert (document["sent_bytes"], document["snapshot"]) == (0, first["snapshot"])


def test_mistake_in_the_settings_is_named_with_its_line(project: Project) -> None:
    project.configure("[push]\nincldue = []\n")
    assert "incldue" in fails(project, 2)
    project.configure('[push]\ninclude = ["!x"]\n')
    assert "[push] include" in fails(project, 2)


def test_outside_of_a_project_and_without_a_mailbox(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project.root / "hybrid.toml").write_text('[project]\nid = "p"\n')
    assert "does not say where the mailbox is" in fails(project, 2)
    monkeypatch.chdir(tmp_path)
    assert "hybrid init" in fails(project, 2)


@pytest.mark.platform
@pytest.mark.skipif(sys.platform == "win32", reason="Windows removes no folder that is in use")
def test_project_folder_that_was_removed(tmp_path: Path) -> None:
    folder = tmp_path / "gone"
    folder.mkdir()
    script = "import os, sys; os.rmdir(os.getcwd()); from agent.cli import main; sys.exit(main(['push']))"
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("Error: The current folder is not there any more.")


@contextmanager
def small_disk(folder: Path, amount: str) -> Iterator[None]:
    """A file system of its own at ``folder``; skips the test where this user may not mount one."""
    folder.mkdir(parents=True, exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={amount}", "tmpfs", str(folder)]
    if (
        not sys.platform.startswith("linux")
        or subprocess.run(mount, capture_output=True, check=False).returncode
    ):
        pytest.skip("no small file system can be mounted here")
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.platform
def test_full_disk_of_the_mailbox_loses_nothing_and_the_next_push_goes_on(
    project: Project, tmp_path: Path
) -> None:
    with small_disk(project.mail.parent, "600k"):
        project.json("push")
        before = content(project)
        make_tree(project.root, {"more.bin": os.urandom(500_000)})
        assert "make room" in fails(project, 10)
        assert content(project) == before
        subprocess.run(["mount", "-o", "remount,size=8m", str(project.mail.parent)], check=True)
        document = project.json("push")
        assert document["new_bytes"] == 500_000
        assert mailbox_tree(project, document["snapshot"], tmp_path / "out") == own_tree(project)


@pytest.mark.platform
def test_full_disk_of_the_project_says_so_and_the_next_push_goes_on(project: Project, tmp_path: Path) -> None:
    with small_disk(project.root / ".hybrid", "300k"):
        filler = project.root / ".hybrid" / "filler"
        project.json("push")
        make_tree(project.root, {f"many/{n:04d}": b"%d" % n for n in range(3_000)})
        fails(project, 17)
        subprocess.run(["mount", "-o", "remount,size=16m", str(filler.parent)], check=True)
        document = project.json("push")
        assert mailbox_tree(project, document["snapshot"], tmp_path / "out") == own_tree(project)


def test_folder_of_the_mailbox_that_is_a_file(project: Project) -> None:
    project.mail.parent.write_bytes(b"in the way")
    fails(project, 10)
    assert project.mail.parent.read_bytes() == b"in the way"


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
