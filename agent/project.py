"""A project: the folder that holds ``hybrid.toml``, its settings, and what this machine remembers about it."""

import contextlib
import os
import re
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from sync.errors import HybridError, Locked, UsageError
from sync.mailbox.layout import ID_ALPHABET

from . import config, places

STATE_FOLDER = ".hybrid"
_LOCK_WAIT_S = 0.5
_PROCESS = secrets.token_hex(4)  # tells this process from a later one with the same number


@dataclass(frozen=True, kw_only=True)
class Project:
    """``root`` is absolute; ``config`` is what ``hybrid.toml`` said when the project was found."""

    root: Path
    config: config.Config

    @classmethod
    def find(cls, start: Path) -> "Project":
        """The project that ``start`` lies in: the nearest folder upwards with ``hybrid.toml``.

        Raises UsageError where there is none or its settings cannot be used.
        """
        root = enclosing(start)
        if root is None:
            raise UsageError(
                f"Neither {start} nor a folder above it is a project: there is no {config.FILE_NAME}.",
                "hybrid init",
            )
        return cls(root=root, config=config.load(root / config.FILE_NAME))

    @classmethod
    def by_id(cls, start: Path) -> "Project | None":
        """The project that ``start`` lies in, with its id and no other settings: for what has to go on although they
        are wrong. None where not even the id can be read."""
        root = enclosing(start)
        if root is None:
            return None
        text = (root / config.FILE_NAME).read_text(encoding="utf-8", errors="replace")
        found = re.search(r'^\s*id\s*=\s*"([^"\n]+)"', text, re.MULTILINE)
        if found is None:
            return None
        return cls(root=root, config=config.Config(project=config.ProjectSettings(id=found[1])))

    @property
    def remote_url(self) -> str:
        """The mailbox's URL. Raises UsageError where the project has none."""
        if self.config.remote.url is None:
            raise UsageError(
                f"{self.root / config.FILE_NAME} does not say where the mailbox is.",
                'Write under [remote]: url = "folder:/path" or "sftp://user@host/path".',
            )
        return self.config.remote.url

    @property
    def state_dir(self) -> Path:
        """``.hybrid/``, made where it is missing. git ignores it. Raises HybridError when the project is gone."""
        folder = self.root / STATE_FOLDER
        try:
            # Without parents: a project that was removed under our feet must not come back as an empty folder.
            folder.mkdir(exist_ok=True)
            marker = folder / ".gitignore"
            if not marker.exists():
                marker.write_text("*\n", encoding="ascii")
        except FileNotFoundError as error:
            raise HybridError(
                f"The project folder {self.root} is not there any more.", "Put it back, then do it again."
            ) from error
        except (FileExistsError, NotADirectoryError) as error:
            raise HybridError(
                f"{folder} is no folder, so nothing can be remembered.", "Move it away."
            ) from error
        return folder

    @cached_property
    def laptop_id(self) -> str:
        """Who we are in the mailbox: 8 characters, the same for every project of this user on this machine."""
        return laptop_id()

    @contextlib.contextmanager
    def lock(self, name: str) -> Iterator[bool]:
        """Holds the project's lock ``name`` (as in ``push``) against other processes and threads of this user. Gives
        whether nobody else has held it since this process did.

        It lies outside the project, because clones of a project share what they have in the mailbox. Raises Locked, naming
        the holder's process id, after half a second. The system lets go of the lock when its holder dies.
        """
        from filelock import FileLock, Timeout

        folder = places.data_folder() / "locks"
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / f"{self.config.project.id}.{name}.lock")
        # Beside the lock, because Windows lets nobody read a file that is locked.
        holder = folder / f"{self.config.project.id}.{name}.pid"
        try:
            lock.acquire(timeout=_LOCK_WAIT_S, poll_interval=0.05)
        except Timeout as error:
            raise Locked(
                f"Another hybrid process{_process(holder)} is at work on {self.root} ({name}).",
                "Wait until it has ended, or end it; a lock never outlives its process.",
            ) from error
        try:
            me = f"{os.getpid()} {_PROCESS}"
            is_mine_still = _text(holder) == me
            with contextlib.suppress(OSError):
                if not is_mine_still:
                    holder.unlink(missing_ok=True)  # so that a disk that is full leaves no stale one
                    holder.write_text(me, encoding="ascii")
            yield is_mine_still
        finally:
            lock.release()

    def is_locked_elsewhere(self, name: str) -> bool:
        """Whether another process holds the lock ``name`` now, as far as that can be told."""
        from filelock import FileLock, Timeout

        path = places.data_folder() / "locks" / f"{self.config.project.id}.{name}"
        lock = FileLock(f"{path}.lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            return _text(Path(f"{path}.pid")) != f"{os.getpid()} {_PROCESS}"
        except OSError:
            return False  # nobody has ever held it, or nobody can
        lock.release()
        return False


def enclosing(start: Path) -> Path | None:
    """The nearest folder, from ``start`` upwards, that holds ``hybrid.toml``; None where there is none."""
    folder = start.absolute()
    return next((each for each in (folder, *folder.parents) if (each / config.FILE_NAME).exists()), None)


def laptop_id(choose: Callable[[str], str] = secrets.choice) -> str:
    """This user's id on this machine, made at the first call; ``choose`` picks one character of a string."""
    from filelock import FileLock

    folder = places.config_folder()
    path = folder / "laptop-id"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / "laptop-id.lock"):
            if not path.exists():
                fresh = path.with_name("laptop-id.new")
                fresh.write_text("".join(choose(ID_ALPHABET) for _ in range(8)) + "\n", encoding="ascii")
                fresh.replace(path)
    found = path.read_text(encoding="utf-8", errors="replace").strip()
    if not re.fullmatch(rf"[{ID_ALPHABET}]{{8}}", found):
        raise HybridError(
            f"{path} does not hold an id of 8 characters.", "Remove it; this laptop then gets a new id."
        )
    return found


def _process(holder: Path) -> str:
    found, _, _ = _text(holder).partition(" ")
    return f" (id {found})" if found.isdigit() else ""


def _text(holder: Path) -> str:
    try:
        return holder.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError):
        return ""
