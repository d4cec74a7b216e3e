"""The programs that hybrid is compared with, and the limits: commands that do less than any of them must."""

import os
from collections.abc import Callable
from pathlib import Path

from bench import trees
from bench.command import Ran, run
from bench.goals import GIT_STATUS, RCLONE, RESTIC, RSYNC, SSH, SSH_TRUE, TAR, UNISON
from bench.peers import HOST, MODEL, Site

_LIMIT_S = 300.0
"""Whoever needs longer for one command is told to have needed longer than that."""
_FIRST = frozenset({"cold-small", "pull-small"})
_MANY = frozenset({"cold-many", "noop", "edit"})
_BIG = frozenset({"head", "rename"})


class Other:
    """What these have in common: a plain tree here, and plain files there."""

    name: str
    cases: frozenset[str]
    needs: tuple[str, ...] = ()
    files: int | None = None

    def __init__(self, site: Site) -> None:
        self.site = site
        self.tree = site.home / "tree"
        self.there = site.there
        self.pulled = site.home / "pulled"
        self.outputs = site.there / "outputs"
        self.env = {"PATH": f"{os.environ['PATH']}:/usr/sbin", "HOME": str(site.home), "LC_ALL": "C.UTF-8"}
        self.ssh = f"ssh -F {site.ssh_config}"
        self.tree.mkdir()
        self.pulled.mkdir()

    def call(self, *words: str, cwd: Path | None = None, kill_when: Callable[[], bool] | None = None) -> Ran:
        return run(words, env=self.env, cwd=cwd or self.tree, kill_when=kill_when, limit_s=_LIMIT_S)

    def prepare(self) -> None:
        pass

    def push(self, kill_when: Callable[[], bool] | None = None) -> Ran:
        raise NotImplementedError(f"{self.name} pushes nothing")

    def make_outputs(self, count: int, size: int) -> None:
        trees.small_files(self.outputs, count, size)

    def make_model(self, mebibytes: int) -> None:
        trees.big_file(self.outputs / MODEL, mebibytes)

    def change_model(self) -> None:
        trees.change_a_tenth(self.outputs / MODEL)

    def pull(self) -> Ran:
        raise NotImplementedError(f"{self.name} pulls nothing")

    def close(self) -> None:
        pass


class Rsync(Other):
    """Compressed, attributes kept, and the same tree there as here; ``--partial`` where it is going to be killed."""

    name = RSYNC
    needs = ("rsync", "ssh")
    cases = _FIRST | _MANY | _BIG | {"killed", "pull-changed"}

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self._partial: list[str] = []

    def push(self, kill_when: Callable[[], bool] | None = None) -> Ran:
        if kill_when:
            self._partial = ["--partial"]
        return self._sync(f"{self.tree}/", f"{HOST}:{self.there}/tree/", kill_when)

    def pull(self) -> Ran:
        return self._sync(f"{HOST}:{self.outputs}/", f"{self.pulled}/", None)

    def _sync(self, source: str, target: str, kill_when: Callable[[], bool] | None) -> Ran:
        words = ["rsync", "-az", "--delete", *self._partial, "-e", self.ssh, source, target]
        return self.call(*words, kill_when=kill_when)


class Rclone(Other):
    name = RCLONE
    needs = ("rclone",)
    files = 300
    cases = _FIRST

    def push(self, kill_when: Callable[[], bool] | None = None) -> Ran:
        return self._sync(str(self.tree), self._url("tree"))

    def pull(self) -> Ran:
        return self._sync(self._url("outputs"), str(self.pulled))

    def _sync(self, source: str, target: str) -> Ran:
        return self.call("rclone", "--config", "/dev/null", "sync", source, target)

    def _url(self, folder: str) -> str:
        site = self.site
        settings = {
            "host": "127.0.0.1",
            "port": site.link.port,
            "user": site.server.user,
            "key_file": site.server.key,
            "known_hosts_file": site.known_hosts,
        }
        return f":sftp,{','.join(f'{key}={value}' for key, value in settings.items())}:{self.there}/{folder}"


class Unison(Other):
    """Two ways, so a push and a pull are one command, with different files in different places."""

    name = UNISON
    needs = ("unison", "ssh")
    cases = _FIRST | _MANY | _BIG

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.env |= {"UNISON": str(site.home / "unison"), "UNISONLOCALHOSTNAME": "here"}

    def push(self, kill_when: Callable[[], bool] | None = None) -> Ran:
        return self._sync(self.tree, self.there / "tree", kill_when)

    def pull(self) -> Ran:
        return self._sync(self.pulled, self.outputs, None)

    def _sync(self, here: Path, there: Path, kill_when: Callable[[], bool] | None) -> Ran:
        # Its notes about the other side's files belong there, but not into the settings of whoever runs this.
        other = f"env UNISON={self.there}/unison unison"
        words = ["unison", "-ui", "text", "-batch", "-auto", "-confirmbigdel=false", "-servercmd", other]
        words += ["-sshargs", f"-C -F {self.site.ssh_config}", str(here), f"ssh://{HOST}/{there}"]
        return self.call(*words, kill_when=kill_when)


class Restic(Other):
    name = RESTIC
    needs = ("restic", "ssh")
    cases = _FIRST | _MANY | _BIG  # its SFTP needs minutes for what is killed

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.env["RESTIC_PASSWORD"] = "bench"

    def prepare(self) -> None:
        self._restic("init")

    def push(self, kill_when: Callable[[], bool] | None = None) -> Ran:
        return self._restic("backup", ".", kill_when=kill_when)

    def make_outputs(self, count: int, size: int) -> None:
        super().make_outputs(count, size)
        self._restic("init")
        words = ["restic", "-q", "-r", f"{self.there}/repository", "--no-cache", "backup", "."]
        self.call(*words, cwd=self.outputs)

    def pull(self) -> Ran:
        return self._restic("restore", "latest", "--target", str(self.pulled))

    def _restic(self, *words: str, kill_when: Callable[[], bool] | None = None) -> Ran:
        command = f"sftp.command={self.ssh} {HOST} -s sftp"
        where = ["-r", f"sftp:{HOST}:{self.there}/repository", "-o", command]
        return self.call("restic", "-q", *where, *words, kill_when=kill_when)


class Tar(Other):
    """The tree as one compressed stream into one file there, and back: nothing is compared, checked or kept apart."""

    name = TAR
    needs = ("bash", "tar", "zstd", "ssh")
    cases = _FIRST | {"cold-many"}

    def push(self, kill_when: Callable[[], bool] | None = None) -> Ran:
        return self._pipe(f"tar -cf - . | zstd -q | {self.ssh} {HOST} 'cat > {self.there}/tree.tar.zst'")

    def pull(self) -> Ran:
        make = f"'cd {self.outputs} && tar -cf - . | zstd -q'"
        return self._pipe(f"{self.ssh} {HOST} {make} | zstd -qd | tar -xf - -C {self.pulled}")

    def _pipe(self, line: str) -> Ran:
        return self.call("bash", "-o", "pipefail", "-c", line)


class GitStatus(Other):
    """Looks at every file as well, and contacts nobody."""

    name = GIT_STATUS
    needs = ("git",)
    cases = frozenset({"noop"})

    def prepare(self) -> None:
        name = ["-c", "user.name=bench", "-c", "user.email=bench@localhost"]
        self.call("git", "init", "-q")
        self.call("git", "add", "-A")
        self.call("git", *name, "commit", "-q", "-m", "all")

    def push(self, kill_when: Callable[[], bool] | None = None) -> Ran:
        return self.call("git", "status", "--short")


class SshTrue(Other):
    name = SSH_TRUE
    needs = ("ssh",)
    cases = frozenset({SSH})

    def push(self, kill_when: Callable[[], bool] | None = None) -> Ran:
        return self.call(*self.ssh.split(), HOST, "true")


OTHERS: tuple[type[Other], ...] = (Rsync, Rclone, Unison, Restic, Tar, GitStatus, SshTrue)
