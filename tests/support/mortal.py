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


def mortal(test: Callable[P, None]) -> Callable[P, None]:
    """The test, with permissions that count. It is skipped where they count for nobody, or root cannot give them up."""

    @functools.wraps(test)
    def run(*args: P.args, **keywords: P.kwargs) -> None:
        failed: list[BaseException] = []

        def alone() -> None:
            try:
                if reads_everything() and not _give_up():
                    pytest.skip("permissions hold nobody back here")
                test(*args, **keywords)
            except BaseException as error:
                failed.append(error)

        if not reads_everything():
            test(*args, **keywords)
            return
        thread = threading.Thread(target=alone, name="mortal")
        thread.start()
        thread.join()
        if failed:
            raise failed[0]

    return run


def _give_up() -> bool:
    """Takes from this thread, for good, what lets root read everything. Returns whether that is so now."""
    if sys.platform != "linux":
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    head = (ctypes.c_uint32 * 2)(_VERSION_3, 0)
    sets = (ctypes.c_uint32 * 6)()  # effective, permitted, inheritable; then the same for the higher numbers
    if libc.capget(head, sets):
        return False
    for which in range(3):
        sets[which] &= ~(_DAC_OVERRIDE | _DAC_READ_SEARCH)
    return not libc.capset(head, sets) and not reads_everything()
