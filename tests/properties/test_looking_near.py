"""A look at the paths that changed sees what a look at everything sees, and a shelf what the index holds."""

import random
import shutil
from pathlib import Path

import pytest

from sync.local.index import Index
from sync.push.changes import Look
from sync.push.looking import View
from sync.push.overlay import fill
from sync.push.publish import Pushed
from sync.push.shelf import Shelf
from sync.remotes.memory import MemoryRemote
from sync.store.nouns import FILE
from sync.store.reader import Reader
from tests.support.pushes import BASE, URL, Desk

FOLDERS = ("", "a/", "a/b/", "c/", "c-d/", "kept/", "kept/x/")
NAMES = ("one", "two.log", "a", "b", ".gitignore")


class Editor:
    """Changes a tree at random, and remembers where."""

    def __init__(self, tree: Path, dice: random.Random) -> None:
        self.tree = tree
        self.dice = dice
        self.touched: set[bytes] = set()
        self.number = 0

    def edit(self) -> None:
        path = self.tree / (self.dice.choice(FOLDERS) + self.dice.choice(NAMES[:-1]))
        self.number += 1
        what = self.dice.choice(("write", "write", "write", "folder", "link", "remove", "rename", "chmod"))
        if what == "remove":
            self._clear(path)
            return
        if what == "rename":
            there = [each for each in self.tree.rglob("*") if each.name != ".gitignore"]
            if not there:
                return
            source = self.dice.choice(there)
            if path.is_relative_to(source) or source.is_relative_to(path):
                return
            self._clear(path)
            self._make_room(path)
            source.rename(path)
            self._note(source)
        elif what == "chmod":
            if path.is_file() and not path.is_symlink():
                path.chmod(path.stat().st_mode ^ 0o100)
        else:
            self._clear(path)
            self._make_room(path)
            if what == "write":
                path.write_text(f"{self.dice.randrange(5)} {self.number % 3}")
            elif what == "folder":
                path.mkdir()
            else:
                path.symlink_to(self.dice.choice(("one", "nowhere", "..")))
        self._note(path)

    def _make_room(self, path: Path) -> None:
        """The folder for ``path``; what stands in its place goes, as events would tell."""
        for folder in reversed(path.relative_to(self.tree).parents[:-1]):
            above = self.tree / folder
            if above.is_symlink() or above.is_file():
                above.unlink()
            if not above.exists():
                above.mkdir()
                self._note(above)

    def _clear(self, path: Path) -> None:
        if any(above.is_symlink() for above in path.parents if above.is_relative_to(self.tree)):
            return
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif path.is_symlink() or path.exists():
            path.unlink()
        self._note(path)

    def _note(self, path: Path) -> None:
        self.touched.add(path.relative_to(self.tree).as_posix().encode())


def told(seen: Look) -> tuple[object, ...]:
    return (
        sorted(entry.path for entry in seen.changed),
        dict(seen.moved),
        sorted(seen.removed),
        dict(seen.others),
        sorted(seen.others_gone),
        seen.nothing_to_do,
    )


@pytest.mark.parametrize("seed", range(12))
def test_what_changed_is_seen_by_looking_there_alone(
    tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sync.push.looking._FOLDS", seed % 2 == 1)  # as on macOS and Windows
    dice = random.Random(seed)
    desk = Desk(tmp_path, MemoryRemote())
    (desk.tree / ".gitignore").write_text("*.log\nc-d/\n")
    editor = Editor(desk.tree, dice)
    shelf = Shelf()
    desk.push()
    with desk.index() as index:
        for _ in range(12):
            for _ in range(dice.randrange(1, 6)):
                editor.edit()
            view = View(desk.tree, desk.clock, url=URL)
            near = view.look_near(index, editor.touched)
            everything = view.look(index)
            assert told(near) == told(everything)
            done = _publish(desk, near, index, shelf)
            assert view.look(index).nothing_to_do
            _is_as_the_index_says(desk, done, index)
            editor.touched.clear()
            if dice.random() < 0.7:
                fill(shelf, index)


def _publish(desk: Desk, seen: Look, index: Index, shelf: Shelf) -> Pushed:
    return desk.publish(seen, index, accept_deletions=True, shelf=shelf)


def _is_as_the_index_says(desk: Desk, done: Pushed, index: Index) -> None:
    """The snapshot that was written with the shelf is the one that is written without."""
    reader = Reader(desk.remote, BASE)
    entries = reader.entries(reader.root(done.published.snapshot))
    files = {entry.path: entry.executable for entry in entries if entry.kind == FILE}
    assert files == {path: executable for path, executable, _ in index.contents_between()}
    others = {entry.path: entry.target for entry in entries if entry.kind != FILE}
    assert others == index.others()
    assert [entry.path for entry in entries] == sorted(entry.path for entry in entries)


def test_pages_of_a_shelf_follow_a_tree_that_grows_and_shrinks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sync.store.lines.MOST_LINES", 5)
    monkeypatch.setattr("sync.push.overlay.MOST_LINES", 5)
    desk, shelf, dice = Desk(tmp_path, MemoryRemote()), Shelf(), random.Random(5)
    with desk.index() as index:
        for turn in range(30):
            for _ in range(dice.randrange(1, 4)):
                path = desk.tree / f"{dice.randrange(40):02}"
                if dice.random() < 0.3:
                    path.unlink(missing_ok=True)
                else:
                    path.write_text(str(turn))
            view = View(desk.tree, desk.clock, url=URL)
            done = _publish(desk, view.look(index), index, shelf)
            _is_as_the_index_says(desk, done, index)
            fill(shelf, index)
            assert all(page.block for page in shelf.pages)
    assert len(shelf.pages) > 3
