"""A real file system that is filled up and emptied again as a test wants it."""

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from tests.support.disks import remount
from tests.support.disks import small_disk as mounted


class SmallDisk:
    """``folder`` is its top."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._filler = folder / "filler"

    def leave(self, size: int) -> None:
        """Fills it up to ``size`` bytes, rounded to pages."""
        self.make_room()
        free = shutil.disk_usage(self.folder).free
        with self._filler.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, max(1, free - size))

    def leave_files(self, count: int) -> None:
        """Lets at most so many files and folders more be made, however small."""
        status = os.statvfs(self.folder)
        remount(self.folder, f"nr_inodes={status.f_files - status.f_ffree + count}")

    def make_room(self) -> None:
        self._filler.unlink(missing_ok=True)
        remount(self.folder, "nr_inodes=100000")


@contextlib.contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[SmallDisk]:
    """Skips the test where none can be mounted."""
    with mounted(folder, f"size={megabytes}m,nr_inodes=100000"):
        yield SmallDisk(folder)
