"""What ``push`` makes of files that only have another path: no content is sent, and none is read where that is safe."""

import os
import shutil
from pathlib import Path

import pytest

from sync.errors import ConfirmationNeeded
from sync.local.index import FileRow
from sync.mailbox import layout
from sync.remotes.memory import MemoryRemote
from tests.support.pushes import BASE, Desk, newest, packs
from tests.support.trees import fingerprint, make_tree, noise


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "home", MemoryRemote())


def test_a_renamed_folder_sends_no_content(desk: Desk, tmp_path: Path) -> None:
    make_tree(desk.tree, {f"old/{n:03d}.bin": noise(20_000, n) for n in range(100)})
    desk.push()
    os.rename(desk.tree / "old", desk.tree / "new")
    done = desk.push()
    assert (done.new_bytes, done.removed, done.objects) == (0, 100, 1)
    assert done.sent_bytes < 20_000
    assert newest(desk.remote, tmp_path / "out") == fingerprint(desk.tree)


@pytest.mark.skipif(os.name == "nt", reason="no inode tells a file there")
def test_a_file_in_a_renamed_folder_is_not_even_read(desk: Desk, tmp_path: Path) -> None:
    make_tree(desk.tree, {f"old/{n}": noise(2_000, n) for n in range(9)} | {"other/0": b"other"})
    desk.push()
    os.rename(desk.tree / "old", desk.tree / "new")
    (desk.tree / "new" / "8").write_bytes(b"edited after")
    seen = desk.look()
    assert seen.moved == {b"new/%d" % n: b"old/%d" % n for n in range(8)}
    assert [entry.path for entry in seen.changed] == [b"new/8"]
    assert desk.push().changed == 1
    assert newest(desk.remote, tmp_path / "out") == fingerprint(desk.tree)
    assert desk.look().nothing_to_do


def test_two_folders_that_swap_their_names(desk: Desk, tmp_path: Path) -> None:
    make_tree(
        desk.tree, {"a/x": b"one", "b/x": b"two", "a/same": b"same", "b/same": b"same", "c": noise(9_000)}
    )
    desk.push()
    os.rename(desk.tree / "a", desk.tree / "t")
    os.rename(desk.tree / "b", desk.tree / "a")
    os.rename(desk.tree / "t", desk.tree / "b")
    assert not desk.push().unpublished
    assert newest(desk.remote, tmp_path / "out") == fingerprint(desk.tree)
    assert desk.look().nothing_to_do and desk.push().unpublished


def test_a_folder_that_takes_the_place_of_another_adds_no_files(desk: Desk) -> None:
    make_tree(desk.tree, {f"{folder}/{n}": noise(500, n) for folder in "abcd" for n in range(9)})
    desk.push()
    for folder in "bcd":
        shutil.rmtree(desk.tree / folder)
    os.rename(desk.tree / "a", desk.tree / "b")
    with pytest.raises(ConfirmationNeeded, match="36 before, 9 now"):
        desk.push()


def test_a_moved_file_that_comes_under_a_second_name_is_read(desk: Desk, tmp_path: Path) -> None:
    make_tree(desk.tree, {"old/a": noise(900_000), ".gitignore": b"*.log\n"})
    os.link(desk.tree / "old" / "a", desk.tree / "old" / "b.log")
    desk.push()
    (desk.tree / ".gitignore").unlink()
    os.rename(desk.tree / "old", desk.tree / "new")
    for name in packs(desk.remote):
        desk.remote.delete(f"{BASE}/{layout.PACKS}/{name}")
    desk.push()
    assert newest(desk.remote, tmp_path / "out") == fingerprint(desk.tree)


def test_folders_of_one_content_that_swap_names_keep_what_may_be_executed(desk: Desk, tmp_path: Path) -> None:
    make_tree(desk.tree, {"a/f": b"same", "b/f": b"same"})
    (desk.tree / "a" / "f").chmod(0o755)
    desk.push()
    os.rename(desk.tree / "a", desk.tree / "t")
    os.rename(desk.tree / "b", desk.tree / "a")
    os.rename(desk.tree / "t", desk.tree / "b")
    desk.push()
    assert newest(desk.remote, tmp_path / "out") == fingerprint(desk.tree)


def test_a_file_with_the_times_of_several_others_is_read(desk: Desk, tmp_path: Path) -> None:
    """As on a disk that gives inodes out anew when it is mounted, with files that came out of one archive."""
    make_tree(desk.tree, {f"old/{n}": b"%d" % n for n in range(5)})
    desk.push()
    with desk.index() as index:  # what such a disk said of them
        rows = [FileRow(path, noted, index.contents([path])[path]) for path, noted in index.files().items()]
        one = rows[0].noted
        for row in rows:
            signature = row.noted.signature._replace(
                mtime_ns=one.signature.mtime_ns, ctime_ns=one.signature.ctime_ns
            )
            index.note_files({row.path: row.noted._replace(signature=signature)})
    os.rename(desk.tree / "old", desk.tree / "new")
    assert not desk.look().moved
    desk.push()
    assert newest(desk.remote, tmp_path / "out") == fingerprint(desk.tree)


def test_two_files_of_one_content_that_swap_their_names_publish_nothing(desk: Desk) -> None:
    make_tree(desk.tree, {"a/same": b"same", "b/same": b"same"})
    desk.push()
    os.rename(desk.tree / "a", desk.tree / "t")
    os.rename(desk.tree / "b", desk.tree / "a")
    os.rename(desk.tree / "t", desk.tree / "b")
    assert desk.push().unpublished
    assert desk.look().nothing_to_do
