"""``local``: a runner on this machine, detached; it reads the mailbox folder as the command line does.

What the mailbox holds is never executed here: the runner is this installation's own, kept in the user's data folder.
"""

import os
import secrets
import subprocess
import sys

from sync.errors import HybridError

from .. import places, ship
from .process import ProcessLauncher, Ran

_LIMIT_S = 60


def launcher(mailbox: str) -> ProcessLauncher:
    """``mailbox`` is an absolute path of this machine."""
    return ProcessLauncher(_run, _own, where="this machine", python=sys.executable, mailbox=mailbox)


def _own(_: str) -> str:
    """Path of this version's runner, put there where it is missing or damaged. It also speaks for runners of other
    versions. None is ever removed: a runner loads from its file while it works."""
    archive = ship.build()
    path = places.data_folder() / "runner" / f"{archive.sha256}.pyz"
    try:
        if not path.exists() or path.read_bytes() != archive.data:
            path.parent.mkdir(parents=True, exist_ok=True)
            aside = path.with_name(f".tmp-{secrets.token_hex(8)}")
            aside.write_bytes(archive.data)
            os.replace(aside, path)
    except OSError as error:
        raise HybridError(
            f"The runner cannot be kept in {path.parent}: {error.strerror or error}.",
            "Make room there, or name another folder in HYBRID_DATA_DIR.",
        ) from error
    return str(path)


def _run(argv: list[str]) -> Ran:
    env = {key: value for key, value in os.environ.items() if not key.startswith("HYBRID_")}
    try:
        done = subprocess.run(
            argv, capture_output=True, text=True, errors="replace", env=env, timeout=_LIMIT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise HybridError(f"The runner could not be started on this machine: {error}.") from error
    return Ran(done.returncode, done.stdout, done.stderr)
