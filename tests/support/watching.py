"""Another machine that lays out each newest snapshot it sees in a mailbox, as a process of its own.

    python -m tests.support.watching FOLDER SCRATCH STOP

prints a digest of each tree that it got, a line each, until STOP is there. Anything that goes wrong is a trace.
"""

import hashlib
import sys
import time
from pathlib import Path

from sync.remotes.folder import FolderRemote
from tests.support.pushes import laid_out, snapshots
from tests.support.trees import Fingerprint


def digest(tree: Fingerprint) -> str:
    return hashlib.sha256(repr(sorted(tree.items())).encode()).hexdigest()


def watch(folder: str, scratch: Path, stop: Path) -> None:
    remote = FolderRemote(folder)
    seen = ""
    while True:
        last_look = stop.exists()
        names = snapshots(remote)
        if names and names[-1] != seen:
            seen = names[-1]
            print(digest(laid_out(remote, seen, scratch)), flush=True)
        elif last_look:
            return
        else:
            time.sleep(0.001)


if __name__ == "__main__":
    watch(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
