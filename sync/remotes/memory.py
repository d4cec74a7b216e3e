"""A remote without storage: what the other side of the system is tested with, and what a dry run talks to.

It can be as unkind as the contract allows: writes and deletions that other clients notice late, in any order,
two files of one name, and planned faults.
"""

import contextlib
import dataclasses
import random
import threading
from collections.abc import Callable
from typing import TypeVar

from ..clock import Clock
from ..errors import NotFound
from .base import Capabilities, RemoteFile
from .faults import Crash, FaultPlan
from .names import checked, checked_folder, is_shown, is_unfinished, with_parents

_T = TypeVar("_T")


@dataclasses.dataclass(kw_only=True)
class _File:
    path: str
    data: bytes
    writer: int
    written_at: float
    deleted_at: float | None = None
    deleter: int = -1


class MemoryStore:
    """What all clients of one storage share.

    lag        seconds of ``clock`` after which every client sees a write or a deletion; its client sees it at once.
               Until then two clients can write one name, and both files stay.
    dice       with it, another client sees a young change by chance, growing with its age, thrown anew at each
               look; and reading a name that occurs twice gives either file. Without it: not before ``lag``, and
               the older file.
    """

    def __init__(
        self,
        *,
        clock: Clock | None = None,
        lag: float = 0.0,
        dice: random.Random | None = None,
        capabilities: Capabilities | None = None,
    ) -> None:
        if lag > 0 and clock is None:
            raise ValueError("a lag needs a clock")
        self.lock = threading.RLock()
        self.folders: set[str] = set()
        self.files: list[_File] = []
        self.clients = 0
        self.dice = dice
        self._clock = clock
        self._lag = lag
        self.capabilities = capabilities or Capabilities(connections=4)
        if lag > 0:
            self.capabilities = dataclasses.replace(self.capabilities, settle_s=lag, strong_listing=False)

    def now(self) -> float:
        return self._clock.monotonic() if self._clock else 0.0

    def noticed(self, client: int, author: int, since: float) -> bool:
        """Whether ``client`` is shown, this time, what ``author`` did at ``since``."""
        age = self.now() - since
        if client == author or age >= self._lag:
            return True
        return self.dice is not None and self.dice.random() < age / self._lag


class MemoryRemote:
    """One client of a ``MemoryStore``; make another over ``remote.store`` for a second machine.

    ``calls`` is every call so far, as (method, path); ``make_folders`` gives its folders joined by spaces. After
    a ``Crash`` has fired the client is dead: each further call raises it again, cleanup code included.
    """

    def __init__(self, store: MemoryStore | None = None, *, plan: FaultPlan | None = None) -> None:
        self.store = store or MemoryStore()
        self.calls: list[tuple[str, str]] = []
        self._plan = plan or FaultPlan()
        self._dead: Crash | None = None
        with self.store.lock:
            self.store.clients += 1
            self._me = self.store.clients

    @property
    def capabilities(self) -> Capabilities:
        return self.store.capabilities

    @property
    def url(self) -> str:
        return "memory:"

    def list_files(self, folder: str) -> list[RemoteFile]:
        return self._call("list_files", folder, lambda: self._files(folder, is_shown))

    def list_unfinished(self, folder: str) -> list[RemoteFile]:
        return self._call("list_unfinished", folder, lambda: self._files(folder, is_unfinished))

    def list_folders(self, folder: str) -> list[str]:
        prefix = _prefix(checked_folder(folder))

        def act() -> list[str]:
            inside = [f[len(prefix) :] for f in self.store.folders if f and _is_in(f, prefix)]
            return [name for name in inside if is_shown(name)]

        return self._call("list_folders", folder, act)

    def make_folders(self, folders: list[str]) -> None:
        wanted = with_parents(folders)
        self._call("make_folders", " ".join(folders), lambda: self.store.folders.update(["", *wanted]))

    def read(self, path: str, offset: int = 0, length: int | None = None) -> bytes:
        checked(path)

        def act() -> bytes:
            found = [f for f in self._live(path) if self.store.noticed(self._me, f.writer, f.written_at)]
            if not found:
                raise NotFound(f"There is no {path} in {self.url}.")
            one = self.store.dice.choice(found) if self.store.dice else found[0]
            return one.data[offset : None if length is None else offset + length]

        return self._call("read", path, act)

    def write(self, path: str, data: bytes, before: Callable[[], None] | None = None) -> bool:
        folder = checked(path).rpartition("/")[0]

        def act() -> bool:
            if folder not in self.store.folders:
                raise NotFound(f"There is no folder for {path} in {self.url}.")
            if any(self.store.noticed(self._me, f.writer, f.written_at) for f in self._live(path)):
                return False
            now = self.store.now()
            self.store.files.append(_File(path=path, data=bytes(data), writer=self._me, written_at=now))
            return True

        if before is not None:
            before()  # outside of the call, as it waits for other writers
        return self._call("write", path, act)

    def delete(self, path: str) -> None:
        checked(path)

        def act() -> None:
            for file in self._live(path):
                if self.store.noticed(self._me, file.writer, file.written_at):
                    file.deleted_at, file.deleter = self.store.now(), self._me

        self._call("delete", path, act)

    def delete_folder(self, folder: str) -> None:
        prefix = _prefix(checked_folder(folder))

        def act() -> None:
            self.store.files[:] = [f for f in self.store.files if not f.path.startswith(prefix)]
            gone = {f for f in self.store.folders if f == folder or f.startswith(prefix)}
            self.store.folders.difference_update(gone)

        self._call("delete_folder", folder, act)

    def close(self) -> None:
        return

    def _call(self, method: str, path: str, act: Callable[[], _T]) -> _T:
        with self.store.lock:
            if self._dead:
                raise self._dead
            self.calls.append((method, path))
            when, error = self._plan.due(method, path) or ("before", None)
            if isinstance(error, Crash):
                self._dead = error
            if error and when == "before":
                raise error
            if error is None:
                return act()
            with contextlib.suppress(NotFound):  # that answer is lost as any other
                act()
            raise error

    def _files(self, folder: str, is_wanted: Callable[[str], bool]) -> list[RemoteFile]:
        prefix = _prefix(checked_folder(folder))
        inside = [f for f in self.store.files if _is_in(f.path, prefix) and self._is_listed(f)]
        return [RemoteFile(_name(f.path), len(f.data)) for f in inside if is_wanted(_name(f.path))]

    def _live(self, path: str) -> list[_File]:
        return [f for f in self.store.files if f.path == path and f.deleted_at is None]

    def _is_listed(self, file: _File) -> bool:
        if not self.store.noticed(self._me, file.writer, file.written_at):
            return False
        return file.deleted_at is None or not self.store.noticed(self._me, file.deleter, file.deleted_at)


def _prefix(folder: str) -> str:
    return folder + "/" if folder else ""


def _is_in(path: str, prefix: str) -> bool:
    return path.startswith(prefix) and "/" not in path[len(prefix) :]


def _name(path: str) -> str:
    return path.rpartition("/")[2]
