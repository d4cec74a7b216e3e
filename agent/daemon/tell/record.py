"""Where the agent's status is kept, so that other processes read a whole one at any time, also while it is written.

One file of fixed size, outside the project, that is made once and then overwritten in place: on a disk that is full it
can still be written. It has two slots, which are written in turn, each with its number, length and SHA-256; a reader
takes the newest one that is whole.
"""

import contextlib
import errno
import hashlib
import json
import logging
import struct
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any, Final

from sync.errors import HybridError, LocalDiskFull

from ... import places
from .status import Status

FILE_NAME: Final = "status"
SIZE: Final = 256 * 1024
SLOT: Final = SIZE // 2
_HEADER: Final = struct.Struct(">8sQQ32s")
_MAGIC: Final = b"hybrid-1"
_ROOM: Final = SLOT - _HEADER.size
_TRIES: Final = 20
_LONGEST_TEXT: Final = 2000
# What is cut first, where not all fits: what needs the user stays longest.
_LISTS: Final = ("held_back", "problems", "runs", "needs")

_log = logging.getLogger(__name__)


def folder(project: str) -> Path:
    """Where the agent of the project with this id keeps its status and its log. Not made here."""
    return places.data_folder() / "agents" / project


def read(place: Path) -> Status | None:
    """The newest whole status in the folder ``place``; None where there is none, or another version wrote it.

    Never waits for a writer.
    """
    found = document(place)
    return Status.from_json(found) if found is not None else None


def document(place: Path) -> dict[str, Any] | None:
    """As ``read``, with whatever the version that wrote it has put into it."""
    for _ in range(_TRIES):
        try:
            content = (place / FILE_NAME).read_bytes()
        except OSError:
            return None
        found = _newest(content)
        if found is not None:
            return _parsed(found[1])
        if not any(content):
            return None
        # Both slots were overwritten while they were read: there is a newer one by now.
    return None


class Record:
    """The one writer: whoever holds the agent's lock. For one thread at a time.

    ``last`` is what was written last, by this process or the one before. Raises HybridError where the file is not there
    and cannot be made; from then on nothing fails, and what cannot be written is only in ``last``.
    """

    def __init__(self, place: Path) -> None:
        self._path = place / FILE_NAME
        try:
            self._ensure()
            found = _newest(self._path.read_bytes())
        except OSError as error:
            kind = LocalDiskFull if error.errno in (errno.ENOSPC, errno.EDQUOT) else HybridError
            raise kind(
                f"The agent's status cannot be kept in {place}: {error.strerror}.",
                "Make room there, or see who owns it.",
            ) from error
        self._count = found[0] if found else 0
        told = _parsed(found[1]) if found else None
        self.last: Status | None = Status.from_json(told) if told is not None else None

    def write(self, status: Status) -> None:
        self.last = status
        self._count += 1
        payload = _encoded(fitting(status))
        try:
            self._ensure()
            with open(self._path, "r+b", buffering=0) as file:
                file.seek(self._count % 2 * SLOT)
                file.write(
                    _HEADER.pack(_MAGIC, self._count, len(payload), _sum(self._count, payload)) + payload
                )
        except OSError as error:
            _log.warning("The status cannot be written to %s: %s", self._path, error.strerror)

    def _ensure(self) -> None:
        """Makes the file where it is missing or not of its size."""
        with contextlib.suppress(FileNotFoundError):
            if self._path.stat().st_size == SIZE:
                return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self._path.with_name(f"{FILE_NAME}.new")
        try:
            fresh.write_bytes(bytes(SIZE))
            fresh.replace(self._path)
        except OSError:
            with contextlib.suppress(OSError):
                fresh.unlink()
            raise


def fitting(status: Status, room: int = _ROOM) -> Status:
    """``status`` with its lists, and if need be its texts, cut so that it takes at most ``room`` bytes."""
    for name in _LISTS:
        while len(_encoded(status)) > room and (items := getattr(status, name)):
            status = replace(status, **{name: items[: len(items) // 2]})
    if len(_encoded(status)) > room:
        parts = {each.name: _cut(getattr(status, each.name)) for each in fields(status)}
        status = replace(status, **parts)
    return status


def _cut(value: Any) -> Any:
    if isinstance(value, str):
        return value[:_LONGEST_TEXT]
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{each.name: _cut(getattr(value, each.name)) for each in fields(value)})
    return value


def _encoded(status: Status) -> bytes:
    return json.dumps(status.to_json(), separators=(",", ":")).encode("ascii")


def _parsed(payload: bytes) -> dict[str, Any] | None:
    found = json.loads(payload)
    return found if isinstance(found, dict) else None


def _newest(content: bytes) -> tuple[int, bytes] | None:
    """Number and payload of the newest slot that is whole."""
    whole = [found for at in (0, SLOT) if (found := _slot(content[at : at + SLOT])) is not None]
    return max(whole, default=None)


def _slot(content: bytes) -> tuple[int, bytes] | None:
    if len(content) != SLOT:
        return None
    magic, count, length, sha256 = _HEADER.unpack_from(content)
    payload = content[_HEADER.size : _HEADER.size + length]
    if magic != _MAGIC or len(payload) != length or _sum(count, payload) != sha256:
        return None
    return count, payload


def _sum(count: int, payload: bytes) -> bytes:
    return hashlib.sha256(b"%d %d\n" % (count, len(payload)) + payload).digest()
