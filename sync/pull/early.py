"""Asks a remote for what will be needed, before it is needed, so that waiting for one answer is waiting for all."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, TypeVar

from ..remotes.base import Capabilities, Remote, RemoteFile
from ..store.lanes import Lanes

T = TypeVar("T")


class Early:
    """``inner``, some of whose answers are on their way already.

    Each ``..._soon`` begins a call on one of the ``lanes``; the next call of that kind with the same arguments takes its
    answer, or raises what it raised. An answer that nobody takes is dropped. What this client changes
    meanwhile makes it forget what was asked about it before. For one thread at a time.
    """

    def __init__(self, inner: Remote, lanes: Lanes) -> None:
        self._inner = inner
        self._lanes = lanes
        self._asked: dict[tuple[str, str], tuple[tuple[Any, ...], Callable[[], Any]]] = {}

    def read_soon(self, path: str, offset: int = 0, length: int | None = None) -> None:
        self._ask("read", path, offset, length)

    def list_files_soon(self, folder: str) -> None:
        self._ask("list_files", folder)

    def list_folders_soon(self, folder: str) -> None:
        self._ask("list_folders", folder)

    @property
    def capabilities(self) -> Capabilities:
        return self._inner.capabilities

    @property
    def url(self) -> str:
        return self._inner.url

    def list_files(self, folder: str) -> list[RemoteFile]:
        found: list[RemoteFile] = self._take("list_files", folder)
        return found

    def list_folders(self, folder: str) -> list[str]:
        found: list[str] = self._take("list_folders", folder)
        return found

    def make_folders(self, folders: list[str]) -> None:
        self._asked.clear()
        self._inner.make_folders(folders)

    def read(self, path: str, offset: int = 0, length: int | None = None) -> bytes:
        data: bytes = self._take("read", path, offset, length)
        return data

    def write(self, path: str, data: bytes, before: Callable[[], None] | None = None) -> bool:
        self._forget(path)
        return self._inner.write(path, data, before)

    def delete(self, path: str) -> None:
        self._forget(path)
        self._inner.delete(path)

    def delete_folder(self, folder: str) -> None:
        self._asked.clear()
        self._inner.delete_folder(folder)

    def close(self) -> None:
        self._asked.clear()
        self._inner.close()

    def _ask(self, what: str, path: str, *more: Any) -> None:
        if (what, path) not in self._asked:
            answer = self._lanes.start(partial(getattr(self._inner, what), path, *more))
            self._asked[what, path] = (more, answer)

    def _take(self, what: str, path: str, *more: Any) -> Any:
        asked, answer = self._asked.pop((what, path), (None, None))
        if answer is not None and asked == more:
            return answer()
        return getattr(self._inner, what)(path, *more)

    def _forget(self, path: str) -> None:
        self._asked.pop(("read", path), None)
        self._asked.pop(("list_files", path.rpartition("/")[0]), None)


def looking_ahead(items: Sequence[T], width: int, ask: Callable[[T], None]) -> Iterator[T]:
    """The items; ``ask`` has been called for each before its turn comes, and for up to ``width`` of them at a time."""
    for number, item in enumerate(items):
        for later in items[number + width - 1 : number + width] if number else items[:width]:
            ask(later)
        yield item
