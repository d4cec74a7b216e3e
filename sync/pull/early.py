"""Asks a remote for what will be needed, before it is needed, so that waiting for one answer is waiting for all."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TypeVar

from ..remotes.base import Capabilities, Remote, RemoteFile
from ..store.lanes import Answer, Lanes

T = TypeVar("T")
_Range = tuple[int, int | None]
"""Offset and length of a read."""


class Early:
    """``inner``, some of whose answers are on their way already.

    Each ``..._soon`` begins a call on one of the ``lanes``; the next call of that kind with the same arguments takes its
    answer, or raises what it raised. An answer that nobody takes is held until it is dropped. What this client changes
    meanwhile makes it forget what was asked about it before. For one thread at a time.
    """

    def __init__(self, inner: Remote, lanes: Lanes) -> None:
        self._inner = inner
        self._lanes = lanes
        self._reads: dict[str, tuple[_Range, Answer[bytes]]] = {}
        self._files: dict[str, Answer[list[RemoteFile]]] = {}
        self._folders: dict[str, Answer[list[str]]] = {}

    def read_soon(self, path: str, offset: int = 0, length: int | None = None) -> None:
        if path not in self._reads:
            answer = self._lanes.start(partial(self._inner.read, path, offset, length))
            self._reads[path] = (offset, length), answer

    def list_files_soon(self, folder: str) -> None:
        if folder not in self._files:
            self._files[folder] = self._lanes.start(partial(self._inner.list_files, folder))

    def list_folders_soon(self, folder: str) -> None:
        if folder not in self._folders:
            self._folders[folder] = self._lanes.start(partial(self._inner.list_folders, folder))

    def drop_read(self, path: str) -> None:
        """Forgets what was asked for of the file, if it was not taken."""
        self._reads.pop(path, None)

    @property
    def capabilities(self) -> Capabilities:
        return self._inner.capabilities

    @property
    def url(self) -> str:
        return self._inner.url

    def list_files(self, folder: str) -> list[RemoteFile]:
        answer = self._files.pop(folder, None)
        return self._inner.list_files(folder) if answer is None else answer()

    def list_unfinished(self, folder: str) -> list[RemoteFile]:
        return self._inner.list_unfinished(folder)

    def list_folders(self, folder: str) -> list[str]:
        answer = self._folders.pop(folder, None)
        return self._inner.list_folders(folder) if answer is None else answer()

    def make_folders(self, folders: list[str]) -> None:
        self._forget_all()
        self._inner.make_folders(folders)

    def read(self, path: str, offset: int = 0, length: int | None = None) -> bytes:
        asked = self._reads.pop(path, None)
        if asked is not None and asked[0] == (offset, length):
            return asked[1]()
        return self._inner.read(path, offset, length)

    def write(self, path: str, data: bytes, before: Callable[[], None] | None = None) -> bool:
        self._forget(path)
        return self._inner.write(path, data, before)

    def delete(self, path: str) -> None:
        self._forget(path)
        self._inner.delete(path)

    def delete_folder(self, folder: str) -> None:
        self._forget_all()
        self._inner.delete_folder(folder)

    def close(self) -> None:
        self._forget_all()
        self._inner.close()

    def _forget(self, path: str) -> None:
        self._reads.pop(path, None)
        self._files.pop(path.rpartition("/")[0], None)

    def _forget_all(self) -> None:
        self._reads.clear()
        self._files.clear()
        self._folders.clear()


def looking_ahead(items: Sequence[T], width: int, ask: Callable[[T], None]) -> Iterator[T]:
    """The items; ``ask`` has been called for each before its turn comes, and for up to ``width`` of them at a time."""
    for number, item in enumerate(items):
        for later in items[number + width - 1 : number + width] if number else items[:width]:
            ask(later)
        yield item
