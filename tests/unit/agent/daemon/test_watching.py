"""What is heard of files and folders that come, change and go."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.watched import Watched

pytestmark = [pytest.mark.platform, pytest.mark.skipif(sys.platform != "linux", reason="Linux tells most")]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "project" / "src" / "deep").mkdir(parents=True)
    return tmp_path / "project"


def save(path: Path, text: str = "new") -> None:
    path.write_text(text)


def vim(path: Path) -> None:
    probe = path.with_name("4913")
    probe.touch()
    probe.unlink()
    backup = path.with_name(path.name + "~")
    path.rename(backup)
    save(path)
    backup.unlink()


def atomic(path: Path) -> None:
    aside = path.with_name(f"{path.name}.vsctmp")
    save(aside)
    os.replace(aside, path)


def in_place(path: Path) -> None:
    with path.open("r+") as file:
        file.truncate()
        file.write("new")


@pytest.mark.parametrize("editor", [vim, atomic, in_place])
def test_a_saved_file_is_heard_of_however_its_editor_saves(
    root: Path, editor: Callable[[Path], None]
) -> None:
    save(root / "src" / "a.py", "old")
    with Watched(root) as watched:
        editor(root / "src" / "a.py")
        watched.until(lambda so_far: b"src/a.py" in so_far.paths)
        watched.all()
        assert watched.open == frozenset()


def test_a_file_is_open_until_its_writer_closes_it(root: Path) -> None:
    with Watched(root) as watched:
        with (root / "src" / "long.bin").open("wb", buffering=0) as file:
            file.write(b"first")
            watched.until(lambda so_far: b"src/long.bin" in so_far.open)
        watched.until(lambda so_far: b"src/long.bin" not in so_far.open)


def test_a_file_that_is_renamed_or_deleted_while_open_is_not_waited_for(root: Path) -> None:
    one, two = root / "one", root / "two"
    with (
        Watched(root) as watched,
        one.open("wb", buffering=0) as first,
        two.open("wb", buffering=0) as second,
    ):
        first.write(b"1")
        second.write(b"2")
        watched.until(lambda so_far: so_far.open == {b"one", b"two"})
        one.unlink()
        two.rename(root / "three")
        watched.all()
        assert watched.open == frozenset()


def test_permissions_links_and_deletions_are_heard_of(root: Path) -> None:
    save(root / "script")
    save(root / "old")
    with Watched(root) as watched:
        (root / "script").chmod(0o755)
        (root / "old").unlink()
        (root / "link").symlink_to("nowhere")
        assert watched.all() == {b"script", b"old", b"link"}


def test_names_that_are_not_utf_8_are_heard_of(root: Path) -> None:
    with Watched(root) as watched:
        folder = os.path.join(os.fsencode(root), b"caf\xe9")
        os.mkdir(folder)
        watched.until(lambda so_far: b"caf\xe9" in so_far.paths)
        watched.forget()
        with open(os.path.join(folder, b"\xff\xfe"), "wb"):
            pass
        watched.until(lambda so_far: b"caf\xe9/\xff\xfe" in so_far.paths)


def test_a_link_to_a_folder_is_one_path_and_not_followed(root: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    with Watched(root) as watched:
        (root / "link").symlink_to(tmp_path / "elsewhere")
        watched.until(lambda so_far: b"link" in so_far.paths)
        save(tmp_path / "elsewhere" / "file")
        assert watched.all() == {b"link"}


def test_nothing_made_in_a_new_folder_is_lost(root: Path) -> None:
    with Watched(root) as watched:
        files = [f"n{i}/a/b/c/file" for i in range(50)]
        for file in files:
            (root / file).parent.mkdir(parents=True)
            save(root / file)
        watched.all()
        assert [file for file in files if not watched.covers(file.encode())] == []
        watched.forget()
        for file in files:
            save(root / file)
        watched.all()
        assert watched.doubts or {file.encode() for file in files} <= watched.paths


def test_a_folder_moved_in_is_heard_of_and_then_watched_with_all_below(root: Path, tmp_path: Path) -> None:
    inner = tmp_path / "outside" / "x" / "y"
    inner.mkdir(parents=True)
    save(inner / "file")
    with Watched(root) as watched:
        (tmp_path / "outside").rename(root / "inside")
        watched.until(lambda so_far: b"inside" in so_far.paths)
        watched.forget()
        save(root / "inside" / "x" / "y" / "file")
        assert watched.all() == {b"inside/x/y/file"}


def test_a_folder_moved_away_is_heard_of_and_then_no_more(root: Path, tmp_path: Path) -> None:
    with Watched(root) as watched:
        before = watched.watches()
        (root / "src").rename(tmp_path / "away")
        watched.until(lambda so_far: b"src" in so_far.paths)
        watched.forget()
        save(tmp_path / "away" / "deep" / "file")
        assert watched.all() == set()
        assert watched.watches() == before - 2


def test_a_renamed_folder_is_known_under_its_new_name_alone(root: Path) -> None:
    with Watched(root) as watched:
        before = watched.watches()
        (root / "src").rename(root / "lib")
        watched.until(lambda so_far: {b"src", b"lib"} <= so_far.paths)
        watched.forget()
        save(root / "lib" / "deep" / "file")
        assert watched.all() == {b"lib/deep/file"}
        assert watched.watches() == before


def test_a_deleted_folder_may_come_again(root: Path) -> None:
    with Watched(root) as watched:
        for _ in range(20):
            (root / "src" / "deep").rmdir()
            (root / "src" / "deep").mkdir()
        watched.all()
        watched.forget()
        save(root / "src" / "deep" / "file")
        assert watched.all() == {b"src/deep/file"}


def test_a_checkout_of_a_large_branch_is_heard_of_to_the_last_file(root: Path) -> None:
    def git(*words: str) -> None:
        done = ["git", "-c", "user.name=A", "-c", "user.email=a@example.com", "-C", str(root), *words]
        subprocess.run(done, check=True, capture_output=True)

    git("init", "-b", "main")
    save(root / "readme")
    git("add", ".")
    git("commit", "-m", "one")
    git("checkout", "-b", "large")
    files = [f"pkg{i % 20}/sub{i % 7}/file{i}.py" for i in range(500)]
    for file in files:
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        save(root / file)
    git("add", ".")
    git("commit", "-m", "two")
    git("checkout", "main")
    with Watched(root) as watched:
        for branch in ("large", "main"):
            git("checkout", branch)
            watched.until(lambda so_far: so_far.git)
            heard = watched.all()
            assert [file for file in files if not watched.covers(file.encode())] == []
            assert not any(path.startswith(b".git") for path in heard)
            watched.forget()
