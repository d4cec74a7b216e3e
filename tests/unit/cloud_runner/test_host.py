"""A process can tell that another of the same machine is dead, and never says so of a live one."""

import dataclasses
import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from cloud_runner import host
from sync.mailbox.records import Hello

pytestmark = [
    pytest.mark.platform,
    pytest.mark.skipif(not host.boot(), reason="this system does not tell processes apart"),
]


@pytest.fixture
def process() -> Iterator["subprocess.Popen[bytes]"]:
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as process:
        yield process
        process.kill()


def hello(pid: int) -> Hello:
    return Hello(worker="worker22", host=host.name(), boot=host.boot(), pid=pid, born=host.born(pid))


def test_this_process_was_born_once_and_lives() -> None:
    assert host.born(os.getpid()) == host.born(os.getpid()) != ""
    assert not host.is_dead(hello(os.getpid()))


def test_two_processes_are_told_apart(process: "subprocess.Popen[bytes]") -> None:
    assert host.boot() == host.boot() != ""
    other = dataclasses.replace(hello(os.getpid()), pid=process.pid)
    assert host.is_dead(other) == (host.born(process.pid) != host.born(os.getpid()))


def test_a_killed_process_is_dead_as_a_zombie_and_after(process: "subprocess.Popen[bytes]") -> None:
    seen = hello(process.pid)
    assert not host.is_dead(seen)
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert host.is_dead(seen), "a zombie counts as dead"
    process.wait()
    assert host.is_dead(seen)
    assert host.born(process.pid) == ""


def test_a_stopped_process_lives(process: "subprocess.Popen[bytes]") -> None:
    seen = hello(process.pid)
    process.send_signal(signal.SIGSTOP)
    assert not host.is_dead(seen)
    process.send_signal(signal.SIGCONT)


def test_a_number_taken_by_another_process_is_a_death(process: "subprocess.Popen[bytes]") -> None:
    assert host.is_dead(dataclasses.replace(hello(process.pid), born="1"))


@pytest.mark.parametrize("change", [{"host": "elsewhere"}, {"boot": "another"}, {"boot": ""}, {"born": ""}])
def test_nothing_is_said_of_another_machine_boot_or_unknown_birth(change: dict[str, str]) -> None:
    dead = Hello(worker="worker22", host=host.name(), boot=host.boot(), pid=2**30, born="1")
    assert host.is_dead(dead)
    assert not host.is_dead(dataclasses.replace(dead, **change))
