"""How the system tells of changes: the only file that knows watchdog, and loads it.

What it leans on, of watchdog 7.1. Linux: ``InotifyFD``, one kernel queue with a thread that sleeps until there is something
to read; made directly, not as the instance that watchdog shares; ``add_callback`` and ``remove_callbacks``, a watch for
each folder; ``read_events``, ``handle_event``, ``_inotify_fd`` and what the protocol ``WatchCallback`` promises. Its
observers are not used: they watch every folder below a root, and know no rules. macOS: ``FSEventsEmitter`` and its
``events_callback``, before it looks at each path. Windows: ``DirectoryChangeReader``, its thread and its queue, because its
``get_events`` wakes up with nothing to do and drops the word of an overflow. None of them wakes up while nothing happens.
"""

import errno
import os
import select
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from .words import Listener, Word

if sys.platform == "linux":
    from watchdog.observers.inotify_c import CallbackId, InotifyFD, Mask
    from watchdog.observers.inotify_c import InotifyConstants as InotifyConstants
    from watchdog.observers.inotify_c import InotifyEvent as InotifyEvent

    class Ear(Protocol):
        """What is told about one watch; alive for as long as it is watched."""

        def on_event(self, event: InotifyEvent) -> None: ...

        def on_watch_deleted(self, wd: int) -> None: ...

        def on_queue_overflow(self) -> None: ...

    class Inotify(InotifyFD):
        """Raises OSError where the system has no instance left. Has to be started, or ``stop`` frees nothing."""

        def __init__(self, listener: Listener) -> None:
            super().__init__()
            self.name = "watching"
            self._listener = listener

        def watch(self, path: bytes, mask: int, ear: Ear) -> int:
            """The number of the watch, the same for the same folder; raises OSError, PermissionError too."""
            # Two ears may share a watch, for a folder that moved while it was looked at: each adds its mask.
            both = Mask(mask | InotifyConstants.IN_MASK_ADD)
            number = self.add_callback(path, both, ear, CallbackId(id(ear)))
            if (
                number == -1
            ):  # how watchdog says that it may not be read, and it remembers a watch all the same
                self.forget([(-1, ear)])
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), os.fsdecode(path))
            return number

        def forget(self, watched: list[tuple[int, Ear]]) -> None:
            self.remove_callbacks([(number, CallbackId(id(ear))) for number, ear in watched])  # type: ignore[misc]

        def run(self) -> None:
            try:
                while self.should_keep_running():
                    for event in self.read_events():
                        self.handle_event(event)
                    if not self._has_more():
                        self._listener.rested()
            except Exception as error:
                self._listener.ended(error)

        def _has_more(self) -> bool:
            waiting = select.poll()
            waiting.register(self._inotify_fd, select.POLLIN)
            return bool(waiting.poll(0))

        def handle_event(self, event: InotifyEvent) -> None:
            if event.is_queue_overflow:
                self._listener.overflowed()
                return
            try:
                super().handle_event(event)
            except Exception as error:
                self._listener.failed(error)

elif sys.platform == "darwin":
    from watchdog.observers.api import EventQueue, ObservedWatch
    from watchdog.observers.fsevents import FSEventsEmitter

    _LOST = (
        0x1 | 0x2 | 0x4 | 0x8
    )  # must scan below, dropped by the user's side or the kernel's, numbers wrapped
    _ROOT = 0x20 | 0x80  # moved or deleted, unmounted
    _CAME = 0x100 | 0x800  # created, renamed
    _FOLDER = 0x20000

    class Stream(FSEventsEmitter):
        """As ``words.Stream``."""

        def __init__(self, path: Path, listener: Listener, heard: Callable[[Word | None], None]) -> None:
            real = os.path.realpath(path)
            super().__init__(EventQueue(), ObservedWatch(real, recursive=True))
            self._top = os.fsencode(real) + b"/"
            self._listener = listener
            self._heard = heard

        def events_callback(
            self, paths: list[bytes], inodes: list[int], flags: list[int], ids: list[int]
        ) -> None:
            try:
                for path, flag in zip(map(os.fsencode, paths), flags, strict=True):
                    if flag & _LOST:
                        self._listener.overflowed()
                    elif flag & _ROOT:
                        self._heard(None)
                    elif path.startswith(self._top):
                        below = path[len(self._top) :].rstrip(b"/")
                        self._heard(Word(path=below, came=bool(flag & _CAME), folder=bool(flag & _FOLDER)))
                self._listener.rested()
            except Exception as error:
                self._listener.failed(error)

elif sys.platform == "win32":
    import threading

    from watchdog.observers import winapi

    class _Reader(winapi.DirectoryChangeReader):
        """Says, too, when its thread has ended, and why."""

        ended: Exception | None = None

        def _run(self) -> None:
            try:
                super()._run()
            except OSError as error:
                self.ended = error
            finally:
                # The first is taken by ``start`` where the folder could not even be opened.
                self._buf_queue.put(None)
                self._buf_queue.put(None)

    class Stream:
        """As ``words.Stream``."""

        def __init__(self, path: Path, listener: Listener, heard: Callable[[Word | None], None]) -> None:
            self._listener = listener
            self._heard = heard
            self._reader = _Reader(os.path.realpath(path), recursive=True)
            self._thread = threading.Thread(target=self._listen, name="watching", daemon=True)
            self._stopped = False

        def start(self) -> None:
            self._reader.start()
            self._thread.start()

        def stop(self) -> None:
            self._stopped = True
            self._reader.stop()

        def join(self) -> None:
            self._thread.join()

        def _listen(self) -> None:
            while (read := self._reader._buf_queue.get()) is not None:
                try:
                    self._tell(*read)
                except Exception as error:
                    self._listener.failed(error)
            if not self._stopped:
                self._listener.ended(self._reader.ended or OSError("Windows stopped telling of changes"))

        def _tell(self, data: bytes, extended: bool) -> None:
            if not data:  # more happened than the buffer holds
                self._listener.overflowed()
            elif extended:
                for action, name, _ in winapi._parse_extended_event_buffer(data):
                    self._one(action, name)
            else:
                for action, name in winapi._parse_event_buffer(data):
                    self._one(action, name)
            self._listener.rested()

        def _one(self, action: int, name: str) -> None:
            if action == winapi.FILE_ACTION_DELETED_SELF:
                self._heard(None)
                return
            came = action in (winapi.FILE_ACTION_CREATED, winapi.FILE_ACTION_RENAMED_NEW_NAME)
            self._heard(Word(path=os.fsencode(name.replace("\\", "/")), came=came))
