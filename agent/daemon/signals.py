"""How a process hears that it should end, from the system or from the user."""

import contextlib
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any, Final

from .bell import Bell

SIGNALS: Final = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK") if hasattr(signal, name)
)


@contextlib.contextmanager
def heeding(bell: Bell) -> Iterator[Callable[[], bool]]:
    """Gives whether this process was asked to end, by a signal, of which ``bell`` is rung; the second one interrupts.

    A thread hears of signals: a handler runs wherever the main thread happens to be, also while that holds the lock that
    ringing needs. What the user has the process ignore, as ``nohup`` does, stays ignored.
    """
    heard = threading.Event()
    told, ear = socket.socketpair()
    told.setblocking(False)

    def listen() -> None:
        while numbers := ear.recv(64):
            if any(number in SIGNALS for number in numbers):
                heard.set()
                bell.ring()

    asked = []

    def handle(number: int, _frame: object) -> None:
        asked.append(number)
        if len(asked) > 1:
            raise KeyboardInterrupt

    thread = threading.Thread(target=listen, name="signals", daemon=True)
    thread.start()
    before: dict[int, Any] = {}
    woken = signal.set_wakeup_fd(told.fileno(), warn_on_full_buffer=False)
    try:
        for each in SIGNALS:
            if signal.getsignal(each) is not signal.SIG_IGN:
                before[each] = signal.signal(each, handle)
        yield heard.is_set
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
        signal.set_wakeup_fd(woken)
        told.close()
        thread.join()
        ear.close()
