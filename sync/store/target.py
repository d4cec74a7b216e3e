"""The folder that a tree is laid out in. No parent of what is made here is ever a link, so nothing gets outside.

A disk may take two names for one ("A" for "a"). So what was made here once is known by its inode, and no
other entry of the tree replaces it.
"""

import errno
import hashlib
import os
import shutil
import stat

from .nouns import Entry

_NEW_FILE = os.O_WRONLY | os.O_CREAT | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0)


class Target:
    """``folder``, and a scratch folder beside it that is there between ``open`` and ``close``.

    unseen  nobody looks into the folder before all of it is made: a file may then grow in its place

    Methods raise OSError. Paths are those of entries, relative to the folder.
    """

    def __init__(self, folder: bytes, *, unseen: bool) -> None:
        self.folder = folder
        self.unseen = unseen
        self.fresh = False
        """Whether the folder was made by ``open``, and thus holds only what was made since."""
        self._scratch = folder + b".scratch"
        self._numbers = 0
        self._made: set[bytes] = set()
        self._inodes: set[tuple[int, int]] = set()

    def open(self) -> None:
        """Makes the folders. A link in their place is taken away: what it leads to is not ours to change."""
        self.close()
        if os.path.islink(self.folder):
            os.unlink(self.folder)
        self.fresh = not os.path.lexists(self.folder)
        os.makedirs(self.folder, exist_ok=True)
        os.makedirs(self._scratch)

    def close(self) -> None:
        if os.path.isdir(self._scratch) and not os.path.islink(self._scratch):
            shutil.rmtree(self._scratch, ignore_errors=True)
        elif os.path.lexists(self._scratch):
            os.unlink(self._scratch)

    def path(self, path: bytes) -> bytes:
        return self.folder + b"/" + path

    def temporary(self) -> bytes:
        """The full path of a file in the scratch folder that is not there yet."""
        self._numbers += 1
        return self._scratch + b"/%d" % self._numbers

    def holds(self, entry: Entry) -> bool:
        """Whether the file is there, with just this content; then it is executable or not, as it should be."""
        full = self.path(entry.path)
        try:
            status = os.lstat(full)
        except OSError:
            return False
        if not stat.S_ISREG(status.st_mode) or status.st_size != entry.size:
            return False
        with open(full, "rb", buffering=0) as file:
            for chunk in entry.chunks:
                if hashlib.sha256(file.read(chunk.at.length)).hexdigest() != chunk.sha256:
                    return False
        if os.name == "posix" and bool(status.st_mode & 0o100) != entry.executable:
            os.chmod(full, _mode(status.st_mode & 0o777, entry.executable))
        self._remember(status)
        return True

    def make_parents(self, path: bytes) -> None:
        parent = path.rpartition(b"/")[0]
        missing: list[bytes] = []
        while parent and parent not in self._made:
            missing.append(parent)
            parent = parent.rpartition(b"/")[0]
        for parent in reversed(missing):
            self.make_directory(parent)
            self._made.add(parent)

    def make_directory(self, path: bytes) -> None:
        full = self.path(path)
        try:
            os.mkdir(full)
        except FileExistsError:
            status = os.lstat(full)
            if not stat.S_ISDIR(status.st_mode):
                self._refuse_ours(status)
                os.unlink(full)
                os.mkdir(full)
        # A disk that takes "A" for "a" must not let a link replace the folder that other files are still to go into.
        self._remember(os.lstat(full))

    def make_link(self, path: bytes, goal: bytes) -> bool:
        """Whether the link was made, and not there before."""
        full = self.path(path)
        made = not os.path.islink(full) or os.readlink(full) != goal
        if made:
            temporary = self.temporary()
            os.symlink(goal, temporary)
            self._put(temporary, full)
        self._remember(os.lstat(full))
        return made

    def write(self, temporary: bytes, offset: int, data: bytes, entry: Entry, *, first: bool) -> None:
        """Writes a part of the entry's content: into ``temporary``, or in its place where nobody sees it.

        first  whether this is the first part to be written, though it may lie anywhere in the file
        """
        path = self.path(entry.path) if self.unseen else temporary
        flags = _NEW_FILE | os.O_EXCL if first else _NEW_FILE & ~os.O_CREAT
        handle = os.open(path, flags, 0o777 if entry.executable else 0o666)
        whole = False
        try:
            if offset:
                os.lseek(handle, offset, os.SEEK_SET)
            written = os.write(handle, data)
            while written < len(data):
                written += os.write(handle, memoryview(data)[written:])
            whole = True
        finally:
            os.close(handle)
            if not whole:
                os.unlink(path)

    def finish(self, temporary: bytes, entry: Entry) -> None:
        """Puts a file that is complete into its place."""
        if not self.unseen:
            path = self.path(entry.path)
            self._put(temporary, path)
            self._remember(os.lstat(path))

    def clear(self, path: bytes, keep: bool) -> bytes | None:
        """Takes away what lies where nobody sees a file grow; ``keep``: a file goes to the path that is returned."""
        full = self.path(path)
        try:
            status = os.lstat(full)
        except FileNotFoundError:
            return None
        self._refuse_ours(status)
        if stat.S_ISDIR(status.st_mode):
            shutil.rmtree(full)
        elif keep and stat.S_ISREG(status.st_mode):
            aside = self.temporary()
            os.replace(full, aside)
            return aside
        else:
            os.unlink(full)
        return None

    def _remember(self, status: os.stat_result) -> None:
        """What ``status`` is of was made here, or is as it should be, and must stay."""
        if status.st_ino and (status.st_nlink == 1 or stat.S_ISDIR(status.st_mode)):
            self._inodes.add((status.st_dev, status.st_ino))

    def _refuse_ours(self, status: os.stat_result) -> None:
        """Raises OSError where ``status`` is of something that was made here."""
        if (status.st_dev, status.st_ino) in self._inodes:
            raise taken()

    def _put(self, temporary: bytes, path: bytes) -> None:
        try:
            status = os.lstat(path)
        except FileNotFoundError:
            pass
        else:
            self._refuse_ours(status)
            if stat.S_ISDIR(status.st_mode):
                shutil.rmtree(path)
        os.replace(temporary, path)


def _mode(mode: int, executable: bool) -> int:
    """``mode`` with execution allowed wherever reading is, or nowhere."""
    return mode | ((mode & 0o444) >> 2) if executable else mode & ~0o111


def taken() -> OSError:
    """This disk does not tell the name from that of another entry."""
    return OSError(errno.EEXIST, "this disk takes its name for another's of the tree")
