"""How a process hears that it should end."""

import os
import signal
import threading

import pytest

from agent.daemon.bell import SystemBell
from agent.daemon.signals import heeding

pytestmark = pytest.mark.skipif(os.name == "nt", reason="a process cannot send itself such signals there")


def test_signal_rings_the_bell_and_the_second_one_interrupts() -> None:
    bell = SystemBell()
    with heeding(bell) as stopping:
        assert not stopping()
        os.kill(os.getpid(), signal.SIGTERM)
        bell.wait(20)
        assert stopping()
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGTERM)


def test_signal_that_comes_while_the_bell_is_held_is_heard() -> None:
    bell = SystemBell()
    for _ in range(200):
        with heeding(bell) as stopping:
            threading.Timer(0.0, os.kill, (os.getpid(), signal.SIGHUP)).start()
            while not stopping():
                bell.wait(0.0)


def test_everything_is_as_before_afterwards() -> None:
    before = [signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)]
    threads = threading.active_count()
    with heeding(SystemBell()):
        assert signal.getsignal(signal.SIGTERM) != before[0]
    assert [signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)] == before
    assert (threading.active_count(), signal.set_wakeup_fd(-1)) == (threads, -1)


def test_what_is_ignored_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with heeding(SystemBell()) as stopping:
            os.kill(os.getpid(), signal.SIGHUP)
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN and not stopping()
    finally:
        signal.signal(signal.SIGHUP, before)
