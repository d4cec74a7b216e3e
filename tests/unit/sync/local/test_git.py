import os
import shutil
import subprocess
from pathlib import Path

import pytest

from sync.local.git import Commit, Commits, commit, ignore_settings, tracked_but_ignored
from tests.support.trees import make_tree


def git(root: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=x", "-c", "user.email=x@localhost"]
    done = subprocess.run(
        ["git", *identity, *arguments], cwd=root, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    root = make_tree(tmp_path / "re po\nsitory", {"a": "1", "sub/b": "1", ".gitignore": "held\n"})
    git(root, "init", "-q")
    return root


def test_the_commit_and_whether_the_project_differs_from_it(repository: Path) -> None:
    assert commit(repository) is None
    git(repository, "add", ".")
    git(repository, "commit", "-q", "-m", "one")
    head = git(repository, "rev-parse", "HEAD")
    assert commit(repository) == Commit(hash=head, dirty=False)
    make_tree(repository, {"held": "ignored"})
    assert commit(repository) == Commit(hash=head, dirty=False)
    make_tree(repository, {"new": "x"})
    assert commit(repository) == Commit(hash=head, dirty=True)
    assert commit(repository / "sub") == Commit(hash=head, dirty=False)
    (repository / "sub" / "b").write_text("2")
    assert commit(repository / "sub") == Commit(hash=head, dirty=True)


def test_asked_again_it_says_the_same_from_what_changed(repository: Path) -> None:
    git(repository, "add", ".")
    git(repository, "commit", "-q", "-m", "one")
    asked = Commits(repository)
    tree: list[tuple[dict[bytes | str, str], bool]] = [
        ({"a": "2"}, True),
        ({"sub/b": "2"}, True),
        ({"a": "1"}, True),  # b still differs
        ({"sub/b": "1"}, False),
        ({"held": "x"}, False),
        ({"[a]*": "x"}, True),
    ]
    assert asked.now() == commit(repository)
    for change, dirty in tree:
        make_tree(repository, change)
        paths = [os.fsencode(path) for path in change]
        found = asked.now(paths)
        assert found == commit(repository)
        assert found is not None and found.dirty is dirty
    git(repository, "add", ".")
    git(repository, "commit", "-q", "-m", "two")
    assert asked.now([b"a"]) == commit(repository)


def test_asking_leaves_the_repository_as_it_was(repository: Path) -> None:
    git(repository, "add", ".")
    git(repository, "commit", "-q", "-m", "one")
    (repository / "a").touch()
    before = (repository / ".git" / "index").read_bytes()
    (repository / ".git" / "index.lock").touch()  # the user's own git is at work
    assert commit(repository) is not None
    assert (repository / ".git" / "index").read_bytes() == before


def test_a_hook_of_another_repository_does_not_mislead(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git(repository, "add", ".")
    git(repository, "commit", "-q", "-m", "one")
    right = commit(repository)
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "elsewhere" / "index"))
    assert commit(repository) == right


def test_outside_of_a_repository_there_is_no_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert commit(tmp_path) is None
    assert tracked_but_ignored(tmp_path) == frozenset()
    assert ignore_settings(tmp_path).above == ()


def test_without_git_everything_has_its_usual_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    assert commit(tmp_path) is None and tracked_but_ignored(tmp_path) == frozenset()
    settings = ignore_settings(tmp_path)
    assert settings.files == (tmp_path / "config/git/ignore", tmp_path / ".git/info/exclude")
    assert not settings.above and not settings.ignore_case


def test_the_settings_are_gits_own(repository: Path) -> None:
    home = repository.parent / "home"
    assert ignore_settings(repository).files == (
        home / ".config/git/ignore",
        repository / ".git/info/exclude",
    )
    git(repository, "config", "core.excludesFile", "~/mine")
    git(repository, "config", "core.ignoreCase", "yes")
    settings = ignore_settings(repository / "sub")
    assert settings.above == (b"sub",) and settings.ignore_case
    assert [file.resolve() for file in settings.files] == [home / "mine", repository / ".git/info/exclude"]


def test_a_worktree_shares_its_repositorys_exclude_file(repository: Path, tmp_path: Path) -> None:
    git(repository, "add", ".")
    git(repository, "commit", "-q", "-m", "one")
    git(repository, "worktree", "add", "-q", str(tmp_path / "tree"))
    assert ignore_settings(tmp_path / "tree").files[1].resolve() == repository / ".git/info/exclude"


def test_tracked_paths_are_relative_to_the_project(repository: Path) -> None:
    make_tree(repository, {"sub/held": "x", b"sub/h\xff\n/held": b"x"})
    git(repository, "add", "-f", ".")
    assert tracked_but_ignored(repository) == {b"sub/held", b"sub/h\xff\n/held"}
    assert tracked_but_ignored(repository / "sub") == {b"held", b"h\xff\n/held"}
