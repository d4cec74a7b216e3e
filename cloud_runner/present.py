"""Tells what is not in the mailbox from a mailbox that is not there.

To a remote, a folder of a disk that was pulled out, of a mount that was lost, or that somebody renamed for a moment is an
empty one. A runner would take that for a run that was removed, and leave it.
"""

from collections.abc import Callable
from typing import TypeVar

from sync.errors import NotFound, Unreachable
from sync.mailbox import layout
from sync.remotes.base import Capabilities, Remote, RemoteFile

T = TypeVar("T")


class Away(Unreachable):
    """The mailbox is not there. It may come back, or have been removed for good."""


class Present:
    """``inner`` with the project's mailbox in its folder ``base``: where that is away, a call that finds nothing raises
    Away, which is ridden out as a network is that is away."""

    def __init__(self, inner: Remote, base: str) -> None:
        self.inner = inner
        self._base = base

    @property
    def capabilities(self) -> Capabilities:
        return self.inner.capabilities

    @property
    def url(self) -> str:
        return self.inner.url

    def list_files(self, folder: str) -> list[RemoteFile]:
        return self._listed(lambda: self.inner.list_files(folder))

    def list_unfinished(self, folder: str) -> list[RemoteFile]:
        return self._listed(lambda: self.inner.list_unfinished(folder))

    def list_folders(self, folder: str) -> list[str]:
        return self._listed(lambda: self.inner.list_folders(folder))

    def make_folders(self, folders: list[str]) -> None:
        self.inner.make_folders(folders)

    def read(self, path: str, offset: int = 0, length: int | None = None) -> bytes:
        return self._found(lambda: self.inner.read(path, offset, length))

    def write(self, path: str, data: bytes, before: Callable[[], None] | None = None) -> bool:
        return self._found(lambda: self.inner.write(path, data, before))

    def delete(self, path: str) -> None:
        self.inner.delete(path)

    def delete_folder(self, folder: str) -> None:
        self.inner.delete_folder(folder)

    def close(self) -> None:
        self.inner.close()

    def _listed(self, call: Callable[[], list[T]]) -> list[T]:
        found = call()
        if not found:
            self._require()
            found = call()  # it may have come back just before it was looked for
        return found

    def _found(self, call: Callable[[], T]) -> T:
        try:
            return call()
        except NotFound:
            self._require()
        return call()

    def _require(self) -> None:
        try:
            self.inner.read(f"{self._base}/{layout.FORMAT}", 0, 1)
        except NotFound as error:
            raise Away(
                f"There is no mailbox of {self._base} at {self.url} just now.",
                "See whether a disk is missing there, or a folder was renamed.",
            ) from error
