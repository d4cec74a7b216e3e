"""Whether the system can tell of changes in a project, and what a person can do where it cannot."""

import errno
import os
from dataclasses import dataclass
from pathlib import Path

from ..tell.status import Need

_LIMITS = Path("/proc/sys/fs/inotify")
_USUAL_WATCHES = 524_288
_USUAL_INSTANCES = 1024

# Changes made on another machine, or by the program behind the mount, are told to nobody here.
_SILENT = {
    "nfs",
    "nfs4",
    "cifs",
    "smb3",
    "smbfs",
    "9p",
    "ceph",
    "afs",
    "vboxsf",
    "prl_fs",
    "virtiofs",
    "fuse",
}


@dataclass(frozen=True, kw_only=True)
class Mode:
    """``why`` there are no events, or not of all changes, as a clause; empty where there are. ``need`` where a person can
    help."""

    why: str = ""
    need: Need | None = None

    @property
    def how(self) -> str:
        """As in ``Status.watch``."""
        return f"polling, because {self.why}" if self.why else "events"


EVENTS = Mode()
GONE = Mode(why="the project folder was moved or deleted, or cannot be read")


def after(error: Exception) -> Mode:
    """What to do without events, after what setting a watch ended with."""
    number = error.errno if isinstance(error, OSError) else None
    if number == errno.ENOSPC:
        return _limit("max_user_watches", "watches on folders", _USUAL_WATCHES)
    if number == errno.EMFILE and _can_open():
        return _limit("max_user_instances", "programs that watch folders", _USUAL_INSTANCES)
    if number in (errno.EMFILE, errno.ENFILE):
        return Mode(why="too many files are open")
    return Mode(why=f"watching failed: {_clause(error)}")


def of_mounts(mountinfo: bytes, root: bytes) -> Mode:
    """``mountinfo`` is the text of ``/proc/self/mountinfo``; ``root`` is absolute, without links."""
    top = b""
    silent: dict[bytes, str] = {}
    for line in mountinfo.splitlines():
        before, _, after_dash = line.partition(b" - ")
        words, kind = before.split(b" "), after_dash.split(b" ")[0].decode("ascii", "replace")
        if len(words) < 5:
            continue
        place = _unescaped(words[4]).rstrip(b"/")
        if root == place or root.startswith(place + b"/"):
            if len(place) >= len(top):
                top = place
                silent.pop(b"", None)
                if _is_silent(kind):
                    silent[b""] = kind
        elif place.startswith(root + b"/"):
            silent.pop(place, None)  # what is mounted later hides what is below
            if _is_silent(kind):
                silent[place] = kind
    for place, kind in sorted(silent.items()):
        which = os.fsdecode(place) if place else "the project"
        return Mode(why=f"{which} is on a file system that does not tell of all changes ({kind})")
    return EVENTS


def _is_silent(kind: str) -> bool:
    return kind in _SILENT or kind.startswith("fuse.")


def _unescaped(path: bytes) -> bytes:
    for character in b" \t\n\\":
        path = path.replace(b"\\%03o" % character, bytes([character]))
    return path


def _limit(name: str, of_what: str, usual: int) -> Mode:
    try:
        now = int((_LIMITS / name).read_text())
    except (OSError, ValueError):
        now = 0
    setting = f"fs.inotify.{name}={max(usual, 2 * now)}"
    few = f"only {now} " if now else "no more "
    why = f"Linux allows you {few}{of_what}, all programs together"
    need = Need(
        key=f"watch-{name}",
        what=f"Changes are looked for now and then instead of noticed at once: {why}.",
        how=f"Raise it with `sudo sysctl {setting}`, and for good with "
        f"`echo {setting} | sudo tee /etc/sysctl.d/60-hybrid.conf`.",
    )
    return Mode(why=why, need=need)


def _can_open() -> bool:
    """Whether this process may open one more file."""
    try:
        os.close(os.open(os.curdir, os.O_RDONLY))
    except OSError:
        return False
    return True


def _clause(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return f"{type(error).__name__}: {error}"
