"""A machine that works on a mailbox in a folder: real runner processes, and children that talk with the test.

Where RUNNER_PYTHON names another Python, the runner is the archive, started with that one, bare.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from agent import ship
from sync.mailbox import records
from sync.mailbox.layout import Attempt, RunFolder
from sync.mailbox.records import Ended
from sync.mailbox.view import RunView, look
from sync.remotes.folder import FolderRemote
from sync.store.reader import Reader

from . import mailboxes

BASE = "lab"
DIR = RunFolder("r-1")
_ROOT = Path(__file__).parents[2]

# What children do. They find their way by the environment alone, as a user's program does.
PROGRAM = textwrap.dedent("""
    import os, pathlib, signal, subprocess, sys, time
    out = pathlib.Path(os.environ["HYBRID_OUTPUT"])
    ckpt = pathlib.Path(os.environ["HYBRID_CHECKPOINT"])
    shard = os.environ["HYBRID_SHARD"]

    def note(name, text):
        path = pathlib.Path(os.environ["NOTES"]) / name
        path.with_suffix(".tmp").write_text(text)
        path.with_suffix(".tmp").rename(path)

    def wait_for(name):
        while not (pathlib.Path(os.environ["NOTES"]) / name).exists():
            time.sleep(0.02)

    def answer(text="42"):
        (out / "answer.txt").write_text(f"{shard} {text}")
""")


class Machine:
    """A mailbox in a folder, notes that children and test leave one another, and runners as processes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.notes = folder / "notes"
        self.notes.mkdir()
        self.remote = FolderRemote(str(folder / "mailbox"))
        self.runners: list[subprocess.Popen[str]] = []
        mailboxes.make_mailbox(self.remote, BASE)
        self.python = os.environ.get("RUNNER_PYTHON") or sys.executable
        self._runner = [self.python, "-m", "cloud_runner"]
        if self.python != sys.executable:
            archive = folder / "runner.pyz"
            archive.write_bytes(ship.build().data)
            self._runner = [self.python, "-I", "-S", str(archive)]

    def queue(self, program: str = "answer()", **fields: object) -> None:
        files = {"main.py": (PROGRAM + textwrap.dedent(program)).encode(), "requirements.txt": b"numpy\n"}
        tree = mailboxes.publish_tree(self.remote, BASE, files)
        values: dict[str, object] = {
            "command": [sys.executable, "main.py"],
            "env": {"NOTES": str(self.notes)},
            **fields,
        }
        mailboxes.queue_run(self.remote, BASE, "r-1", tree.name, **values)

    def start(self, *more: str, idle_exit: float = 0.3) -> "subprocess.Popen[str]":
        words = ["--mailbox", f"folder:{self.folder / 'mailbox'}", "--project", BASE, "--target", "local"]
        words += ["--work", str(self.folder / "work"), "--tick", "0.2", "--idle-exit", str(idle_exit), *more]
        runner = subprocess.Popen(
            [*self._runner, *words],
            cwd=_ROOT,
            env={**os.environ, "PATH": f"{self.folder}:{os.environ['PATH']}"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.runners.append(runner)
        return runner

    def run(self, *more: str) -> str:
        """A runner from its start to its own end; what it said."""
        runner = self.start(*more)
        said, _ = runner.communicate(timeout=60)
        assert runner.returncode == 0, said
        return said

    def ask(self, *words: str) -> dict[str, object]:
        """What a call of the runner answers that only asks."""
        done = subprocess.run([*self._runner, *words], cwd=_ROOT, capture_output=True, check=True)
        answer: dict[str, object] = json.loads(done.stdout)
        return answer

    def view(self) -> RunView:
        return look(self.remote, BASE, DIR)

    def record(self, name: str) -> str:
        return f"{BASE}/{DIR.in_folder(name)}"

    def ended(self, kind: str, attempt: Attempt) -> Ended:
        return records.read(Ended, self.remote, self.record(RunFolder.attempt(kind, attempt)))

    def content(self, snapshot: str) -> dict[str, bytes]:
        reader = Reader(self.remote, BASE)
        files = {}
        for entry in reader.entries(reader.root(snapshot)):
            pieces = {chunk.sha256: data for chunk, data in reader.fetch(entry.chunks)}
            files[entry.path.decode()] = b"".join(pieces[chunk.sha256] for chunk in entry.chunks)
        return files

    def answers(self) -> dict[int, str]:
        """Of every shard that is done, and done once."""
        found: dict[int, str] = {}
        for attempt in self.view().done:
            assert attempt.shard not in found, "done once"
            found[attempt.shard] = self.content(self.ended("done", attempt).snapshot)["answer.txt"].decode()
        return found

    def note(self, name: str) -> str:
        """Waits for a note of a child."""
        return wait_for(
            lambda: (self.notes / name).exists() and (self.notes / name).read_text(), f"note {name}"
        )

    def attempts(self) -> list[Attempt]:
        return sorted(self.view().starts)


def wait_for(reached: Callable[[], object], what: str) -> str:
    until = time.monotonic() + 30
    while time.monotonic() < until:
        found = reached()
        if found:
            return str(found)
        time.sleep(0.02)
    raise AssertionError(f"{what} does not come")


@contextlib.contextmanager
def machine_in(folder: Path) -> Iterator[Machine]:
    """Ends every runner, and every child whose process id is in a note that ends with ``.pid``."""
    machine = Machine(folder)
    yield machine
    for runner in machine.runners:
        if runner.poll() is None:
            runner.kill()
        runner.communicate()
    for pid in machine.notes.glob("*.pid"):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(int(pid.read_text()), signal.SIGKILL)
