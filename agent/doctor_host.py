"""Checks of the machines that a project names: the way there by SSH, and whether a runner would start there."""

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

from sync.clock import Clock
from sync.errors import Unauthorised

from .doctor_findings import Examiner, Finding, Status, fail, failed, ok
from .doctor_machine import disk
from .doctor_there import findings, question
from .project import Project

if TYPE_CHECKING:
    from sync.ssh.connection import SshConnection

_LOGIN_S = 75.0  # as long as a command would wait: a hardware key may ask its owner
_THERE_S = 60.0


@dataclass(frozen=True, kw_only=True)
class Host:
    """name                   what the project calls it; ``mailbox`` for the machine that the mailbox is on
    address                as it was written: ``user@host:port``, or an alias of ssh's configuration
    identity, known_hosts  the files that were named
    python                 of its runner; empty where none is started there
    work                   the runner's scratch folder there; empty for its default
    folder                 the mailbox's folder there; empty where it is not there
    """

    name: str
    address: str
    identity: Path | None = None
    known_hosts: Path | None = None
    python: str = ""
    work: str = ""
    folder: str = ""

    @property
    def is_mailbox(self) -> bool:
        return bool(self.folder)


def hosts(project: Project) -> list[Host]:
    """The machines that the project names, that of the mailbox first. Without others, runners start there."""
    scheme, _, rest = project.remote_url.partition(":")
    address, slash, path = rest.removeprefix("//").partition("/")
    found = [
        Host(
            name=name,
            address=machine.host or name,
            identity=machine.identity,
            known_hosts=machine.known_hosts,
            python=machine.python,
            work=machine.work_dir or "",
        )
        for name, machine in project.config.machines.items()
    ]
    settings = project.config.remote
    if scheme == "sftp" and address:  # else opening the mailbox says what is wrong with it
        mailbox = Host(
            name="mailbox",
            address=unquote(address),
            identity=settings.identity,
            known_hosts=settings.known_hosts,
            python="" if found else "python3",
            folder=unquote(slash + path),
        )
        found.insert(0, mailbox)
    return found


def examine(host: Host, clock: Clock, examiner: Examiner) -> Generator[Finding, None, bool]:
    """Returns whether one can log in there, and get at the mailbox where that is the machine it is on."""
    connections: list[SshConnection] = []
    yield from examiner.make(f"ssh {host.name}", lambda: login(host, connections), _LOGIN_S)
    if not connections:
        return False
    connection = connections[0]
    try:
        reached = True
        if host.folder:
            found = examiner.make(f"sftp {host.name}", lambda: files(host, connection))
            yield from found
            reached = found[0].status is not Status.FAIL
        if host.python:
            yield from examiner.make(f"python {host.name}", lambda: runner(host, connection, clock), _THERE_S)
        return reached
    finally:
        connection.close()


def login(host: Host, opened: "list[SshConnection]") -> Iterator[Finding]:
    """The way there, the host's key, and our own; the connection is put into ``opened``, and the caller's to close."""
    from sync.ssh.connection import SshConnection
    from sync.ssh.target import parse_host

    name = host.name
    spec = parse_host(host.address).with_files(host.identity, host.known_hosts)
    there = ok(f"ssh {name}", f"an SSH server answers at {spec.address}")
    known = ok(f"host key {name}", "is the one in known_hosts")
    try:
        connection = SshConnection.open(spec)
    except Unauthorised as error:
        yield there
        if str(error).startswith("The host key"):
            yield failed(known.name, error)
        else:
            yield known
            yield failed(f"login {name}", error)
        return
    opened.append(connection)
    yield there
    yield known
    yield ok(f"login {name}", f"as {connection.target.user}")


def files(host: Host, connection: "SshConnection") -> Iterator[Finding]:
    """Whether the host gives files by SFTP, and room for more."""
    name = f"sftp {host.name}"
    session = connection.open_sftp()
    try:
        folder = host.folder.removeprefix("/~/") if host.folder.startswith("/~/") else host.folder
        space = session.space(folder) or session.space(".")
    finally:
        session.close()
    if space is None:
        yield ok(name, "files are served; how much room there is cannot be told")
    elif not space.writable:
        what = f"{folder} is on a disk that is mounted for reading only"
        yield fail(name, what, "Mount it for writing, or choose another folder.")
    else:
        yield disk(name, f"{folder} on {host.address}", space.free)


def runner(host: Host, connection: "SshConnection", clock: Clock) -> Iterator[Finding]:
    command, archive = question(host.python, host.work)
    done = connection.run(command, archive, timeout=_THERE_S)
    yield from findings(host.name, host.python, done.out, done.err, clock.wall(), is_mailbox=host.is_mailbox)
