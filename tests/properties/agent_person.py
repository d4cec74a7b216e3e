"""What a person does to a project that an agent looks after, drawn from a seed: the agent is told of it, or is not."""

import os
import random
import shutil
import stat
from pathlib import Path

from tests.support.agent_sides import Life

NAMES = ["a", "b", "c", "d.d"]
SIZES = [0, 1, 300, 3000, 40_000, 140_000, 300_000]


class Person:
    """``secret``: something changed that the agent was not told of."""

    def __init__(self, seed: int, life: Life) -> None:
        self.dice = random.Random(seed)
        self.life = life
        self.saves = 0
        self.secret = False

    def save(self, *, told: bool = True) -> None:
        path = self.free(self.a_path())
        target = self.life.root / path
        self.saves += 1
        size = self.dice.choice(SIZES)
        target.write_bytes(random.Random(self.dice.choice([size, self.saves])).randbytes(size))
        if self.dice.random() < 0.2:
            target.chmod(0o755)
        # The clock of the agent is far ahead, so that times are trusted: no two states of a file may share them.
        os.utime(target, ns=(self.saves * 10**9, self.saves * 10**9))
        self.tell(path, told)

    def save_in_secret(self) -> None:
        self.secret = True
        self.save(told=False)

    def remove(self) -> None:
        for path in self.one_of_them():
            self.drop(self.life.root / path)
            self.tell(path)

    def rename(self) -> None:
        for old in self.one_of_them():
            new = self.a_path()
            if not f"{new}/".startswith(f"{old}/") and not f"{old}/".startswith(f"{new}/"):
                aside = self.life.home / "aside"
                (self.life.root / old).rename(aside)
                aside.rename(self.life.root / self.free(new))
                self.tell(old)
                self.tell(new)

    def link(self) -> None:
        path = self.free(self.a_path())
        (self.life.root / path).symlink_to(self.dice.choice(NAMES))
        self.tell(path)

    def folder(self) -> None:
        path = self.free(self.a_path())
        (self.life.root / path).mkdir()
        self.tell(path)

    def a_path(self) -> str:
        return "/".join(self.dice.choices(NAMES, k=self.dice.choice([1, 2, 2, 3])))

    def one_of_them(self) -> list[str]:
        root = self.life.root
        found = sorted(
            path.relative_to(root).as_posix()
            for path in root.rglob("*")
            if path.name != "hybrid.toml" and ".hybrid" not in path.parts
        )
        return [self.dice.choice(found)] if found else []

    def tell(self, path: str, told: bool = True) -> None:
        if told:
            self.life.hints.changed(path.encode())

    def free(self, path: str) -> str:
        """What is in the way of a new path is gone, and told of."""
        parts = path.split("/")
        for depth in range(1, len(parts)):
            above = self.life.root.joinpath(*parts[:depth])
            if os.path.lexists(above) and not stat.S_ISDIR(os.lstat(above).st_mode):
                above.unlink()
            if not above.is_dir():
                above.mkdir()
                self.tell("/".join(parts[:depth]))
        self.drop(self.life.root / path)
        return path

    def drop(self, target: Path) -> None:
        if target.is_dir() and not target.is_symlink():
            shutil.rmtree(target)
        elif os.path.lexists(target):
            target.unlink()
