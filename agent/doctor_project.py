"""Checks of a project on this machine: its state folder, disk and clock, and what its next push would do."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from sync.changes import refuse_mass_deletion
from sync.clock import Clock
from sync.errors import ConfirmationNeeded, HybridError, Locked
from sync.local.include import include_line
from sync.progress import Silent

from . import pushing
from .config import FILE_NAME
from .console import path_text
from .doctor import Finding, fail, failed, ok, warn
from .project import Project
from .sizes import count, size

LITTLE = 1_000_000_000
"""Bytes of free disk below which it is worth a word; a tenth of it is too little."""
_NEW_YEAR_2025 = 1_735_689_600
_APART_S = 120


def examine(project: Project, clock: Clock) -> Iterator[Finding]:
    writable = state(project)
    yield writable
    yield disk(project.root, shutil.disk_usage(project.root).free)
    if writable.status.value == "ok":
        yield clocks(clock.wall(), _file_time(project.state_dir))
    if project.config.remote.url is None:
        fix = f'write under [remote] in {FILE_NAME}: url = "folder:/path" or "sftp://user@host/path".'
        yield fail("mailbox", f"{FILE_NAME} does not say where it is", fix)
    elif writable.status.value == "ok":
        yield push(project, clock)


def state(project: Project) -> Finding:
    try:
        folder = project.state_dir
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(b"doctor")
            probe.flush()
    except HybridError as error:
        return failed("state", error)
    except OSError as error:
        return fail(
            "state", f"{project.root}: {error.strerror}", "see who owns the folder, and its free space."
        )
    return ok("state", str(folder))


def disk(folder: Path, free: int) -> Finding:
    """``free`` bytes are left for ``folder``."""
    fix = "make room: results are laid out there before they replace anything."
    if free < LITTLE / 10:
        return fail("disk", f"only {size(free)} are free at {folder}", fix)
    if free < LITTLE:
        return warn("disk", f"only {size(free)} are free at {folder}", fix)
    return ok("disk", f"{size(free)} free")


def clocks(wall: float, file: float) -> Finding:
    """``wall`` is what this machine believes, ``file`` the time that its disk gave a file just now; epoch seconds."""
    if wall < _NEW_YEAR_2025:
        return fail(
            "clock", "this machine's clock is years behind", "set the clock, or let it be set by NTP."
        )
    if abs(wall - file) > _APART_S:
        what = f"the disk's clock is {abs(wall - file):.0f} s away from this machine's"
        return warn(
            "clock", what, "set the clock of the file server; until then, more files are read than changed."
        )
    return ok("clock", "in step with the disk's")


def push(project: Project, clock: Clock) -> Finding:
    """What the next push would send, and what it would hold back. Changes nothing."""
    try:
        with project.lock("push"):
            index, message = pushing.open_index(project)
            with index:
                seen = pushing.see(project, index, clock, Silent())
        refuse_mass_deletion(seen)
    except Locked as error:
        return warn("push", str(error), error.hint)
    except (ConfirmationNeeded, HybridError) as error:
        return failed("push", error)
    held = [each for each in seen.scan.held_back if not each.junk]
    changed = f"{count(len(seen.changed), 'file')} to send" if not seen.nothing_to_do else "nothing to send"
    what = f"{changed}, {count(len(held), 'path')} held back"
    if seen.scan.problems:
        first = seen.scan.problems[0]
        shown = path_text(first.path)
        skipped = f"{count(len(seen.scan.problems), 'path')} cannot go, {shown} among them: it {first.what}"
        return warn("push", f"{what}; {skipped}", "hybrid push --dry-run shows all of them.")
    if message:
        return warn("push", message, "hybrid push; it reads all files once.")
    wanted = [each.include for each in held if each.include and not each.secret][:5]
    if wanted:
        what += f"; to bring it in, under [push]: {include_line(wanted)}"
    return ok("push", what)


def _file_time(folder: Path) -> float:
    with tempfile.NamedTemporaryFile(dir=folder) as probe:
        return Path(probe.name).stat().st_mtime
