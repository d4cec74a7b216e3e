"""One part of a push or a pull, and where it is tried."""

import itertools
import pstats
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import TracebackType

from bench import trees
from bench.command import compile_hybrid
from sync.clock import SystemClock
from sync.remotes.base import Remote
from sync.remotes.memory import MemoryRemote, MemoryStore
from tests.support.laptop import Laptop
from tests.support.pushes import Desk
from tests.support.sshd import Sshd, running_sshd

SMALL = 200
"""Bytes of each of the many files: the cost of a file counts here, not that of its content."""
_IGNORED = (
    "__pycache__/ *.py[cod] .venv/ build/ dist/ *.egg-info/ .pytest_cache/ .mypy_cache/ *.log *.tmp *.swp .idea/ .vscode/"
    " node_modules/ *.ipynb_checkpoints /runs/ /wandb/ **/scratch/* !keep.log data/raw/ *.npy"
)


@dataclass(frozen=True)
class Part:
    """``prepare`` does what is not timed, and returns what is.

    unit   of what the rate is told: ``files`` or ``MiB``, or nothing
    fresh  to be prepared anew for every repeat, because it is only once what it is
    """

    name: str
    title: str
    prepare: "Callable[[Place], Callable[[], object]]"
    unit: str = ""
    fresh: bool = False


@dataclass(frozen=True)
class Command:
    """A part that is a process of its own."""

    words: tuple[str, ...]
    env: Mapping[str, str]
    cwd: Path

    def __call__(self) -> None:
        self._run(*self.words)

    def profile(self) -> pstats.Stats:
        with tempfile.NamedTemporaryFile() as file:
            self._run("-m", "cProfile", "-o", file.name, *self.words)
            return pstats.Stats(file.name)

    def _run(self, *words: str) -> None:
        command = [sys.executable, *words]
        subprocess.run(
            command, env=self.env, cwd=self.cwd, stdin=subprocess.DEVNULL, capture_output=True, check=True
        )


class Place:
    """Trees, mailboxes and a server, each made when it is first asked for. Mailboxes are in memory: no disk counts.

    ``settle_s`` is the age of a tree when it is used first. A context manager, which takes the server down again.
    """

    def __init__(self, folder: Path, files: int, mebibytes: int, settle_s: float) -> None:
        self.folder = folder
        self.files = files
        self.mebibytes = mebibytes
        self._settle_s = settle_s
        self._numbers = itertools.count()
        self._stack = ExitStack()

    def __enter__(self) -> "Place":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def new(self) -> Path:
        """A path at which nothing is yet."""
        return self.folder / f"new-{next(self._numbers)}"

    @cached_property
    def many(self) -> Path:
        """The tree of many small files, with rules of what to ignore as a project has them."""
        tree = self.folder / "many"
        trees.small_files(tree, self.files, SMALL)
        (tree / ".gitignore").write_text("\n".join(_IGNORED.split()) + "\n")
        time.sleep(self._settle_s)
        return tree

    @cached_property
    def big(self) -> Path:
        """The tree of one big file."""
        tree = self.folder / "big"
        trees.big_file(tree / "big.bin", self.mebibytes)
        time.sleep(self._settle_s)
        return tree

    def desk(self, tree: Path) -> Desk:
        """A laptop that has not pushed this tree yet."""
        desk = Desk(self.new(), MemoryRemote(MemoryStore()), SystemClock())
        desk.tree = tree
        return desk

    @cached_property
    def pushed(self) -> Desk:
        """A laptop that has pushed the many files."""
        desk = self.desk(self.many)
        desk.push()
        return desk

    @cached_property
    def big_pushed(self) -> Desk:
        desk = self.desk(self.big)
        desk.push()
        return desk

    @cached_property
    def laptop(self) -> Laptop:
        """One with a project of two files, which has been pushed to a folder."""
        compile_hybrid()
        laptop = Laptop(self.folder / "laptop")
        url = f"folder:{self.folder}/mailbox"
        laptop.write("hybrid.toml", f'[project]\nid = "bench"\n\n[remote]\nurl = "{url}"\n')
        laptop.write("main.py", "print()\n")
        time.sleep(self._settle_s)
        laptop.hybrid("push")
        return laptop

    @cached_property
    def server(self) -> Sshd:
        return self._stack.enter_context(running_sshd(self.folder / "sshd"))

    def closing(self, remote: Remote) -> Remote:
        """``remote``, which is closed in the end."""
        self._stack.callback(remote.close)
        return remote

    def python(self, *words: str) -> Command:
        return Command(words, self.laptop.env, self.laptop.project)
