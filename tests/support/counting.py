"""A mailbox in memory that counts what is read of it, and how many calls are under way at a time."""

import threading

from sync.remotes.memory import MemoryRemote, MemoryStore


class CountingRemote(MemoryRemote):
    """bytes_read  of all files so far
    reads          (path, offset) of each read so far
    most           calls of ``read`` that were under way at a time
    """

    def __init__(self, store: MemoryStore | None = None) -> None:
        super().__init__(store)
        self.bytes_read = 0
        self.reads: list[tuple[str, int]] = []
        self.most = 0
        self._under_way = 0
        self._counting = threading.Lock()

    def read(self, path: str, offset: int = 0, length: int | None = None) -> bytes:
        with self._counting:
            self.reads.append((path, offset))
            self._under_way += 1
            self.most = max(self.most, self._under_way)
        try:
            data = super().read(path, offset, length)
        finally:
            with self._counting:
                self._under_way -= 1
        with self._counting:
            self.bytes_read += len(data)
        return data
