"""Finding a project, the laptop's id, and locks between processes."""

import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from agent.project import Project, laptop_id
from sync.errors import HybridError, Locked, UsageError

TOML = '[project]\nid = "p"\n'


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "work"
    root.mkdir()
    (root / "hybrid.toml").write_text(TOML)
    return root


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "settings" / "deep"
    monkeypatch.setenv("HYBRID_CONFIG_DIR", str(folder))
    return folder


def test_project_is_found_from_a_folder_within(root: Path) -> None:
    inner = root / "a" / "b"
    inner.mkdir(parents=True)
    project = Project.find(inner)
    assert project.root == root
    assert project.config.project.id == "p"


def test_nearest_project_wins(root: Path) -> None:
    inner = root / "a"
    inner.mkdir()
    (inner / "hybrid.toml").write_text('[project]\nid = "inner"\n')
    assert Project.find(inner).config.project.id == "inner"


def test_folder_without_a_project_points_at_init(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=re.escape(str(tmp_path))) as caught:
        Project.find(tmp_path)
    assert caught.value.hint == "hybrid init"


def test_project_without_a_mailbox_says_what_to_write(root: Path) -> None:
    with pytest.raises(UsageError, match="does not say where the mailbox is") as caught:
        _ = Project.find(root).remote_url
    assert "url =" in caught.value.hint


def test_state_folder_is_ignored_by_git(root: Path) -> None:
    project = Project.find(root)
    assert not (root / ".hybrid").exists()
    assert project.state_dir == root / ".hybrid"
    assert (root / ".hybrid" / ".gitignore").read_text() == "*\n"
    assert project.state_dir == root / ".hybrid"


def test_vanished_project_is_an_error_and_stays_gone(root: Path) -> None:
    project = Project.find(root)
    shutil.rmtree(root)
    with pytest.raises(HybridError, match="is not there any more"):
        _ = project.state_dir
    assert not root.exists()


def test_file_in_the_place_of_the_state_folder_is_an_error(root: Path) -> None:
    (root / ".hybrid").write_text("")
    with pytest.raises(HybridError, match="is no folder"):
        _ = Project.find(root).state_dir


def test_laptop_id_is_made_once_and_kept(settings: Path) -> None:
    first = laptop_id()
    assert re.fullmatch("[a-z2-7]{8}", first)
    assert laptop_id() == first
    assert (settings / "laptop-id").read_text() == f"{first}\n"


def test_threads_that_race_for_the_first_laptop_id_get_the_same(settings: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(lambda _: laptop_id(), range(16)))) == 1


@pytest.mark.parametrize("damage", ["", "UPPER234", "short", "../../etc", "abcdefg\u00e9"])
def test_damaged_laptop_id_is_never_used(settings: Path, damage: str) -> None:
    settings.mkdir(parents=True)
    (settings / "laptop-id").write_text(damage, encoding="utf-8")
    with pytest.raises(HybridError, match="does not hold an id"):
        laptop_id()


def test_lock_keeps_another_process_out_and_names_its_holder(root: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from agent.project import Project\n"
        f"with Project.find(Path({str(root)!r})).lock('push'):\n"
        "    print('held', flush=True); sys.stdin.readline()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=Path(__file__).parents[3],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline().strip() == b"held"
        with (
            pytest.raises(Locked, match=rf"\(id {holder.pid}\) is at work .*\(push\)"),
            Project.find(root).lock("push"),
        ):
            pass
        holder.kill()
        holder.wait()
        # A dead process holds nothing, although it had no time to clean up.
        with Project.find(root).lock("push"):
            pass


def test_locks_of_different_names_do_not_meet(root: Path) -> None:
    project = Project.find(root)
    with project.lock("push"), project.lock("pull"):
        pass


def test_lock_holds_between_threads_and_is_free_after_an_error(root: Path) -> None:
    project = Project.find(root)
    with pytest.raises(ZeroDivisionError), project.lock("push"):
        with pytest.raises(Locked), Project.find(root).lock("push"):
            pass
        raise ZeroDivisionError
    with project.lock("push"):
        pass
