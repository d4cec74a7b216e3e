"""Where git keeps what it is in the middle of."""

import subprocess
from pathlib import Path

from agent.daemon.watch.git import git_folder


def git(folder: Path, *words: str) -> str:
    who = ("-c", "user.name=A", "-c", "user.email=a@example.com", "-c", "protocol.file.allow=always")
    done = subprocess.run(["git", *who, *words], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def repository(folder: Path) -> Path:
    folder.mkdir()
    git(folder, "init")
    (folder / "file").write_text("")
    git(folder, "add", ".")
    git(folder, "commit", "-m", "one")
    return folder


def same(root: Path) -> bool:
    found = git_folder(root)
    return (
        found is not None and found.resolve() == Path(git(root, "rev-parse", "--absolute-git-dir")).resolve()
    )


def test_there_is_none_without_a_repository(tmp_path: Path) -> None:
    assert git_folder(tmp_path) is None
    assert git_folder(tmp_path / "nothing") is None


def test_it_is_found_where_git_finds_it(tmp_path: Path) -> None:
    top = repository(tmp_path / "top")
    (top / "a" / "b").mkdir(parents=True)
    git(top, "worktree", "add", str(tmp_path / "tree"))
    git(top, "submodule", "add", str(repository(tmp_path / "other")), "inner")
    assert [each for each in (top, top / "a" / "b", tmp_path / "tree", top / "inner") if not same(each)] == []


def test_a_link_to_the_project_is_followed_first(tmp_path: Path) -> None:
    top = repository(tmp_path / "top")
    (top / "a").mkdir()
    (tmp_path / "link").symlink_to(top / "a")
    assert same(tmp_path / "link")


def test_a_file_that_names_no_folder_is_passed_over(tmp_path: Path) -> None:
    top = repository(tmp_path / "top")
    for number, text in enumerate((b"", b"git", b"gitdir: \0", b"\xff" * 100_000)):
        below = top / str(number)
        below.mkdir()
        (below / ".git").write_bytes(text)
        assert git_folder(below) == top / ".git", text[:10]
