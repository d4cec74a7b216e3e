"""A laptop with a project and a mailbox in a folder, whose commands can be stopped at any of their durable steps."""

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import agent.cli
import agent.cli.gc
import agent.cli.pull
import agent.cli.push
import sync.remotes.folder  # noqa: F401  loaded before the fork, as is all that every command needs
from sync.mailbox import layout, records
from sync.mailbox.layout import RunFolder
from sync.mailbox.records import Ended as EndedRecord
from sync.mailbox.view import look, run_ids
from sync.remotes.base import Remote
from sync.remotes.folder import FolderRemote
from sync.store.materialise import materialise, to_end
from sync.store.nouns import Root
from sync.store.reader import Reader
from tests.support.mailboxes import LAPTOP
from tests.support.stopping import Ended, How, forked
from tests.support.trees import Fingerprint, fingerprint

BASE = "p"


class Stage:
    """``home`` holds all: the project, the mailbox, and this user's settings. A new one each time it is made."""

    def __init__(self, home: Path, more: str = "") -> None:
        shutil.rmtree(home, ignore_errors=True)
        self.home = home
        self.project = home / "project"
        self.project.mkdir(parents=True)
        self.mail = home / "mail"
        self.remote = FolderRemote(str(self.mail))
        (home / "config").mkdir()
        (home / "config" / "laptop-id").write_text(LAPTOP)
        url = json.dumps(f"folder:{self.mail}")
        (self.project / "hybrid.toml").write_text(f'[project]\nid = "{BASE}"\n[remote]\nurl = {url}\n{more}')

    def hybrid(self, *words: str, stop_at: int = 0, how: How = "kill", expect: int | None = 0) -> Ended:
        """The command in a process of its own; fails the test where it ends with another code than ``expect``."""

        def act() -> int:
            os.chdir(self.project)
            os.environ["HYBRID_CONFIG_DIR"] = str(self.home / "config")
            os.environ["HYBRID_DATA_DIR"] = str(self.home / "data")
            return agent.cli.main([*words, "--no-progress"])

        ended = forked(act, self.home, stop_at=stop_at, how=how)
        assert stop_at or expect is None or ended.code == expect, ended.said
        return ended

    def restored(self, snapshot: str) -> Fingerprint:
        """The snapshot as a stranger gets it, who knows nothing but the mailbox."""
        reader = Reader(self.remote, BASE)
        target = self.home / "restored"
        entries = reader.entries(reader.root(snapshot))
        laid = to_end(materialise(reader, entries, target, mirror=True, escaping_links=True))
        assert not laid.problems
        return fingerprint(target)

    def tree(self) -> Fingerprint:
        """The project as a snapshot shows it."""
        found = fingerprint(self.project)
        return {path: what for path, what in found.items() if not path.startswith((b".hybrid", b"outputs/"))}


def whole(remote: Remote, base: str) -> dict[str, Root]:
    """Every snapshot that anything in the mailbox names or lists, each read to its last chunk and so verified.

    Fails where a marker stands for something that is not there whole.
    """
    names = {
        f"{folder}/{file.name}"
        for folder in _folders(remote, base)
        for file in remote.list_files(f"{base}/{folder}")
        if file.name.endswith(".snap")
    }
    for folder in map(RunFolder, run_ids(remote, base)):
        seen = look(remote, base, folder)
        if not seen.names:
            continue
        for attempt in seen.done:
            done = f"{base}/{folder.in_folder(RunFolder.attempt('done', attempt))}"
            names.add(records.read(EndedRecord, remote, done).snapshot)
    reader = Reader(remote, base)
    return {name: _read_all(reader, name) for name in sorted(names)}


def _folders(remote: Remote, base: str) -> Iterator[str]:
    yield layout.SNAPSHOTS
    for run in run_ids(remote, base):
        yield RunFolder(run).path


def _read_all(reader: Reader, name: str) -> Root:
    root = reader.root(name)
    entries = reader.entries(root)
    wanted = [chunk for entry in entries for chunk in entry.chunks]
    assert {chunk.sha256 for chunk, _ in reader.fetch(wanted)} == {chunk.sha256 for chunk in wanted}
    reader.forget(name)
    return root
