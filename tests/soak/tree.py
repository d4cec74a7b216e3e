"""What a person does to a project while the agent watches: drawn from dice, the same each time for the same dice."""

import os
import random
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from tests.support.trees import noise

BRANCHES = ("main", "topic", "old")
FIRST = 40
_NAMES = ("a", "b", "c", "d e", "a.b", "\u00e9")
_IDENTITY = ("-c", "user.name=soak", "-c", "user.email=soak@localhost", "-c", "commit.gpgsign=false")


class Tree:
    """``code`` is under git, ``work`` is edited at random, ``keep`` stays, ``src`` is what the run is made of.

    ``noted`` is called after each thing that was done.
    """

    def __init__(self, root: Path, noted: Callable[[], None]) -> None:
        self.root = root
        self._work = root / "work"
        self._noted = noted

    def begin(self) -> None:
        for n in range(FIRST):
            self._write(self.root / "keep" / f"k{n}", noise(50 + 40 * n, n))
        self._work.mkdir()
        (self.root / "code").mkdir()
        self._git("init", "-q", "-b", BRANCHES[0])
        for number, branch in enumerate(BRANCHES):
            if number:
                self._git("checkout", "-q", "-b", branch)
            for n in range(number * 4, number * 4 + 12):
                self._write(self.root / "code" / f"c{n}", f"{branch} {n}\n".encode() * (n + 1))
            for n in range(number * 4):
                (self.root / "code" / f"c{n}").unlink(missing_ok=True)
            self._git("add", "code")
            self._git("commit", "-q", "-m", branch)
        self._noted()

    def edit(self, dice: random.Random) -> None:
        """Some files, new ones or such that are there, one after another."""
        for _ in range(dice.choice((1, 1, 1, 3, 12))):
            path = self._work.joinpath(*(dice.choice(_NAMES) for _ in range(dice.randint(1, 3))))
            content = noise(dice.choice((0, 1, 300, 40_000, 300_000)), dice.randrange(8))
            if dice.random() < 0.4:
                aside = self.root / "work" / ".saving~"
                self._write(aside, content)
                self._noted()
                self._make_way(path)
                aside.replace(path)
            else:
                self._make_way(path)
                self._write(path, content)
            self._noted()

    def edit_code(self, dice: random.Random) -> None:
        there = self._inside(self.root / "code")
        self._write(dice.choice(there), noise(100, dice.randrange(100)))
        self._noted()

    def remove(self, dice: random.Random) -> None:
        there = self._inside(self._work)
        if there:
            self._clear(dice.choice(there))

    def move(self, dice: random.Random) -> None:
        """A file or a folder, within the tree or out of it."""
        there = self._inside(self._work)
        if not there:
            return
        old, new = dice.choice(there), self._work / f"moved {dice.randrange(4)}"
        if dice.random() < 0.2:
            new = self.root.parent / f"outside {dice.randrange(10**9)}"
        elif old != new:
            self._clear(new)
        if old.exists() or old.is_symlink():
            old.rename(new)
        self._noted()

    def swap(self, dice: random.Random) -> None:
        """A file becomes a folder, a folder a file, or either a link."""
        there = self._inside(self._work)
        if not there:
            return
        path = dice.choice(there)
        was_folder = path.is_dir() and not path.is_symlink()
        self._clear(path)
        kind = dice.choice(("link", "other", "other"))
        if kind == "link":
            path.symlink_to("../keep/k1")
        elif was_folder:
            self._write(path, b"a file now")
        else:
            self._write(path / "inner", b"in a folder now")
        self._noted()

    def checkout(self, dice: random.Random) -> None:
        self._git("checkout", "-q", "-f", dice.choice(BRANCHES))
        self._noted()

    def _inside(self, folder: Path) -> list[Path]:
        found: list[Path] = []
        for top, folders, files in os.walk(folder):
            found += (Path(top, name) for name in (*folders, *files))
        return sorted(found)

    def _make_way(self, path: Path) -> None:
        for parent in reversed(path.parents):
            if parent.is_symlink() or parent.is_file():
                self._clear(parent)
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir() and not path.is_symlink():
            self._clear(path)

    def _clear(self, path: Path) -> None:
        """One by one, as nothing removes a folder at once."""
        if path.is_symlink() or path.is_file():
            path.unlink()
        elif path.is_dir():
            shutil.rmtree(path)
        else:
            return
        self._noted()

    def _write(self, path: Path, content: bytes) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            self._noted()
            file.write(content)

    def _git(self, *words: str) -> None:
        env = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
        subprocess.run(["git", *_IDENTITY, *words], cwd=self.root, env=env, check=True, capture_output=True)
