"""The programs that are compared, each as its user would call it: hybrid, and what they have in common.

All of them reach the same SSH server over the same line with the same key, and none shares a connection with another.
"""

import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from bench import trees
from bench.command import LIMIT_S, Failed, Ran, run
from bench.goals import CASES, HYBRID, SSH
from bench.link import Link
from tests.support.laptop import Laptop
from tests.support.sshd import Sshd

HOST = "bench"
"""What the server is called in the peers' configuration of ssh."""
MODEL = "model.bin"
_WAIT_S = 300.0


@dataclass(frozen=True)
class Site:
    """Where a peer works: ``home`` is its own folder here, ``there`` its own on the server; both are new and empty."""

    home: Path
    there: Path
    server: Sshd
    link: Link

    @property
    def ssh_config(self) -> Path:
        """A configuration of ssh that knows the server as ``HOST``."""
        path = self.home / "ssh_config"
        settings = {
            "HostName": "127.0.0.1",
            "Port": self.link.port,
            "User": self.server.user,
            "IdentityFile": self.server.key,
            "IdentitiesOnly": "yes",
            "UserKnownHostsFile": self.known_hosts,
            "GlobalKnownHostsFile": "none",
            "StrictHostKeyChecking": "yes",
            "BatchMode": "yes",
            "ControlMaster": "no",
            "ControlPath": "none",
        }
        path.write_text(f"Host {HOST}\n" + "".join(f"  {key} {value}\n" for key, value in settings.items()))
        return path

    @property
    def known_hosts(self) -> Path:
        """A file with the server's host keys under the port of the line."""
        path = self.home / "known_hosts"
        lines = [
            line.replace(f":{self.server.port} ", f":{self.link.port} ", 1)
            for line in self.server.host_key_lines()
        ]
        path.write_text("".join(f"{line}\n" for line in lines))
        path.chmod(0o600)
        return path


class Peer(Protocol):
    """One program with one tree here and one place there. Only ``push`` and ``pull`` are timed.

    cases   the names of the cases that it takes part in
    needs   programs that must be installed
    files   takes part with at most so many files, and its numbers are scaled
    tree    the folder to push; what is in it besides the program's own settings is the case's
    there   what it keeps on the server
    pulled  the folder that a pull fills
    """

    name: str
    cases: frozenset[str]
    needs: tuple[str, ...]
    files: int | None
    tree: Path
    there: Path

    @property
    def pulled(self) -> Path: ...

    def prepare(self) -> None:
        """Whatever its user does once, when the tree is there and before the first push."""

    def push(self, kill_when: Callable[[], bool] | None = None) -> Ran:
        """Brings the tree's state there. With ``kill_when``: is killed in the middle of it."""

    def make_outputs(self, count: int, size: int) -> None:
        """Makes so many small files there, to be pulled."""

    def make_model(self, mebibytes: int) -> None:
        """Makes one big file there, to be pulled."""

    def change_model(self) -> None:
        """Changes a tenth of it."""

    def pull(self) -> Ran: ...

    def close(self) -> None:
        """Ends what it has started on the server."""


class Hybrid:
    name = HYBRID
    needs: tuple[str, ...] = ()
    files: int | None = None
    cases = frozenset(case.name for case in CASES) - {SSH}

    def __init__(self, site: Site) -> None:
        self.site = site
        self._laptop = Laptop(site.home / "laptop")
        self.tree = self._laptop.project
        self.there = site.there
        self._signals = site.home / "signals"
        self._run = ""
        address = f"{site.server.user}@127.0.0.1:{site.link.port}"
        keys = f'identity = "{site.server.key}"\nknown_hosts = "{site.known_hosts}"\n'
        self._folder = f"folder:{site.home}/mailbox"
        self._laptop.write(
            "hybrid.toml",
            f'[project]\nid = "bench"\n\n[remote]\nurl = "sftp://{address}{site.there}/mailbox"\n{keys}\n'
            f'[machines.box]\nhost = "{address}"\npython = "{sys.executable}"\nwork_dir = "{site.home}/work"\n{keys}',
        )

    @property
    def pulled(self) -> Path:
        return self.tree / "outputs" / self._run

    def use_folder(self) -> None:
        """Makes the mailbox a folder of this machine, so that only hybrid itself takes time."""
        self._laptop.write("hybrid.toml", f'[project]\nid = "bench"\n\n[remote]\nurl = "{self._folder}"\n')

    def call(self, *words: str, kill_when: Callable[[], bool] | None = None) -> Ran:
        command = [sys.executable, "-m", "agent", *words]
        return run(command, env=self._laptop.env, cwd=self.tree, kill_when=kill_when)

    def prepare(self) -> None:
        pass

    def push(self, kill_when: Callable[[], bool] | None = None) -> Ran:
        return self.call("push", "--no-progress", "--json", kill_when=kill_when)

    def make_outputs(self, count: int, size: int) -> None:
        self._start("small", str(count), str(size), wait=True)

    def make_model(self, mebibytes: int) -> None:
        """A run that goes on: what it has written so far is published, and shown by every pull."""
        self._signals.mkdir()
        self._start("big", str(mebibytes), str(self._signals))
        self._published_after("made")

    def change_model(self) -> None:
        (self._signals / "change").touch()
        self._published_after("changed")

    def pull(self) -> Ran:
        return self.call("pull", self._run, "--no-progress", "--json")

    def close(self) -> None:
        if self._run and self._signals.exists():
            (self._signals / "end").touch()
        if self._run:
            self.call("down")

    def _start(self, *words: str, wait: bool = False) -> None:
        shutil.copy(trees.__file__, self.tree / "produce.py")
        python = [sys.executable, "produce.py", *words]
        told = self._laptop.hybrid("run", "--on", "ssh:box", "--json", "--", *python).json
        self._run = told["run"]
        if wait:
            self._laptop.until(self._run, "done", limit=LIMIT_S)

    def _published_after(self, signal: str) -> None:
        """Waits until the run's outputs are published as they have been since ``signal``."""
        until = time.monotonic() + _WAIT_S
        while time.monotonic() < until:
            if (self._signals / signal).exists():
                since = (self._signals / signal).stat().st_mtime_ns
                found = (self.there / "mailbox").glob(f"*/runs/{self._run}/*.out-*.snap")
                if any(each.stat().st_mtime_ns > since for each in found):
                    return
            time.sleep(0.2)
        raise Failed(f"the run's outputs were not published within {_WAIT_S:g} s")
