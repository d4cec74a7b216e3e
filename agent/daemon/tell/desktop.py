"""Notices on the desktop, where there is one: the only file that knows the library for it.

A thread of its own shows them, so that a desktop that hangs holds up nothing. What fails is a line in the log for who
looks for it, once for each kind of failure: notices are a courtesy, and ``hybrid today`` tells the same.
"""

import contextlib
import logging
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping

from .notices import Notice

LONGEST_S = 10.0
_GOODBYE_S = 1.0
_MOST_WAITING = 8
# A program's name for its notices on all three systems.
_NAME = "hybrid"
# Its texts are arguments, so nothing in them is run.
_APPLE_SCRIPT = "on run argv\ndisplay notification (item 2 of argv) with title (item 1 of argv)\nend run"

_log = logging.getLogger(__name__)


class Desktop:
    """Threads may share it. ``send`` shows one notice or raises; ``close`` lets its thread end."""

    def __init__(self, send: Callable[[Notice], None] | None = None) -> None:
        self._send = send or _send
        self._queue: queue.Queue[Notice | None] = queue.Queue(_MOST_WAITING)
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._given_up = threading.Event()
        self._logged: set[str] = set()

    def show(self, notice: Notice) -> None:
        """Shows it soon, or not at all. Never waits, never fails."""
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="notices", daemon=True)
                self._thread.start()
        # A desktop that hangs has enough to do.
        with contextlib.suppress(queue.Full):
            self._queue.put_nowait(notice)

    def close(self, wait_s: float = 1.0) -> None:
        """What waits is shown if that can be done within ``wait_s`` seconds. Idempotent."""
        with self._lock:
            thread, self._thread = self._thread, None
        if thread is not None:
            try:
                self._queue.put(None, timeout=wait_s)
            except queue.Full:
                self._given_up.set()
            thread.join(wait_s)

    def _work(self) -> None:
        while not self._given_up.is_set() and (notice := self._queue.get()) is not None:
            try:
                self._send(notice)
            except Exception as error:  # of a library, a system and a desktop that are not ours
                if (kind := type(error).__name__) not in self._logged:
                    self._logged.add(kind)
                    _log.debug("A notice could not be shown: %s: %s", kind, error)


class NoDesktop(Exception):
    """There is none that notices could be shown on; ``str(error)`` is a clause."""


def has_desktop(platform: str, environment: Mapping[str, str]) -> bool:
    """Whether somebody may be looking: on Linux, a session with a bus."""
    return platform in ("darwin", "win32") or bool(environment.get("DBUS_SESSION_BUS_ADDRESS"))


def plain(notice: Notice) -> Notice:
    """Without what some desktops take for markup: parts of it come from the mailbox."""
    table = str.maketrans({"<": "‹", ">": "›"})
    return Notice(title=notice.title.translate(table), text=notice.text.translate(table))


def _send(notice: Notice) -> None:
    if not has_desktop(sys.platform, os.environ):
        raise NoDesktop("no session bus is known")
    # Only now, as most agents of a day show nothing: it takes some megabytes and a tenth of a second.
    import asyncio

    asyncio.run(asyncio.wait_for(_shown(plain(notice)), LONGEST_S))


async def _shown(notice: Notice) -> None:
    """Through a connection of its own, because one that stays open would wake the agent up."""
    import asyncio

    from desktop_notifier import Notification
    from desktop_notifier.backends.dummy import DummyNotificationCenter
    from desktop_notifier.main import get_backend_class

    # It logs what fails with a trace each time, and tells nobody else.
    logging.getLogger("desktop_notifier").setLevel(logging.CRITICAL)
    center = get_backend_class()(_NAME)
    if isinstance(center, DummyNotificationCenter):
        _show_by_script(notice, sys.platform)
        return
    arrived: list[str] = []
    center.on_dispatched = arrived.append
    try:
        await center.request_authorisation()
        await center.send(Notification(title=notice.title, message=notice.text))
    finally:
        bus = getattr(center, "bus", None)
        if bus is not None:
            bus.disconnect()
            with contextlib.suppress(Exception):  # the bus says in its own way that it was cut
                await asyncio.wait_for(bus.wait_for_disconnect(), _GOODBYE_S)
    if not arrived:
        raise NoDesktop("nothing on this desktop takes notices")


def _show_by_script(notice: Notice, platform: str) -> None:
    """macOS takes notices from signed programs only, which Python often is not, but its own script runner is one."""
    if platform != "darwin":
        raise NoDesktop("notices are not supported on this system")
    subprocess.run(
        ["osascript", "-e", _APPLE_SCRIPT, notice.title, notice.text],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=LONGEST_S,
        check=True,
    )
