"""New files that are opened before there is content for them.

A server takes up one request after another. A file that is asked for once its content is there is opened behind all
content that is under way, and the line is idle until the answer has come back. So with each large file the next one
is asked for.
"""

import struct
import threading
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from .sftp_packets import HANDLE, SftpBroken, string
from .sftp_wire import Call, SftpWire

_OPEN, _REMOVE = 3, 13
_FOR_WRITING_A_NEW_FILE = struct.pack(">II", 0x02 | 0x08 | 0x20, 0)  # WRITE, CREAT, EXCL; no attributes
_LARGE = 512 * 1024


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A file that is to be written.

    path      was not there before
    is_large  whether its writer takes turns with others
    opening   the request that opens it, if that was made already
    paths     with that of the file that was opened ahead for a next one: all that a broken session may leave behind
    """

    path: str
    is_large: bool
    opening: int | None = None
    paths: tuple[str, ...] = ()

    def opened(self, call: Call) -> bytes:
        """Its handle, as a field of a packet. Raises SftpStatus where there can be no such file."""
        if self.opening is None:
            return string(call.exchange(_OPEN, _to_open(self.path), HANDLE).string())
        call.open.add(self.opening)
        return string(call.wait(self.opening, HANDLE).string())


class Drafts:
    """Those of one session. Threads may share it."""

    def __init__(self, wire: SftpWire) -> None:
        self._wire = wire
        self._lock = threading.Lock()
        self._spare: defaultdict[str, list[tuple[str, int]]] = defaultdict(list)
        self._large = 0

    def take(self, folder: str, fresh: Callable[[], str], size: int) -> Draft:
        """For ``size`` bytes in ``folder``, where ``fresh`` gives new paths. ``end`` must follow."""
        is_large = size > _LARGE
        with self._lock:
            self._large += is_large
            spare = self._spare.get(folder)
            path, opening = spare.pop() if spare else (fresh(), None)
        ahead = [fresh()] if is_large else []
        for another in ahead:
            request = self._wire.ask(_OPEN, _to_open(another))
            with self._lock:
                self._spare[folder].append((another, request))
        return Draft(path=path, is_large=is_large, opening=opening, paths=(path, *ahead))

    def end(self, draft: Draft) -> None:
        """Its content is there, or will not be. With the last large one goes what was opened for a next one."""
        with self._lock:
            self._large -= draft.is_large
            if self._large:
                return
            unused = [each for drafts in self._spare.values() for each in drafts]
            self._spare.clear()
        with suppress(SftpBroken):  # whoever asks next is told
            for path, opening in unused:
                with (
                    self._wire.call() as call
                ):  # it goes with the next request, and nobody looks at the answer
                    call.open.add(opening)
                    call.ask(_REMOVE, string(path))


def _to_open(path: str) -> bytes:
    return string(path) + _FOR_WRITING_A_NEW_FILE
