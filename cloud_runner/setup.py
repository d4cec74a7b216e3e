"""The run's set-up command: once per machine and content, before any shard."""

import hashlib
import shlex
from collections.abc import Iterable
from pathlib import Path

from sync.store.nouns import FILE, Entry


def key(setup: str, entries: Iterable[Entry]) -> str:
    """Changes when the command does, or a file of the snapshot that the command names."""
    try:
        words = set(shlex.split(setup))
    except ValueError:
        words = set(setup.split())
    digest = hashlib.sha256(setup.encode())
    for entry in entries:
        if entry.kind == FILE and entry.path.decode("utf-8", "surrogateescape") in words:
            digest.update(entry.path + b"\0" + b"".join(chunk.sha256.encode() for chunk in entry.chunks))
    return digest.hexdigest()


class Done:
    """Remembers on this machine's disk which set-ups have succeeded here, for a project."""

    def __init__(self, work: Path, project: str) -> None:
        self._folder = work / project / "setup"

    def has(self, setup_key: str) -> bool:
        return (self._folder / setup_key).exists()

    def add(self, setup_key: str) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        (self._folder / setup_key).touch()
