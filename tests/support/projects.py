"""A project of ``LAPTOP`` with a mailbox in a folder, and the commands called in this process."""

import json
from pathlib import Path
from typing import Any

import pytest

from agent.cli import main
from sync.mailbox.layout import RunFolder
from sync.mailbox.records import Spec
from sync.mailbox.view import RunView, look
from sync.remotes.folder import FolderRemote

from .mailboxes import LAPTOP, make_mailbox, publish_tree, queue_run
from .workers import Worker

BASE = "p"


class Project:
    """The current folder is the project's root from now on. ``mail`` is the project's folder in the mailbox."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch, capture: pytest.CaptureFixture[str]) -> None:
        self.root = folder / "project"
        self.root.mkdir()
        self.capture = capture
        self.remote = FolderRemote(str(folder / "mail"))
        self.mail = folder / "mail" / BASE
        self.outputs = self.root / "outputs"
        self.snapshot = ""
        self.configure()
        config = folder / "config"
        config.mkdir()
        (config / "laptop-id").write_text(LAPTOP)
        patch.setenv("HYBRID_CONFIG_DIR", str(config))
        patch.chdir(self.root)

    def configure(self, more: str = "") -> None:
        url = json.dumps(self.remote.url)
        (self.root / "hybrid.toml").write_text(f'[project]\nid = "{BASE}"\n[remote]\nurl = {url}\n{more}')

    def make(self) -> "Project":
        """The mailbox, with one snapshot."""
        make_mailbox(self.remote, BASE)
        self.snapshot = publish_tree(self.remote, BASE, {"a.py": b"print()"}).name
        return self

    def queue(self, run: str = "r1", **fields: Any) -> Spec:
        return queue_run(self.remote, BASE, run, self.snapshot, **fields)

    def worker(self, worker: str = "worker22", run: str = "r1") -> Worker:
        return Worker(self.remote, BASE, run, worker)

    def look(self, run: str = "r1") -> RunView:
        return look(self.remote, BASE, RunFolder(run))

    def call(self, *words: str) -> tuple[int, str, str]:
        """Exit code, standard output, standard error."""
        self.capture.readouterr()
        code = main(words)
        captured = self.capture.readouterr()
        return code, captured.out, captured.err

    def json(self, *words: str, code: int = 0) -> Any:
        """The document that the command prints; fails where it ends with another code."""
        found, out, err = self.call(*words, "--json")
        assert found == code, err
        return json.loads(out)
