"""A mailbox that goes away and comes back: a folder that is moved, or a server over SSH behind a line that fails."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from tests.support.bad_line import BadLine, Fault, bad_line
from tests.support.laptop import Laptop
from tests.support.sshd import running_sshd

PROJECT = "project-test"


class Link(Protocol):
    def down(self, *, for_a_moment: bool) -> None:
        """``for_a_moment``: open connections are cut, where there are any, and nothing else."""

    def up(self) -> None: ...

    def mailbox(self) -> Path:
        """The project's folder in the mailbox, wherever it is now."""


class Moved:
    def __init__(self, root: Path) -> None:
        self._root = root
        self._away = root.with_name("away")

    def down(self, *, for_a_moment: bool) -> None:
        if not for_a_moment and not self._away.exists():
            self._root.rename(self._away)

    def up(self) -> None:
        if self._away.exists():
            self._away.rename(self._root)

    def mailbox(self) -> Path:
        return (self._away if self._away.exists() else self._root) / PROJECT


class Cut:
    def __init__(self, line: BadLine, root: Path) -> None:
        self._line = line
        self._root = root

    def down(self, *, for_a_moment: bool) -> None:
        self._line.plan(Fault(kind="cut" if for_a_moment else "down"))

    def up(self) -> None:
        self._line.repair()

    def mailbox(self) -> Path:
        return self._root / PROJECT


@contextlib.contextmanager
def moved(laptop: Laptop, more: str) -> Iterator[Link]:
    mail = laptop.home / "mail"
    laptop.write("hybrid.toml", f'[project]\nid = "{PROJECT}"\n[remote]\nurl = "folder:{mail}"\n{more}')
    yield Moved(mail)


@contextlib.contextmanager
def cut(laptop: Laptop, more: str) -> Iterator[Link]:
    with running_sshd(laptop.home / "sshd") as server, bad_line(server.port) as line:
        server.known_hosts.write_text("".join(f"{each}\n" for each in server.host_key_lines(line.port)))
        laptop.init_ssh(server, more.replace("[run]\n", '[run]\non = "ssh:box"\n'))
        toml = laptop.project / "hybrid.toml"
        toml.write_text(toml.read_text().replace(f"127.0.0.1:{server.port}", f"127.0.0.1:{line.port}"))
        yield Cut(line, server.root / "mailbox")
