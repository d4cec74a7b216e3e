"""What tests of SSH say about it: the configuration, and whom it trusts."""

from pathlib import Path

import pytest

from sync.errors import Unauthorised
from sync.ssh.connection import SshConnection
from sync.ssh.target import HostSpec
from tests.support.sshd import Sshd


def says(spec: HostSpec) -> bytes:
    """What the host says when it is asked to say hello."""
    connection = SshConnection.open(spec)
    try:
        return connection.run("echo hello").out
    finally:
        connection.close()


def refused(spec: HostSpec) -> Unauthorised:
    """Why it did not let us in, or we did not go."""
    with pytest.raises(Unauthorised) as caught:
        SshConnection.open(spec)
    return caught.value


def configure(home: Path, text: str) -> None:
    """``text`` is the user's configuration."""
    (home / ".ssh" / "config").write_text(text)


def trust(home: Path, *servers: Sshd) -> None:
    """The user knows the keys of those servers, and no others."""
    (home / ".ssh" / "known_hosts").write_text(
        "".join(f"{line}\n" for server in servers for line in server.host_key_lines())
    )


def block(alias: str, server: Sshd, *more: str) -> str:
    """What a configuration says about ``server`` under the name ``alias``."""
    lines = ["HostName 127.0.0.1", f"Port {server.port}", f"User {server.user}", *more]
    return f"Host {alias}\n" + "".join(f"  {line}\n" for line in lines)
