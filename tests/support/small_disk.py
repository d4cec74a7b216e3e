"""File systems of their own, for as long as a test needs them: small, filled up and emptied again, or not to be written."""

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest


@contextlib.contextmanager
def mounted(folder: Path, options: str) -> Iterator[None]:
    """A file system of its own at ``folder``, say of ``size=600k``; skips the test where this user may not mount one."""
    folder.mkdir(parents=True, exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    if (
        not sys.platform.startswith("linux")
        or subprocess.run(mount, capture_output=True, check=False).returncode
    ):
        pytest.skip("no small file system can be mounted here")
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def remount(folder: Path, options: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{options}", str(folder)], check=True)


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
