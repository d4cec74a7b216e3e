"""``hybrid push`` on bad days: what it answers, and that nothing is lost."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from agent.project import Project as Found
from sync.mailbox import records
from sync.mailbox.records import Format
from tests.support.projects import Project
from tests.support.pushed import content, fails, mailbox_tree, own_tree
from tests.support.small_disk import mounted, remount
from tests.support.trees import make_tree

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> Project:
    project = Project(tmp_path, monkeypatch, capsys)
    make_tree(project.root, {"a.py": b"print()", "data/big.bin": os.urandom(400_000)})
    return project


def test_emptied_project_asks_first(project: Project) -> None:
    make_tree(project.root, {f"data/{n}": b"%d" % n for n in range(10)})
    project.call("push")
    before = content(project)
    shutil.rmtree(project.root / "data")
    assert "--accept-deletions" in fails(project, 15)
    code, out, err = project.call("push", "--dry-run")
    assert (code, "and publish 11 removals.\n" in out, "--accept-deletions" in err) == (15, True, True)
    assert project.call("push", "--dry-run", "--accept-deletions")[0] == 0
    assert content(project) == before
    document = project.json("push", "--accept-deletions")
    assert (document["removed"], document["files"]) == (11, 2)


def test_lost_objects_are_noticed_by_check_and_sent_again(project: Project, tmp_path: Path) -> None:
    project.call("push")
    assert project.call("push", "--check")[1] == (
        "Nothing has changed since snapshot 1, and the mailbox has every file of it, none cut short; what is in them was"
        " not read.\n"
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


@pytest.mark.platform
def test_full_disk_of_the_mailbox_loses_nothing_and_the_next_push_goes_on(
    project: Project, tmp_path: Path
) -> None:
    with mounted(project.mail.parent, "size=600k"):
        project.json("push")
        before = content(project)
        make_tree(project.root, {"more.bin": os.urandom(500_000)})
        assert "Make room" in fails(project, 10)
        assert content(project) == before
        remount(project.mail.parent, "size=8m")
        document = project.json("push")
        assert document["new_bytes"] == 500_000
        assert mailbox_tree(project, document["snapshot"], tmp_path / "out") == own_tree(project)


@pytest.mark.platform
def test_full_disk_of_the_project_says_so_and_the_next_push_goes_on(project: Project, tmp_path: Path) -> None:
    with mounted(project.root / ".hybrid", "size=300k"):
        filler = project.root / ".hybrid" / "filler"
        project.json("push")
        make_tree(project.root, {f"many/{n:04d}": b"%d" % n for n in range(3_000)})
        fails(project, 17)
        remount(filler.parent, "size=16m")
        document = project.json("push")
        assert mailbox_tree(project, document["snapshot"], tmp_path / "out") == own_tree(project)


def test_folder_of_the_mailbox_that_is_a_file(project: Project) -> None:
    project.mail.parent.write_bytes(b"in the way")
    fails(project, 10)
    assert project.mail.parent.read_bytes() == b"in the way"


@pytest.mark.parametrize("where", ["mbox", "data/mbox", "mbox/deep"])
def test_mailbox_inside_the_project_is_never_sent_into_itself(project: Project, where: str) -> None:
    path = project.root / "hybrid.toml"
    path.write_text(
        f'[project]\nid = "p"\n[remote]\nurl = "folder:{where}"\n[push]\ninclude = ["{where}/*"]\n'
    )
    files = project.json("push")["files"]
    for number in range(2):
        make_tree(project.root, {"new": b"%d" % number})
        assert project.json("push")["files"] == files + 1
    assert project.call("push")[1].startswith("Nothing has changed")
    path.write_text(path.read_text().replace(f"folder:{where}", "folder:."))
    code, _, err = project.call("push")
    assert (code, "The mailbox folder:. is the project folder itself." in err) == (2, True)
