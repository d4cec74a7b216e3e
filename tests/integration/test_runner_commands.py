"""What a run's own commands do to the runner: a set-up or a program that fails, a child that is killed, a GPU."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sync.mailbox import lease, records
from sync.mailbox.layout import RunFolder
from sync.mailbox.records import Ended
from tests.support import mailboxes
from tests.support.machines import BASE, Machine, machine_in

pytestmark = [
    pytest.mark.platform,
    pytest.mark.skipif(sys.platform == "win32", reason="signals and process groups are POSIX"),
]


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    with machine_in(tmp_path) as machine:
        yield machine


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
