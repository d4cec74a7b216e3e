"""The machine behind SSH is frozen: it takes connections and answers nothing. Each command says so, and ends."""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from agent.exits import Exit
from tests.support.laptop import Answer, Laptop
from tests.support.sshd import Sshd, running_sshd

pytestmark = [
    pytest.mark.platform,
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="OpenSSH's server is started as on POSIX"),
]


SILENCE = "took the connection and then said nothing for"


@contextmanager
def frozen(server: Sshd) -> Iterator[None]:
    def send(number: int) -> None:
        for pid in server.processes():
            with suppress(ProcessLookupError):  # it may end by itself meanwhile
                os.kill(pid, number)

    send(signal.SIGSTOP)
    try:
        yield
    finally:
        send(signal.SIGCONT)


@pytest.fixture
def laptop(tmp_path: Path) -> Laptop:
    laptop = Laptop(tmp_path / "home")
    laptop.program = "tests.support.impatient"
    return laptop


def test_a_frozen_machine_is_told_in_a_sentence_after_a_bounded_wait(laptop: Laptop, tmp_path: Path) -> None:
    with running_sshd(tmp_path / "server") as server:
        laptop.init_ssh(server)
        laptop.write("run.py", "print()\n")
        laptop.hybrid("push")
        laptop.write("run.py", "print(2)\n")
        with frozen(server):
            for words in (["push"], ["status"], ["pull"], ["gc"], ["run", "--", "true"]):
                answer = laptop.hybrid(*words, expect=Exit.UNREACHABLE, limit=30)
                assert SILENCE in answer.err, words
                assert (
                    "Try: See whether `ssh " in answer.err
                    and "the machine may be overloaded or asleep." in answer.err
                ), words
        laptop.hybrid("push")


def test_a_machine_that_freezes_during_a_push_is_told_too(laptop: Laptop, tmp_path: Path) -> None:
    with running_sshd(tmp_path / "server") as server, ExitStack() as stack:
        laptop.init_ssh(server)
        laptop.write("large.bin", os.urandom(100_000_000))

        def freeze() -> None:
            while not list(server.root.rglob("packs/.tmp-*")):
                assert push.is_alive()
            stack.enter_context(frozen(server))

        answers: list[Answer] = []
        push = threading.Thread(target=lambda: answers.append(laptop.hybrid("push", expect=None, limit=60)))
        push.start()
        freeze()
        push.join()
        assert answers[0].code == Exit.UNREACHABLE and SILENCE in answers[0].err, answers
        stack.close()
        laptop.hybrid("push")
