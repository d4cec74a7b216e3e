"""Runs a test as somebody whom permissions hold back, also where root runs the tests.

On Linux the power to read everything belongs to a thread, which can give it up: so such a test gets a thread of its own.
The threads that it starts have given it up, too.
"""

import ctypes
import functools
import sys
import threading
from collections.abc import Callable
from typing import ParamSpec

import pytest

from tests.support.trees import reads_everything

_VERSION_3 = 0x20080522
_DAC_OVERRIDE = 1 << 1
_DAC_READ_SEARCH = 1 << 2

P = ParamSpec("P")


def as_mortal(act: Callable[[], None]) -> None:
    """Does it with permissions that count, where that can be had."""
    if not reads_everything():
        act()
        return
    failed: list[BaseException] = []

    def alone() -> None:
        try:
            _give_up()
            act()
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=alone, name="mortal")
    thread.start()
    thread.join()
    if failed:
        raise failed[0]


def mortal(test: Callable[P, None]) -> Callable[P, None]:
    """The test, with permissions that count. It is skipped where they hold nobody back."""

    @functools.wraps(test)
    def run(*args: P.args, **keywords: P.kwargs) -> None:
        def act() -> None:
            if reads_everything():
                pytest.skip("permissions hold nobody back here")
            test(*args, **keywords)

        as_mortal(act)

    return run


def _give_up() -> None:
    """Takes from this thread, for good, what lets root read everything."""
    if sys.platform != "linux":
        return
    libc = ctypes.CDLL(None, use_errno=True)
    head = (ctypes.c_uint32 * 2)(_VERSION_3, 0)
    sets = (ctypes.c_uint32 * 6)()  # effective, permitted, inheritable; then the same for the higher numbers
    if libc.capget(head, sets) == 0:
        for which in range(3):
            sets[which] &= ~(_DAC_OVERRIDE | _DAC_READ_SEARCH)
        libc.capset(head, sets)
