"""Checks of the mailbox: the way there, its format, and whether it keeps a remote's promises."""

import os
import secrets
import shlex
from collections.abc import Iterator
from urllib.parse import unquote, urlsplit

from sync.clock import Clock
from sync.errors import HybridError, NotFound
from sync.mailbox.opening import open_mailbox
from sync.remotes.base import Remote
from sync.ssh_target import HostSpec, parse_host

from .doctor import Finding, Status, fail, failed, ok, warn
from .mailbox import opened
from .project import Project

_VERSION = "import sys; print('hybrid', *sys.version_info[:2])"


def examine(project: Project, clock: Clock) -> Iterator[Finding]:
    for name, spec, python in hosts(project):
        found = list(login(name, spec, python))
        yield from found
        if name == "mailbox" and found[0].status is Status.FAIL:
            return
    try:
        with opened(project, clock) as mailbox:
            found = [reach(mailbox.remote, mailbox.base)]
            if found[0].status is Status.OK:
                there = project.config.project.id in mailbox.remote.list_folders("")
                folder = f"{mailbox.base if there else ''}/doctor-{secrets.token_hex(8)}".lstrip("/")
                found.append(promises(mailbox.remote, folder, clock))
    except HybridError as error:
        found = [failed("mailbox", error)]
    yield from found


def hosts(project: Project) -> list[tuple[str, HostSpec, str]]:
    """The hosts that the project names: what for, how to reach it, and the Python of its runner."""
    found = []
    settings = project.config.remote
    url = project.remote_url
    if url.startswith("sftp:"):
        spec = parse_host(unquote(urlsplit(url).netloc))
        found.append(("mailbox", spec.with_files(settings.identity, settings.known_hosts), ""))
    for name, machine in project.config.machines.items():
        spec = parse_host(machine.host).with_files(machine.identity, machine.known_hosts)
        found.append((name, spec, machine.python))
    if len(found) == 1 and found[0][0] == "mailbox":
        found = [("mailbox", found[0][1], "python3")]
    return found


def login(name: str, spec: HostSpec, python: str) -> Iterator[Finding]:
    """Host key and login; then, where ``python`` is named, whether the runner could start with it there."""
    from sync.ssh import SshConnection

    try:
        connection = SshConnection.open(spec)
    except HybridError as error:
        yield failed(f"ssh {name}", error)
        return
    try:
        yield ok(f"ssh {name}", f"logged in at {spec.address}, whose host key is known")
        if python:
            yield _python_there(
                name, connection.run(f"{shlex.quote(python)} -I -c {shlex.quote(_VERSION)}").out, python
            )
    except HybridError as error:
        yield failed(f"python {name}", error)
    finally:
        connection.close()


def reach(remote: Remote, base: str) -> Finding:
    folder = remote.capabilities.local_path
    if folder is not None and os.path.exists(folder) and not os.path.isdir(folder):
        return fail("mailbox", f"{folder} is no folder", "move it away, or choose another folder.")
    if folder is not None and not os.path.exists(folder):
        what = f"{folder} is not there yet; the first push makes it"
        return warn("mailbox", what, "if it is a mounted disk, mount it first.")
    try:
        found = open_mailbox(remote, base)
    except NotFound:
        return ok("mailbox", f"{remote.url} can be reached; the first push makes this project's part of it")
    except HybridError as error:
        return failed("mailbox", error)
    return ok("mailbox", f"{remote.url}, format {found.version}")


def promises(remote: Remote, folder: str, clock: Clock) -> Finding:
    """Writes, reads, lists and deletes in ``folder``, which is new and is removed again whatever happens."""
    path = f"{folder}/probe"
    try:
        remote.make_folders([folder])
        try:
            return _promises(remote, folder, path, clock)
        finally:
            remote.delete_folder(folder)
    except HybridError as error:
        return failed("write once", error)


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
        fix = "do not use it: results could be lost; choose another folder or host."
        return fail("write once", f"{remote.url} breaks a promise: {broken}", fix)
    return ok("write once", f"a file is written in {took * 1000:.0f} ms and never overwritten")


def _python_there(name: str, answer: bytes, python: str) -> Finding:
    words = answer.decode("utf-8", "replace").strip().rpartition("\n")[2].split()
    fix = f'name one of 3.10 or newer: python = "/path/to/python3" under [machines.{"NAME" if name == "mailbox" else name}].'
    if len(words) != 3 or words[0] != "hybrid" or not all(word.isdecimal() for word in words[1:]):
        return fail(f"python {name}", f"{python} does not start there", fix)
    version = (int(words[1]), int(words[2]))
    if version < (3, 10):
        return fail(f"python {name}", f"{python} is Python {version[0]}.{version[1]} there", fix)
    return ok(f"python {name}", f"{python} is Python {version[0]}.{version[1]} there")
