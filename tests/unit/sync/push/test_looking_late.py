"""A look at the paths that are known to have changed, while there are more that nobody has told of yet."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from sync.push.looking import View
from sync.remotes.memory import MemoryRemote
from sync.store.reader import Reader
from tests.support.pushes import BASE, URL, Desk


def emptied(tree: Path) -> None:
    (tree / "d/one").unlink()
    (tree / "d/two").unlink()


def filled(tree: Path) -> None:
    (tree / "empty/sub").mkdir()
    (tree / "empty/sub/one").write_text("1")


def file_to_folder(tree: Path) -> None:
    (tree / "file").unlink()
    (tree / "file/sub").mkdir(parents=True)
    (tree / "file/sub/one").write_text("1")


def link_to_folder(tree: Path) -> None:
    (tree / "link").unlink()
    (tree / "link/sub").mkdir(parents=True)
    (tree / "link/sub/one").write_text("1")


def folder_to_link(tree: Path) -> None:
    shutil.rmtree(tree / "d")
    (tree / "d").symlink_to("file")


def lost_a_folder(tree: Path) -> None:
    shutil.rmtree(tree / "above/sub")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (emptied, b"d/one"),
        (filled, b"empty/sub/one"),
        (file_to_folder, b"file/sub/one"),
        (link_to_folder, b"link/sub/one"),
        (folder_to_link, b"d/one"),
        (lost_a_folder, b"above/sub/one"),
    ],
)
def test_nothing_is_published_below_what_is_no_folder_with_something_in_it(
    tmp_path: Path, change: Callable[[Path], None], told: bytes
) -> None:
    desk = Desk(tmp_path, MemoryRemote())
    for folder in ("d", "empty", "above/sub"):
        (desk.tree / folder).mkdir(parents=True)
    for name in ("d/one", "d/two", "above/sub/one", "file"):
        (desk.tree / name).write_text(name)
    (desk.tree / "link").symlink_to("d")
    desk.push()
    change(desk.tree)
    with desk.index() as index:
        view = View(desk.tree, desk.clock, url=URL)
        done = desk.publish(view.look_near(index, [told]), index, accept_deletions=True)
        reader = Reader(desk.remote, BASE)
        assert reader.entries(reader.root(done.published.snapshot))
        assert view.look(index).nothing_to_do
