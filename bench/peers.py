"""The programs that are compared, each as its user would call it, and timed from start to exit."""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Protocol

from bench.link import Link
from tests.support.laptop import Laptop
from tests.support.sshd import Sshd

_PRODUCE = """
import os, pathlib
out = pathlib.Path(os.environ["HYBRID_OUTPUT"])
for path in pathlib.Path("small").rglob("*.txt"):
    target = out / path.relative_to("small")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(path.read_bytes()[::-1])
"""


class Peer(Protocol):
    """One program with one tree here and one place there, new for each repeat. All but ``prepare_pull`` is timed.

    tree  the folder to push
    """

    name: str
    tree: Path

    def push(self) -> int:
        """Brings the tree's state there; returns the bytes sent, as the program itself counts them."""

    def check(self) -> int | None:
        """As ``push`` where nothing has changed, but asks the other side whether it holds all of it."""

    def prepare_pull(self) -> None:
        """Puts outputs there: the files of ``small``, each with its bytes in reverse."""

    def pull(self) -> tuple[int | None, Path]:
        """Brings them here, for the first time; returns the bytes received, if it tells, and where the files are."""


class Hybrid:
    name = "hybrid"

    def __init__(self, home: Path, server: Sshd, link: Link) -> None:
        laptop = Laptop(home)
        self._laptop = laptop
        self.tree = laptop.project
        known_hosts = known_hosts_of(home, server, link)
        address = f"{server.user}@127.0.0.1:{link.port}"
        there = server.root / home.name
        keys = f'identity = "{server.key}"\nknown_hosts = "{known_hosts}"\n'
        laptop.write(
            "hybrid.toml",
            f'[project]\nid = "bench"\n\n[remote]\nurl = "sftp://{address}{there}/mailbox"\n{keys}\n'
            f'[machines.box]\nhost = "{address}"\npython = "{sys.executable}"\nwork_dir = "{there}/work"\n{keys}',
        )
        self._run = ""

    def push(self) -> int:
        done = self._laptop.hybrid("push", "--json", "--no-progress").json
        sent: int = done["sent_bytes"]
        return sent

    def check(self) -> int | None:
        self._laptop.hybrid("push", "--check", "--no-progress")
        return None

    def prepare_pull(self) -> None:
        self._laptop.write("produce.py", _PRODUCE)
        words = ["run", "--on", "ssh:box", "--wait", "--json", "--", sys.executable, "produce.py"]
        self._run = self._laptop.hybrid(*words).json["run"]
        self._laptop.hybrid("down")

    def pull(self) -> tuple[int | None, Path]:
        target = self._laptop.home / "pulled"
        self._laptop.hybrid("pull", self._run, "--into", str(target), "--no-progress")
        return None, target / self._run


class Rsync:
    """``rsync -az --delete -e ssh``: compressed, attributes kept, and the same tree there as here."""

    name = "rsync -az"

    def __init__(self, home: Path, server: Sshd, link: Link) -> None:
        self._home = home
        self.tree = home / "tree"
        self.tree.mkdir(parents=True)
        self._there = server.root / home.name
        self._there.mkdir()
        known_hosts = known_hosts_of(home, server, link)
        self._ssh = (
            f"ssh -F none -p {link.port} -i {server.key} -o IdentitiesOnly=yes -o BatchMode=yes"
            f" -o UserKnownHostsFile={known_hosts} -o GlobalKnownHostsFile=none -o StrictHostKeyChecking=yes"
        )
        self._host = f"{server.user}@127.0.0.1"

    def push(self) -> int:
        return self._call(f"{self.tree}/", f"{self._host}:{self._there}/tree/", "Total bytes sent")

    check = push

    def prepare_pull(self) -> None:
        source = self._there / "tree" / "small"
        for path in source.rglob("*.txt"):
            target = self._there / "outputs" / path.relative_to(source)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes()[::-1])

    def pull(self) -> tuple[int | None, Path]:
        target = self._home / "pulled"
        source = f"{self._host}:{self._there}/outputs/"
        return self._call(source, f"{target}/", "Total bytes received"), target

    def _call(self, source: str, target: str, wanted: str) -> int:
        done = subprocess.run(
            ["rsync", "-az", "--delete", "--stats", "-e", self._ssh, source, target],
            check=True,
            capture_output=True,
            text=True,
            env={"PATH": "/usr/bin:/bin:/usr/local/bin", "LC_ALL": "C"},
        )
        line = next(line for line in done.stdout.splitlines() if line.startswith(wanted))
        return int(line.partition(":")[2].replace(",", ""))


PEERS: tuple[type[Hybrid] | type[Rsync], ...] = (Hybrid, Rsync)


def missing() -> list[str]:
    """Peers that cannot run here, because their program is not installed."""
    return [Rsync.name] if shutil.which("rsync") is None or shutil.which("ssh") is None else []


def known_hosts_of(home: Path, server: Sshd, link: Link) -> Path:
    """A file with the server's host keys under the port at which ``link`` offers it."""
    path = home / "known_hosts"
    lines = [line.replace(f":{server.port} ", f":{link.port} ", 1) for line in server.host_key_lines()]
    path.write_text("".join(f"{line}\n" for line in lines))
    path.chmod(0o600)
    return path
