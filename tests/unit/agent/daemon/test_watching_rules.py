"""What cannot go costs neither a watch nor a word; what decides about that is a doubt."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from agent.daemon.watch.rules import RULES_CHANGED, SETTINGS_CHANGED
from tests.support.trees import make_tree
from tests.support.watched import Watched

pytestmark = [
    pytest.mark.platform,
    pytest.mark.skipif(sys.platform != "linux", reason="counts Linux's watches"),
]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make_tree(
        tmp_path / "project",
        {
            ".gitignore": "/data/\n*.log\n",
            "src/deep/a.py": "",
            "data/plates/one/p.csv": "",
            ".venv/lib/python/x.py": "",
            "src/__pycache__/a.pyc": "",
            ".hybrid/state/x": "",
            "outputs/run/shard/o": "",
        },
    )


def test_an_excluded_tree_costs_no_watch(root: Path) -> None:
    with Watched(root) as watched:
        assert watched.watches() == len({"", "src", "src/deep"})
        for name in ("node_modules", "src/.mypy_cache", "data/more"):
            (root / name / "a" / "b").mkdir(parents=True)
        watched.all()
        assert watched.watches() == len({"", "src", "src/deep"})


def test_what_cannot_go_is_not_heard_of(root: Path) -> None:
    with Watched(root) as watched:
        for file in (
            "a.log",
            "src/b.log",
            "data/plates/one/p.csv",
            ".venv/lib/x",
            "outputs/run/o",
            ".hybrid/y",
        ):
            (root / file).write_text("new")
        (root / "src" / "__pycache__").rename(root / "src" / "__pycache__2")
        (root / "src" / "__pycache__2").rename(root / "src" / "__pycache__")
        assert watched.all() == {b"src/__pycache__2"}
        assert watched.doubts == []


@pytest.mark.parametrize(
    ("file", "doubt"),
    [
        (".gitignore", RULES_CHANGED),
        ("src/deep/.hybridignore", RULES_CHANGED),
        ("hybrid.toml", SETTINGS_CHANGED),
    ],
)
def test_a_file_that_decides_what_goes_is_a_doubt(root: Path, file: str, doubt: str) -> None:
    with Watched(root) as watched:
        (root / file).write_text("x")
        watched.until(lambda so_far: doubt in so_far.doubts)
        watched.all()
        watched.forget()
        (root / file).unlink()
        watched.until(lambda so_far: doubt in so_far.doubts)


def test_rules_that_come_or_go_with_their_folder_are_a_doubt(root: Path, tmp_path: Path) -> None:
    make_tree(tmp_path / "outside", {"inner/.gitignore": "*.bin\n"})
    with Watched(root) as watched:
        (tmp_path / "outside").rename(root / "inside")
        watched.until(lambda so_far: RULES_CHANGED in so_far.doubts)
        watched.renew()
        watched.all()
        watched.forget()
        (root / "inside").rename(tmp_path / "away")
        watched.until(lambda so_far: RULES_CHANGED in so_far.doubts)


def test_renew_watches_what_may_go_by_the_new_rules(root: Path) -> None:
    with Watched(root) as watched:
        (root / ".gitignore").write_text("/src/deep/\n")
        watched.until(lambda so_far: bool(so_far.doubts))
        watched.renew()
        watched.all()
        watched.forget()
        assert watched.watches() == len({"", "src", "data", "data/plates", "data/plates/one"})
        (root / "data" / "plates" / "one" / "p.csv").write_text("new")
        (root / "src" / "deep" / "a.py").write_text("new")
        assert watched.all() == {b"data/plates/one/p.csv"}


def test_a_change_while_rules_are_renewed_is_heard_of(root: Path) -> None:
    with Watched(root) as watched:
        for number in range(20):
            (root / "src" / "deep" / f"f{number}").write_text("")
            watched.renew()
        assert {f"src/deep/f{number}".encode() for number in range(20)} <= watched.all()
        assert watched.watches() == len({"", "src", "src/deep"})


def git(folder: Path, *words: str) -> None:
    who = ("-c", "user.name=A", "-c", "user.email=a@example.com")
    subprocess.run(["git", *who, "-C", str(folder), *words], check=True, capture_output=True)


def test_the_end_of_a_git_operation_is_heard_of(root: Path) -> None:
    git(root, "init")
    with Watched(root) as watched:
        lock = root / ".git" / "index.lock"
        lock.touch()
        watched.all()
        assert not watched.git
        lock.unlink()
        watched.until(lambda so_far: so_far.git)
        watched.all()
        watched.forget()
        git(root, "add", "src/deep/a.py")
        watched.until(lambda so_far: so_far.git)
        assert watched.all() == set()


def test_a_worktree_hears_of_its_own_git_folder(root: Path, tmp_path: Path) -> None:
    git(root, "init")
    git(root, "add", ".")
    git(root, "commit", "-m", "one")
    git(root, "worktree", "add", str(tmp_path / "other"))
    with Watched(tmp_path / "other") as watched:
        (tmp_path / "other" / "new").write_text("")
        watched.until(lambda so_far: b"new" in so_far.paths)
        assert not watched.git
        git(tmp_path / "other", "add", "new")
        watched.until(lambda so_far: so_far.git)


def test_a_project_below_the_top_of_its_repository_hears_of_git(root: Path) -> None:
    git(root, "init")
    with Watched(root / "src") as watched:
        git(root, "add", "src/deep/a.py")
        watched.until(lambda so_far: so_far.git)


def test_a_repository_that_is_made_later_is_heard_of(root: Path) -> None:
    with Watched(root) as watched:
        git(root, "init")
        watched.until(lambda so_far: so_far.git)
        watched.all()
        watched.forget()
        git(root, "add", "src/deep/a.py")
        watched.until(lambda so_far: so_far.git)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_becomes_readable_is_watched_from_then_on(root: Path) -> None:
    (root / "src").chmod(0o000)
    with Watched(root) as watched:
        assert watched.watching.how == "events"
        (root / "src").chmod(0o755)
        watched.until(lambda so_far: b"src" in so_far.paths)
        watched.forget()
        (root / "src" / "deep" / "a.py").write_text("new")
        assert watched.all() == {b"src/deep/a.py"}
