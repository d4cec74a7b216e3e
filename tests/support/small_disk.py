"""A real file system that is full when the test wants it to be: in memory, where this user may mount one."""

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest


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
        self._remount(f"nr_inodes={status.f_files - status.f_ffree + count}")

    def make_room(self) -> None:
        self._filler.unlink(missing_ok=True)
        self._remount("nr_inodes=100000")

    def _remount(self, option: str) -> None:
        subprocess.run(["mount", "-o", f"remount,{option}", str(self.folder)], check=True)


@contextlib.contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[SmallDisk]:
    """Skips the test where none can be mounted."""
    folder.mkdir(parents=True)
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("only root on Linux may mount a disk in memory")
    command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,nr_inodes=100000", "tmpfs", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"no disk in memory can be mounted here: {done.stderr.strip()}")
    try:
        yield SmallDisk(folder)
    finally:
        subprocess.run(["umount", str(folder)], check=True)
