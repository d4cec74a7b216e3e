"""Checks of the mailbox: whether it can be reached, its format, and whether it keeps a remote's promises."""

import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

from sync.clock import Clock
from sync.errors import HybridError, NotFound
from sync.leftovers import PROBE, probe_folder
from sync.mailbox.opening import open_mailbox
from sync.remotes.base import Remote

from .doctor_findings import Examiner, Finding, Status, fail, failed, ok, warn
from .doctor_machine import APART_S, disk
from .mailbox import opened
from .project import Project

_LIMIT_S = 60.0


def examine(project: Project, clock: Clock, examiner: Examiner) -> Iterator[Finding]:
    def look() -> Iterator[Finding]:
        with opened(project, clock) as mailbox:
            found = reach(mailbox.remote, mailbox.base)
            yield found
            if found.status is not Status.OK:
                return
            there = project.config.project.id in mailbox.remote.list_folders("")
            name = probe_folder(mailbox.laptop, secrets.token_hex(8))
            folder = f"{mailbox.base}/{name}" if there else name
            yield from promises(mailbox.remote, folder, clock)

    yield from examiner.make("mailbox", look, _LIMIT_S)


def reach(remote: Remote, base: str) -> Finding:
    folder = remote.capabilities.local_path
    if folder is not None and os.path.exists(folder) and not os.path.isdir(folder):
        return fail("mailbox", f"{folder} is no folder", "Move it away, or choose another folder.")
    if folder is not None and not os.path.exists(folder):
        what = f"{folder} is not there yet; the first push makes it"
        return warn("mailbox", what, "If it is a mounted disk, mount it first.")
    try:
        found = open_mailbox(remote, base)
    except NotFound:
        return ok("mailbox", f"{remote.url} can be reached; the first push makes this project's part of it")
    except HybridError as error:
        return failed("mailbox", error)
    return ok("mailbox", f"{remote.url}, format {found.version}")


def promises(remote: Remote, folder: str, clock: Clock) -> Iterator[Finding]:
    """Writes, reads, lists and deletes in ``folder``, which is new and is removed again; by ``gc``, where we are ended before."""
    path = f"{folder}/{PROBE}"
    try:
        remote.make_folders([folder])
        try:
            yield _promises(remote, folder, path, clock)
            yield from _here(remote, folder, clock)
        finally:
            remote.delete_folder(folder)
    except HybridError as error:
        yield failed("write once", error)


def _here(remote: Remote, folder: str, clock: Clock) -> Iterator[Finding]:
    """What this machine can tell of a mailbox that it sees as a directory: another machine may keep that."""
    local = remote.capabilities.local_path
    if local is None:
        return
    yield disk("disk mailbox", local, shutil.disk_usage(local).free)
    made = Path(local, *folder.split("/")).stat().st_mtime
    if abs(made - clock.wall()) > APART_S:
        what = f"the clock of its disk is {abs(made - clock.wall()):.0f} s away from this machine's"
        yield warn(
            "clock mailbox", what, "Let NTP set both; hybrid compares no clocks, but your programs may."
        )


def _promises(remote: Remote, folder: str, path: str, clock: Clock) -> Finding:
    content = secrets.token_bytes(100_000)
    started = clock.monotonic()
    written = remote.write(path, content)
    took = clock.monotonic() - started
    broken = ""
    if not written:
        broken = "it takes a new name for one that is there"
    elif remote.read(path) != content:
        broken = "it gives back something else than it was given"
    elif remote.write(path, b"other") or remote.read(path) != content:
        broken = "it lets a file be overwritten"
    else:
        clock.sleep(remote.capabilities.settle_s)
        if [file.size for file in remote.list_files(folder)] != [len(content)]:
            broken = f"it does not list a file {remote.capabilities.settle_s:g} s after it was written"
        remote.delete(path)
    if broken:
        fix = "Do not use it: results could be lost; choose another folder or host."
        return fail("write once", f"{remote.url} breaks a promise: {broken}", fix)
    return ok("write once", f"a file is written in {took * 1000:.0f} ms and never overwritten")
