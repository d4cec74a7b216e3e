"""``ssh:HOST``: a runner on a machine reached by SSH, for a mailbox that is a folder there.

The connection serves only to start, probe and end it: the runner is a process of its own, and neither the network
nor this laptop matters to it once it runs.
"""

import shlex
from pathlib import Path
from urllib.parse import unquote, urlsplit

from sync.errors import HybridError, UsageError
from sync.mailbox import layout
from sync.ssh.connection import SshConnection
from sync.ssh.target import HostSpec, parse_host, read_config, resolve

from ..config import Config
from .process import ProcessLauncher, Ran

_LIMIT_S = 60.0
_MARK = "hybrid-home:"


class SshLauncher(ProcessLauncher):
    def __init__(
        self, connection: SshConnection, *, where: str, python: str, mailbox: str, project: str
    ) -> None:
        def archive(sha256: str) -> str:
            return f"{mailbox}/{project}/{layout.runner(sha256)}"

        super().__init__(self._over_ssh, archive, where=where, python=python, mailbox=mailbox)
        self._connection = connection

    def _over_ssh(self, argv: list[str]) -> Ran:
        done = self._connection.run(shlex.join(argv), timeout=_LIMIT_S)
        return Ran(done.rc, done.out.decode("utf-8", "replace"), done.err.decode("utf-8", "replace"))

    def close(self) -> None:
        self._connection.close()


def launcher(name: str, config: Config) -> SshLauncher:
    """``name`` is a ``[machines.NAME]`` of ``hybrid.toml`` or a host as ssh knows it.

    Raises UsageError where that machine cannot reach the mailbox as a folder, and what connecting raises.
    """
    machine = config.machines.get(name)
    spec = parse_host(machine.host if machine and machine.host else name)
    url = config.remote.url or ""
    if machine is not None:
        spec = spec.with_files(machine.identity, machine.known_hosts)
    if machine is not None and machine.mailbox:
        url = machine.mailbox
    elif url.startswith("sftp:"):
        spec = _same_host(name, spec, url, config)
    if not url.startswith(("folder:", "sftp:")) or (
        url.startswith("folder:") and not (machine and machine.mailbox)
    ):
        raise UsageError(
            f"The machine {name} does not see the mailbox {url or '(none)'}.",
            f'Say where it finds it: under [machines.{name}], mailbox = "folder:/path/there"; or let the mailbox be'
            f" sftp://{name}/path.",
        )
    connection = SshConnection.open(spec)
    try:
        folder = _folder(connection, url)
    except BaseException:
        connection.close()
        raise
    python = machine.python if machine else "python3"
    return SshLauncher(connection, where=name, python=python, mailbox=folder, project=config.project.id)


def _same_host(name: str, spec: HostSpec, url: str, config: Config) -> HostSpec:
    """The mailbox's own way to reach the host, where that is the machine named; it may say more than the name."""
    parts = urlsplit(url)
    mailbox = HostSpec(
        host=parts.hostname or "", user=parts.username and unquote(parts.username), port=parts.port
    ).with_files(config.remote.identity, config.remote.known_hosts)
    if spec.host == mailbox.host and spec.port in (None, mailbox.port) and spec.user in (None, mailbox.user):
        return mailbox
    ssh_config = read_config(Path.home())
    here, there = (resolve(each, ssh_config, Path.home()) for each in (spec, mailbox))
    if (here.host, here.port) == (there.host, there.port):
        return spec
    raise UsageError(
        f"The mailbox {url} is on another machine than {name}.",
        f'Say how {name} finds it: under [machines.{name}], mailbox = "folder:/path/there".',
    )


def _folder(connection: SshConnection, url: str) -> str:
    """The mailbox's folder as a path of that machine."""
    path = url.removeprefix("folder:") if url.startswith("folder:") else unquote(urlsplit(url).path)
    if path.startswith("/"):
        path = "/" + path.strip("/")  # however many there are, they mean the same to SFTP
        path = path.removeprefix("/") if f"{path}/".startswith("/~/") else path
    path = "~/" if path == "~" else path
    if path.startswith("~/"):
        said = connection.run(f"cd && printf '\\n{_MARK}%s\\n' \"$PWD\"", timeout=_LIMIT_S).out.decode(
            "utf-8", "replace"
        )
        # A login shell may print whatever its owner likes before and after.
        homes = [line.removeprefix(_MARK) for line in said.splitlines() if line.startswith(_MARK)]
        if not homes:
            raise HybridError(
                f"The login shell of {connection.target.where} does not say where its home folder is.",
                "Write the mailbox's path from the root, as in sftp://host/home/me/mailbox.",
            )
        return f"{homes[-1]}/{path[2:]}".rstrip("/")
    return path.rstrip("/")
