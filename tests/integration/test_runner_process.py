"""The runner as a process on a mailbox in a folder: killed, asked to end, stopped, and left without work."""

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

import pytest

from cloud_runner import host
from sync.mailbox import lease, records
from sync.mailbox.layout import Attempt, RunFolder
from sync.mailbox.records import Ended, Mark, Tick
from sync.mailbox.view import RunView, look
from sync.remotes.folder import FolderRemote
from sync.store.reader import Reader
from tests.support import mailboxes

BASE = "lab"
DIR = RunFolder("r-1")
ROOT = Path(__file__).parents[2]

pytestmark = [
    pytest.mark.platform,
    pytest.mark.skipif(sys.platform == "win32", reason="signals and process groups are POSIX"),
]

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
            [sys.executable, "-m", "cloud_runner", *words],
            cwd=ROOT,
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


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    machine = Machine(tmp_path)
    yield machine
    for runner in machine.runners:
        if runner.poll() is None:
            runner.kill()
        runner.communicate()
    for pid in machine.notes.glob("*.pid"):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(int(pid.read_text()), signal.SIGKILL)


def test_shards_are_done_the_log_is_told_and_the_runner_ends_when_idle(machine: Machine) -> None:
    machine.queue(
        """
        print("begun", shard)
        time.sleep(0.5)
        print("ended", shard)
        answer()
        """,
        shards=3,
        parallel=3,
    )
    said = machine.run()
    assert machine.answers() == {0: "0 42", 1: "1 42", 2: "2 42"}
    assert said.rstrip().endswith("nothing left to do")
    assert lease.holder(machine.view()) is None
    told = []
    for worker, numbers in machine.view().ticks.items():
        for n in numbers:
            tick = records.read(Tick, machine.remote, machine.record(RunFolder.tick(worker, n)))
            told += [log[1] for log in tick.logs.values()]
    assert {f"begun {n}" for n in range(3)} <= set("".join(told).split("\n"))
    [done] = [a for a in machine.view().done if a.shard == 0]
    assert machine.content(machine.ended("done", done).snapshot)["hybrid.log"] == b"begun 0\nended 0\n"


def test_after_a_kill_the_next_runner_goes_on_at_once_and_the_orphan_is_ended(machine: Machine) -> None:
    machine.queue(
        """
        note(f"{os.getpid()}.pid", str(os.getpid()))
        if shard == "1" and not os.path.exists(os.environ["NOTES"] + "/killed"):
            note("hanging", str(os.getpid()))
            time.sleep(600)
        answer()
        """,
        shards=3,
    )
    first = machine.start()
    orphan = int(machine.note("hanging"))
    first.kill()
    first.wait()
    assert host.born(orphan), "nobody has told the child yet"
    (machine.notes / "killed").touch()
    began = time.monotonic()
    machine.run()
    assert time.monotonic() - began < lease.LEAST_SILENCE_S / 2, "it did not wait for silence"
    assert not host.born(orphan)
    assert machine.answers() == {0: "0 42", 1: "1 42", 2: "2 42"}
    assert len(machine.attempts()) == 4


def test_a_runner_that_is_asked_to_end_leaves_and_the_next_counts_on(machine: Machine) -> None:
    machine.queue(
        """
        asked = []
        signal.signal(signal.SIGTERM, lambda *a: asked.append(1))
        counter = ckpt / "counter"
        n = int(counter.read_text()) if counter.exists() else 0
        note(f"began-at-{n}", "yes")
        while n < 1000 and not asked:
            n = min(n + 1, 500) if not os.path.exists(os.environ["NOTES"] + "/go") else n + 100
            (ckpt / "new").write_text(str(n))
            (ckpt / "new").rename(counter)
            if n == 500:
                note("counted", "yes")
            time.sleep(0.001)
        if asked:
            sys.exit(1)
        answer(str(n))
        """
    )
    runner = machine.start()
    machine.note("counted")
    runner.send_signal(signal.SIGTERM)
    said, _ = runner.communicate(timeout=30)
    assert runner.returncode == 0, said
    seen = machine.view()
    [left] = seen.left
    assert machine.ended("left", left).reason == "told to end by signal SIGTERM"
    assert lease.holder(seen) is None and not seen.failed
    (machine.notes / "go").touch()
    machine.run()
    assert machine.answers() == {0: "0 1000"}
    assert (machine.notes / "began-at-500").exists()


def test_a_stop_ends_the_whole_group_within_the_grace(machine: Machine) -> None:
    machine.queue(
        """
        deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
        grandchild = subprocess.Popen([sys.executable, "-c", deaf])
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        (out / "half.txt").write_text("half")
        note("grandchild", str(grandchild.pid))
        note(f"{os.getpid()}.pid", str(os.getpid()))
        time.sleep(600)
        """,
        shards=2,
    )
    runner = machine.start("--grace", "0.5")
    grandchild = int(machine.note("grandchild"))
    machine.remote.write(machine.record(RunFolder.stop("laptop22")), records.encode(Mark()))
    said, _ = runner.communicate(timeout=30)
    assert runner.returncode == 0, said
    assert not host.born(grandchild)
    assert [attempt.shard for attempt in machine.attempts()] == [0]
    left = machine.ended("left", machine.attempts()[0])
    assert left.reason == "stopped by the laptop"
    assert machine.content(left.snapshot)["half.txt"] == b"half"


def test_outputs_appear_while_the_attempt_runs(machine: Machine) -> None:
    machine.queue(
        """
        (out / "early.txt").write_text("early")
        wait_for("seen")
        answer()
        """
    )
    runner = machine.start()

    def early() -> object:
        return [s for s in machine.view().snapshots if s.what == "out"]

    wait_for(early, "a partial snapshot")
    [partial] = [s for s in machine.view().snapshots if s.what == "out"]
    assert machine.content(DIR.in_folder(partial.name))["early.txt"] == b"early"
    assert not machine.view().done
    (machine.notes / "seen").touch()
    runner.communicate(timeout=30)
    assert machine.answers() == {0: "0 42"}


def test_a_set_up_that_fails_breaks_the_run_with_its_log(machine: Machine) -> None:
    machine.queue(setup="echo no such package; exit 7")
    machine.run()
    seen = machine.view()
    [(worker, epoch)] = seen.broken.items()
    broken = records.read(Ended, machine.remote, machine.record(RunFolder.broken(worker, epoch)))
    assert (broken.exit, broken.reason, broken.log) == (
        7,
        "the set-up ended with exit code 7",
        "no such package\n",
    )
    assert not seen.starts and lease.holder(seen) is None


def test_a_set_up_runs_once_for_its_content(machine: Machine) -> None:
    setup = 'echo x >> "$NOTES/setups" && test -f requirements.txt'
    machine.queue(setup=setup)
    machine.run()
    tree = mailboxes.publish_tree(
        machine.remote, BASE, {"main.py": b"", "requirements.txt": b"numpy\n"}, seq=2
    )
    other = mailboxes.publish_tree(
        machine.remote, BASE, {"main.py": b"", "requirements.txt": b"scipy\n"}, seq=3
    )
    more: dict[str, object] = {
        "command": [sys.executable, "main.py"],
        "env": {"NOTES": str(machine.notes)},
        "setup": setup,
    }
    mailboxes.queue_run(machine.remote, BASE, "r-2", tree.name, **more)
    machine.run()
    assert (machine.notes / "setups").read_text() == "x\n"
    mailboxes.queue_run(machine.remote, BASE, "r-3", other.name, **more)
    machine.run()
    assert (machine.notes / "setups").read_text() == "x\nx\n"


def test_a_program_that_is_not_there_fails_with_127(machine: Machine) -> None:
    machine.queue(command=["./no-such-program"], retries=0)
    machine.run()
    [failed] = machine.view().failed
    ended = machine.ended("failed", failed)
    assert ended.exit == 127 and "no-such-program" in ended.reason


def test_a_failure_carries_its_code_and_the_end_of_its_log(machine: Machine) -> None:
    machine.queue("sys.exit('out of luck')", retries=1)
    machine.run()
    assert len(machine.view().failed) == 2
    ended = machine.ended("failed", min(machine.view().failed))
    assert (ended.exit, ended.reason, ended.log) == (1, "exit code 1", "out of luck\n")


def test_a_child_that_is_killed_says_by_what(machine: Machine) -> None:
    machine.queue("os.kill(os.getpid(), signal.SIGKILL)", retries=0)
    machine.run()
    assert machine.ended("failed", min(machine.view().failed)).reason == "killed by signal 9"


def test_a_run_that_needs_a_gpu_says_so_where_there_is_none(machine: Machine) -> None:
    fake = machine.folder / "nvidia-smi"
    fake.write_text("#!/bin/sh\nexit 9\n")
    fake.chmod(0o755)
    machine.queue(gpu="T4")
    machine.run()
    [(worker, epoch)] = machine.view().broken.items()
    broken = records.read(Ended, machine.remote, machine.record(RunFolder.broken(worker, epoch)))
    assert broken.reason == "the run needs a GPU (T4) and this machine shows none"


def test_a_child_is_told_about_the_gpu_it_has(machine: Machine) -> None:
    fake = machine.folder / "nvidia-smi"
    fake.write_text("#!/bin/sh\necho '0, GPU-1, Tesla T4, 15360, 15000'\n")
    fake.chmod(0o755)
    machine.queue('answer(os.environ["HYBRID_GPU"] + " " + os.environ["HYBRID_VRAM_GB"])', gpu="T4")
    machine.run()
    assert machine.answers() == {0: "0 Tesla T4 15.7"}


def test_a_runner_in_the_background_can_be_probed_and_ended(machine: Machine) -> None:
    runner = machine.start("--detach", idle_exit=600)
    handle = json.loads(runner.communicate(timeout=30)[0])
    who = [str(handle["pid"]), handle["born"], "--log", handle["log"]]

    def ask(what: str) -> dict[str, object]:
        done = subprocess.run(
            [sys.executable, "-m", "cloud_runner", what, *who], cwd=ROOT, capture_output=True, check=True
        )
        answer: dict[str, object] = json.loads(done.stdout)
        return answer

    try:
        wait_for(lambda: "worker " in str(ask("--probe")["log"]), "the runner's greeting")
        assert ask("--probe")["alive"]
        ask("--end")
        wait_for(lambda: not ask("--probe")["alive"], "its end")
        assert "told to end by signal SIGTERM" in str(ask("--probe")["log"])
    finally:
        if host.born(handle["pid"]) == handle["born"]:
            os.kill(handle["pid"], signal.SIGKILL)
