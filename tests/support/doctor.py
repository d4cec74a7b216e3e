"""A project for ``hybrid doctor``, what it finds there, and a process of it that lacks something."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from agent import doctor
from agent.doctor_findings import Finding, Status
from sync.clock import Clock, SystemClock

from .sshd import Sshd

REPOSITORY = Path(__file__).parents[2]

# Runs the command line where the modules that the first argument names cannot be imported.
_WITHOUT = """
import sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name in sys.argv[1].split(","):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Missing())
from agent.cli import main
sys.exit(main(sys.argv[2:]))
"""


class Patient:
    """``root`` holds ``hybrid.toml``, which names the folder ``mail`` as its mailbox."""

    def __init__(self, folder: Path) -> None:
        self.mail = folder / "mail"
        self.mail.mkdir()
        self.root = folder / "plates"
        self.root.mkdir()
        self.configure(f'url = "folder:{self.mail.as_posix()}"')

    def configure(self, remote: str, more: str = "") -> None:
        """``remote`` is what stands under ``[remote]``."""
        text = f'[project]\nid = "plates"\n[remote]\n{remote}\n{more}'
        (self.root / "hybrid.toml").write_text(text, encoding="utf-8")

    def on(self, server: Sshd, more: str = "", known_hosts: Path | None = None) -> None:
        """Its mailbox is on ``server`` from now on."""
        files = f'identity = "{server.key}"\nknown_hosts = "{known_hosts or server.known_hosts}"'
        self.configure(f'url = "{server.url}"\n{files}', more)

    def examined(
        self, *, offline: bool = False, clock: Clock | None = None, limit_s: float | None = None
    ) -> dict[str, Finding]:
        found = doctor.examine(self.root, clock or SystemClock(), offline=offline, limit_s=limit_s)
        return {each.name: each for each in found}

    def without(self, *modules: str, before: Callable[[], object] | None = None) -> dict[str, Finding]:
        """What a process finds offline in which ``modules`` cannot be imported; it calls ``before`` first."""
        words = [",".join(modules), "doctor", "--offline", "--json"]
        done = subprocess.run(
            [sys.executable, "-c", _WITHOUT, *words],
            cwd=self.root,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
            preexec_fn=before,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode in (0, 1), done.stderr
        checks = json.loads(done.stdout)["checks"]
        return {each["name"]: Finding(**{**each, "status": Status(each["status"])}) for each in checks}


def assert_fails(finding: Finding, what: str, status: Status = Status.FAIL) -> None:
    assert finding.status is status, finding
    assert what in finding.what, finding
    assert finding.fix, finding


def assert_warns(finding: Finding, what: str) -> None:
    assert_fails(finding, what, Status.WARN)
