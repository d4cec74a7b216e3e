"""``local``: a runner on this machine, detached; it reads the mailbox folder as the command line does."""

import os
import subprocess
import sys

from sync.errors import HybridError

from .process import ProcessLauncher, Ran

_LIMIT_S = 60


def launcher(mailbox: str, project: str) -> ProcessLauncher:
    """``mailbox`` is an absolute path of this machine."""
    return ProcessLauncher(
        _run, where="this machine", python=sys.executable, mailbox=mailbox, project=project
    )


def _run(argv: list[str]) -> Ran:
    env = {key: value for key, value in os.environ.items() if not key.startswith("HYBRID_")}
    try:
        done = subprocess.run(
            argv, capture_output=True, text=True, errors="replace", env=env, timeout=_LIMIT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise HybridError(f"The runner could not be started on this machine: {error}.") from error
    return Ran(done.returncode, done.stdout, done.stderr)
