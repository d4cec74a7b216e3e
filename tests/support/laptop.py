"""A user at a laptop: a project folder, and the real `hybrid` command in it."""

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.sshd import Sshd

REPOSITORY = Path(__file__).parents[2]


@dataclass(frozen=True)
class Answer:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Laptop:
    """``home`` holds the project and everything else that is this user's; nothing of the real user is touched."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.project = home / "project"
        self.project.mkdir(parents=True)
        self.program = "agent"
        """What is started as the command."""
        self.env = {
            key: value for key, value in os.environ.items() if not key.startswith(("HYBRID_", "SSH_"))
        }
        self.env |= {
            "HOME": str(home),
            "HYBRID_CONFIG_DIR": str(home / "config"),
            "HYBRID_DATA_DIR": str(home / "data"),
            "XDG_CACHE_HOME": str(home / "cache"),
            "PYTHONPATH": str(REPOSITORY),
        }

    def hybrid(self, *words: str, expect: int | None = 0, limit: float = 240) -> Answer:
        """Runs the command; fails the test where it ends with another code than ``expect``, or shows a trace."""
        done = subprocess.run(
            [sys.executable, "-m", self.program, *words],
            cwd=self.project,
            env=self.env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=limit,
            check=False,
        )
        answer = Answer(done.returncode, done.stdout, done.stderr)
        shown = f"hybrid {' '.join(words)}: exit {answer.code}\n{answer.out}\n{answer.err}"
        assert "Traceback" not in answer.err, shown
        assert expect is None or answer.code == expect, shown
        return answer

    def until(self, run: str, phase: str, limit: float = 60) -> None:
        """Waits until the run is in that phase, as ``hybrid status`` says."""
        deadline = time.monotonic() + limit
        while (found := self.hybrid("status", run, "--json").json["phase"]) != phase:
            assert time.monotonic() < deadline, f"{run} is still {found}"
            time.sleep(0.5)

    def write(self, path: str, content: str | bytes) -> Path:
        target = self.project / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content if isinstance(content, bytes) else content.encode())
        return target

    def init_ssh(self, server: Sshd, more: str = "") -> None:
        """Makes the project use a mailbox on ``server``, which is also the machine ``box``."""
        address = f"{server.user}@127.0.0.1:{server.port}"
        self.write(
            "hybrid.toml",
            f"""
[project]
id = "project-test"

[remote]
url = "sftp://{address}{server.root}/mailbox"
identity = "{server.key}"
known_hosts = "{server.known_hosts}"

[machines.box]
host = "{address}"
python = "{sys.executable}"
work_dir = "{server.root}/work"
identity = "{server.key}"
known_hosts = "{server.known_hosts}"

{more}
""",
        )
