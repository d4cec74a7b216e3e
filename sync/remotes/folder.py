"""A directory of this machine: the reference remote. Also a mounted drive, a network share, a pod's volume.

A file is written under a temporary name in its folder, forced to disk, and then given its name in one step that
fails where the name is taken.
"""

import dataclasses
import errno
import itertools
import os
import shutil
import stat
import uuid
from collections.abc import Callable
from typing import NoReturn

from ..errors import NotFound, QuotaExceeded, Transient, Unauthorised, Unreachable, UsageError
from .base import Capabilities, RemoteFile
from .names import TEMP_PREFIX, checked, checked_folder, is_shown, is_unfinished, with_parents
from .opening import Opening

_MISSING = {errno.ENOENT, errno.ENOTDIR}
_FULL = {errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)}
_DENIED = {errno.EACCES, errno.EPERM}
_NO_HARD_LINKS = {errno.EPERM, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EMLINK, errno.EINVAL}
_OPEN_IN_ANOTHER_PROCESS = {32, 33}  # Windows: sharing and lock violations, gone in a moment

# A planted symlink or FIFO must not lead a reader elsewhere or make it wait; the flags are 0 on Windows.
_READ_FLAGS = (
    os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
)
_WRITE_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)


class FolderRemote:
    """The contract of ``Remote`` over ``path``, an absolute directory that need not exist yet.

    ``capabilities`` describes the storage below the directory where it is slower than a disk: a mounted drive
    shows a write to others only after minutes. ``local_path`` is always filled in.
    """

    def __init__(self, path: str, capabilities: Capabilities | None = None) -> None:
        self._root = os.path.abspath(path)
        self._capabilities = dataclasses.replace(
            capabilities or Capabilities(connections=4), local_path=self._root
        )
        self._writer = uuid.uuid4().hex[:16]
        self._numbers = itertools.count()

    @property
    def capabilities(self) -> Capabilities:
        return self._capabilities

    @property
    def url(self) -> str:
        return "folder:" + self._root

    def list_files(self, folder: str) -> list[RemoteFile]:
        return self._files(folder, is_shown)

    def list_unfinished(self, folder: str) -> list[RemoteFile]:
        return self._files(folder, is_unfinished)

    def list_folders(self, folder: str) -> list[str]:
        return [e.name for e in self._scan(folder) if is_shown(e.name) and e.is_dir(follow_symlinks=False)]

    def make_folders(self, folders: list[str]) -> None:
        wanted = [self._local(folder) for folder in with_parents(folders)]
        try:
            for path in [*_missing_parents(self._root), *wanted]:
                try:
                    os.mkdir(path)
                except FileExistsError:
                    continue
                _sync_folder(os.path.dirname(path))
        except OSError as error:
            self._fail(error, f"cannot make the folders of {self.url}")
        for path in [self._root, *wanted]:
            if not os.path.isdir(path):
                raise Unreachable(
                    f"{path} is not a folder.", "Move that file away or choose another mailbox."
                )

    def read(self, path: str, offset: int = 0, length: int | None = None) -> bytes:
        local = self._local(checked(path))
        try:
            descriptor = os.open(local, _READ_FLAGS)
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                os.close(descriptor)
                raise NotFound(f"{local} is not a plain file.")
            with open(descriptor, "rb") as file:
                file.seek(offset)
                return file.read(length)
        except OSError as error:
            if error.errno == errno.ELOOP or os.path.isdir(local):
                raise NotFound(f"{local} is not a plain file.") from error
            self._fail(error, f"cannot read {local}")

    def write(self, path: str, data: bytes, before: Callable[[], None] | None = None) -> bool:
        local = self._local(checked(path))
        if os.path.lexists(local):
            return False
        temporary = os.path.join(os.path.dirname(local), f"{TEMP_PREFIX}{self._writer}-{next(self._numbers)}")
        try:
            try:
                with open(os.open(temporary, _WRITE_FLAGS, 0o666), "wb") as file:
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
                if before is not None:
                    before()
                written = _give_name(temporary, local)
            except FileNotFoundError as error:
                if os.path.isdir(os.path.dirname(local)) and not os.path.lexists(temporary):
                    raise Transient(
                        f"Cannot write {local}: what was written of it was taken away."
                    ) from error
                raise
            finally:
                _remove(temporary)
            if written:
                _sync_folder(os.path.dirname(local))
            return written
        except OSError as error:
            self._fail(error, f"cannot write {local}")

    def delete(self, path: str) -> None:
        local = self._local(checked(path))
        try:
            _remove(local)
        except OSError as error:
            self._fail(error, f"cannot delete {local}")

    def delete_folder(self, folder: str) -> None:
        local = self._local(checked_folder(folder))
        try:
            for _ in range(10):  # a file that comes or goes meanwhile makes the sweep start again
                try:
                    if os.path.islink(local):
                        os.unlink(local)
                    else:
                        shutil.rmtree(local)
                except (FileNotFoundError, NotADirectoryError):
                    pass
                except OSError as error:
                    if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                        raise
                if not os.path.isdir(local):
                    return
        except OSError as error:
            self._fail(error, f"cannot delete {local}")
        raise Transient(f"Cannot delete {local}: files keep appearing in it.")

    def close(self) -> None:
        return

    def _local(self, path: str) -> str:
        return os.path.join(self._root, *path.split("/")) if path else self._root

    def _files(self, folder: str, is_wanted: Callable[[str], bool]) -> list[RemoteFile]:
        found = []
        for entry in self._scan(folder):
            try:
                if is_wanted(entry.name) and entry.is_file(follow_symlinks=False):
                    found.append(RemoteFile(entry.name, entry.stat(follow_symlinks=False).st_size))
            except FileNotFoundError:
                continue  # deleted since the directory was read
            except OSError as error:
                self._fail(error, f"cannot look at {entry.path}")
        return found

    def _scan(self, folder: str) -> list[os.DirEntry[str]]:
        local = self._local(checked_folder(folder))
        try:
            with os.scandir(local) as entries:
                return list(entries)
        except OSError as error:
            if error.errno in _MISSING:
                return []
            self._fail(error, f"cannot list {local}")

    def _fail(self, error: OSError, what: str) -> NoReturn:
        message = f"{what[:1].upper()}{what[1:]}: {error.strerror or error}."
        if getattr(error, "winerror", None) in _OPEN_IN_ANOTHER_PROCESS:
            raise Transient(message) from error
        if error.errno in _MISSING:
            raise NotFound(
                message, f"Check that {self._root} is there and, if it is a mount, mounted."
            ) from error
        if error.errno in _FULL:
            raise QuotaExceeded(message, f"Make room on the disk that holds {self._root}.") from error
        if error.errno == errno.EROFS:
            raise QuotaExceeded(message, f"Mount {self._root} for writing.") from error
        if error.errno in _DENIED:
            raise Unauthorised(message, f"Give this user access to {self._root}.") from error
        if error.errno in (errno.EEXIST, errno.EISDIR):
            raise Unreachable(message, "Move it away or choose another mailbox.") from error
        raise Transient(message) from error


def from_url(rest: str, opening: Opening) -> FolderRemote:
    """``rest`` is what follows ``folder:``: absolute, relative to ``base_dir``, or starting with ``~``."""
    if not rest:
        raise UsageError("The URL folder: names no folder.", "Write folder:/path/to/folder")
    if rest.startswith("//") and not rest.startswith("///") and os.name != "nt":
        raise UsageError(f"folder:{rest} has two slashes.", f"Write folder:{rest[1:]}")
    return FolderRemote(os.path.normpath(os.path.join(opening.base_dir, os.path.expanduser(rest))))


def _give_name(temporary: str, target: str) -> bool:
    """Moves the complete file to its name, unless that is taken."""
    if os.name == "nt":
        try:
            os.rename(temporary, target)  # refuses an existing target there
        except FileExistsError:
            return False
        return True
    try:
        os.link(temporary, target)
    except FileExistsError:
        # A network file system may repeat a request of ours whose answer was lost.
        return os.path.samefile(temporary, target)
    except OSError as error:
        if error.errno not in _NO_HARD_LINKS:
            raise
        # No hard links here. The gap between the two calls is harmless: each name has one writer.
        if os.path.lexists(target):
            return False
        os.replace(temporary, target)
    return True


def _remove(path: str) -> None:
    try:
        os.unlink(path)
    except OSError as error:
        if error.errno not in _MISSING:
            raise


def _missing_parents(path: str) -> list[str]:
    missing: list[str] = []
    while not os.path.isdir(path) and os.path.dirname(path) != path:
        missing.insert(0, path)
        path = os.path.dirname(path)
    return missing


def _sync_folder(path: str) -> None:
    """Makes a new name survive a power cut, on systems and file systems that can."""
    if os.name == "nt":
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.EBADF, errno.ENOTSUP, errno.ENOSYS, errno.EACCES):
            raise
    finally:
        os.close(descriptor)
