"""A real OpenSSH server as a child process on a free loopback port, for one test or one module.

It lets in the user who runs the tests, with a key made for it, and nobody else.
"""

import getpass
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

_PATIENCE_S = 30.0


def system_tool(name: str) -> str:
    """The path of a program of the system; skips the test where it is missing, or fails it where it must not be."""
    found = shutil.which(name, path=os.environ.get("PATH", "") + os.pathsep + "/usr/sbin:/usr/local/sbin")
    if found:
        return found
    reason = f"{name} is not installed here"
    if os.environ.get("HYBRID_REQUIRE_SYSTEM") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


def make_key(path: Path, kind: str = "ed25519", passphrase: str = "") -> Path:
    """A private key at ``path`` and its public key beside it."""
    subprocess.run(
        [system_tool("ssh-keygen"), "-q", "-t", kind, "-N", passphrase, "-C", path.name, "-f", str(path)],
        check=True,
        stdin=subprocess.DEVNULL,
    )
    return path


class Sshd:
    """port, user       where it listens and whom it lets in
    key              the private key that it accepts
    known_hosts      a file that holds its host keys under ``[127.0.0.1]:port``
    root             an empty folder for mailboxes
    """

    def __init__(
        self, folder: Path, settings: tuple[str, ...] = (), host_keys: tuple[str, ...] = ("ed25519",)
    ) -> None:
        self._program = system_tool("sshd")
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # privilege separation insists on it
        self.user = getpass.getuser()
        self.port = _free_port()
        self.root = folder / "root"
        self.root.mkdir()
        self.key = make_key(folder / "client_key")
        self.known_hosts = folder / "known_hosts"
        self._host_keys = [make_key(folder / f"host_{kind}", kind) for kind in host_keys]
        self.authorized_keys = folder / "authorized_keys"
        self.authorized_keys.write_text(Path(f"{self.key}.pub").read_text())
        self.known_hosts.write_text("".join(f"{line}\n" for line in self.host_key_lines()))
        self.known_hosts.chmod(0o600)
        lines = [
            f"Port {self.port}",
            "ListenAddress 127.0.0.1",
            *(f"HostKey {key}" for key in self._host_keys),
            f"AuthorizedKeysFile {self.authorized_keys}",
            f"PidFile {folder / 'sshd.pid'}",
            "UsePAM no",
            "StrictModes no",
            "PasswordAuthentication no",
            "KbdInteractiveAuthentication no",
            "PermitRootLogin prohibit-password",
            "UseDNS no",
            "PrintMotd no",
            "MaxStartups 100:30:200",
            "MaxSessions 100",
            "AllowTcpForwarding yes",
        ]
        given = {setting.split()[0] for setting in settings}
        lines = [*settings, *(line for line in lines if line.split()[0] not in given)]
        if "Subsystem" not in given:
            lines.append("Subsystem sftp internal-sftp")
        self._config = folder / "sshd_config"
        self._config.write_text("\n".join(lines) + "\n")
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"sftp://{self.user}@127.0.0.1:{self.port}{self.root}"

    def host_key_lines(self, port: int | None = None) -> list[str]:
        """Its lines in a ``known_hosts`` file; ``port`` where it is reached by another than its own."""
        publics = [Path(f"{key}.pub").read_text().split()[:2] for key in self._host_keys]
        return [f"[127.0.0.1]:{port or self.port} {kind} {blob}" for kind, blob in publics]

    def start(self) -> None:
        with (self._folder / "sshd.log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._program, "-D", "-e", "-f", str(self._config)], stdin=subprocess.DEVNULL, stderr=log
            )
        deadline = time.monotonic() + _PATIENCE_S
        while time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                if self._process.poll() is not None:
                    break
                time.sleep(0.05)
        log_text = (self._folder / "sshd.log").read_text()
        self.stop()
        raise RuntimeError(f"sshd did not start: {log_text}")

    def stop(self) -> None:
        """Ends the listener. Connections that are open stay."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(10)
            self._process = None

    def drop_connections(self) -> None:
        """Kills the processes that serve open connections; the listener goes on."""
        for pid in self.processes()[1:]:
            with suppress(ProcessLookupError):  # it may end by itself meanwhile
                os.kill(pid, 9)

    def processes(self) -> list[int]:
        """The listener, and those that serve open connections; none where it was not started."""
        return [self._process.pid, *_children(self._process.pid)] if self._process else []

    def restart(self) -> None:
        self.drop_connections()
        self.stop()
        self.start()


@contextmanager
def running_sshd(folder: Path, *settings: str, host_keys: tuple[str, ...] = ("ed25519",)) -> Iterator[Sshd]:
    """``settings`` are lines of sshd_config that win over the usual ones."""
    server = Sshd(folder, settings, host_keys)
    server.start()
    try:
        yield server
    finally:
        try:
            server.drop_connections()
        finally:
            server.stop()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _children(parent: int) -> list[int]:
    """Its descendants, the nearest first."""
    listing = subprocess.run(
        [system_tool("ps"), "-A", "-o", "pid=,ppid="], check=True, capture_output=True, text=True
    )
    pairs = [(int(pid), int(ppid)) for pid, ppid in (line.split() for line in listing.stdout.splitlines())]
    found, wanted = [], [parent]
    while wanted:
        nearest = [pid for pid, ppid in pairs if ppid in wanted]
        found += nearest
        wanted = nearest
    return found
