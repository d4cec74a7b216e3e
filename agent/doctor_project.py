"""Checks of a project on this machine: its state folder, disk and clock, and what its next push would do."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from sync.clock import Clock
from sync.errors import HybridError, Locked
from sync.local.include import include_line
from sync.local.index import Index
from sync.push.changes import Look, refuse_mass_deletion

from . import pushing
from .config import FILE_NAME
from .console import path_text
from .doctor_database import away, copied, database
from .doctor_findings import Examiner, Finding, Status, fail, ok, warn
from .doctor_machine import APART_S, disk
from .project import Project
from .sizes import count
from .state import FILE_NAME as STATE_FILE
from .unmatched import line, unmatched

INOTIFY = Path("/proc/sys/fs/inotify")
FEW_FILES = 20_000
_NEW_YEAR_2025 = 1_735_689_600
_PUSH_S = 120.0  # half a million files on a cold disk


def examine(project: Project, clock: Clock, examiner: Examiner) -> Iterator[Finding]:
    found = examiner.make("state", lambda: state(project))
    if found[0].status is Status.OK:
        found += examiner.make("database", lambda: database(project.state_dir / STATE_FILE))
    yield from found
    yield from examiner.make("disk", lambda: room(project.root))
    usable = all(each.status is Status.OK for each in found)
    if usable:
        yield from examiner.make("clock", lambda: [clocks(clock.wall(), _file_time(project.state_dir))])
    if project.config.remote.url is None:
        fix = f'Write under [remote] in {FILE_NAME}: url = "folder:/path" or "sftp://user@host/path".'
        yield fail("mailbox", f"{FILE_NAME} does not say where it is", fix)
    elif usable:
        yield from examiner.make("push", lambda: push(project, clock), _PUSH_S)


def state(project: Project) -> Iterator[Finding]:
    """Whether ``.hybrid`` can be written."""
    folder = project.state_dir
    with tempfile.TemporaryFile(dir=folder) as probe:
        probe.write(b"doctor" * 1000)
        probe.flush()
    yield ok("state", str(folder))


def room(folder: Path) -> Iterator[Finding]:
    """Whether the disk of ``folder`` has room, for bytes and for files."""
    yield disk("disk", str(folder), shutil.disk_usage(folder).free)
    if hasattr(os, "statvfs"):
        found = os.statvfs(folder)
        # Some file systems make room for files as they go, and say that they have none in all.
        if found.f_files and found.f_favail < FEW_FILES:
            what = f"the disk of {folder} takes only {found.f_favail:,} files more, however small"
            yield warn("files", what, "Remove files that nobody needs, such as old caches, from that disk.")


def clocks(wall: float, file: float) -> Finding:
    """``wall`` is what this machine believes, ``file`` the time that its disk gave a file just now; epoch seconds."""
    if wall < _NEW_YEAR_2025:
        return fail(
            "clock", "this machine's clock is years behind", "Set the clock, or let it be set by NTP."
        )
    if abs(wall - file) > APART_S:
        what = f"the disk's clock is {abs(wall - file):.0f} s away from this machine's"
        return warn(
            "clock", what, "Set the clock of the file server; until then, more files are read than changed."
        )
    return ok("clock", "in step with the disk's")


def push(project: Project, clock: Clock) -> Iterator[Finding]:
    """What the next push would send, and what it would hold back. Changes nothing: it looks at a copy of the database."""
    path = project.state_dir / STATE_FILE
    try:
        with project.lock("push"), copied(path) as copy:
            try:
                index, _ = Index.open(copy)
                with index:
                    view = pushing.view(project, clock)
                    seen = view.look(index)
                    idle = unmatched(view.rules, index, seen)
            except HybridError:
                if copy.exists():
                    raise
                # Set aside: what is wrong with a row shows only where it is read.
                yield fail("push", f"{path} is damaged", away(path))
                return
        refuse_mass_deletion(seen)
    except Locked as error:
        yield warn("push", str(error), error.hint)
        return
    for pattern in idle:
        yield warn("push", line(pattern), f"Correct or remove it in {FILE_NAME}.")
    yield _held_back(seen)
    yield from watching(seen.folders, INOTIFY)


def watching(folders: int, inotify: Path) -> Iterator[Finding]:
    """Whether all ``folders`` of the project can be watched; ``inotify`` holds the system's limits, as Linux has them."""
    try:
        limit = int((inotify / "max_user_watches").read_text(encoding="ascii"))
    except (FileNotFoundError, ValueError):
        return  # a system of another kind, without such a limit
    if folders > limit / 2:
        what = f"this system lets a user watch {limit:,} folders in all, and the project has {folders:,}"
        fix = f"sudo sysctl fs.inotify.max_user_watches={max(524_288, 4 * folders)}; until then, editors miss changes."
        yield warn("watching", what, fix)
    else:
        yield ok("watching", f"{count(folders, 'folder')} of {limit:,} that may be watched")


def _held_back(seen: Look) -> Finding:
    held = [each for each in seen.held_back if not each.junk]
    changed = f"{count(len(seen.changed), 'file')} to send" if not seen.nothing_to_do else "nothing to send"
    what = f"{changed}, {count(len(held), 'path')} held back"
    if seen.problems:
        first = seen.problems[0]
        shown = path_text(first.path)
        skipped = f"{count(len(seen.problems), 'path')} cannot go, {shown} among them: it {first.what}"
        return warn("push", f"{what}; {skipped}", "hybrid push --dry-run shows all of them.")
    wanted = [each.include for each in held if each.include and not each.secret][:5]
    if wanted:
        what += f"; to bring it in, under [push]: {include_line(wanted)}"
    return ok("push", what)


def _file_time(folder: Path) -> float:
    with tempfile.NamedTemporaryFile(dir=folder) as probe:
        return Path(probe.name).stat().st_mtime
