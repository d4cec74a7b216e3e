"""The run's set-up command: once per machine and content, before any shard."""

import hashlib
import os
import posixpath
import shlex
from collections.abc import Iterable
from pathlib import Path

from sync.store.nouns import FILE, Entry

from . import host


def key(setup: str, entries: Iterable[Entry]) -> str:
    """Changes when the command does, or a file of the snapshot that the command names, itself or by its folder.

    Rather once too often than once too few: a file is also named by the end of its path, as after a ``cd``.
    """
    named = _named(setup)
    digest = hashlib.sha256(setup.encode())
    for entry in entries:
        if entry.kind == FILE and _ways_to_name(entry.path.decode("utf-8", "surrogateescape")) & named:
            digest.update(entry.path + b"\0" + b"".join(chunk.sha256.encode() for chunk in entry.chunks))
    return digest.hexdigest()


def _named(setup: str) -> set[str]:
    """Every word of the command that may be a path; ``.`` is the whole snapshot."""
    try:
        words = list(shlex.shlex(setup, posix=True, punctuation_chars=True))
    except ValueError:
        words = setup.split()
    found: set[str] = set()
    for word in words:
        option, equals, value = word.partition("=")
        for text in (word, value if equals else "", option[2:] if option.startswith("-r") else ""):
            if text:
                found.add(posixpath.normpath(text.split("[")[0] or text).removeprefix("/"))
    return found


def _ways_to_name(path: str) -> set[str]:
    parts = path.split("/")
    tails = {"/".join(parts[n:]) for n in range(len(parts))}
    folders = {"/".join(parts[:n]) for n in range(1, len(parts))}
    return tails | folders | {"."}


class Done:
    """Remembers on this machine's disk which set-ups have succeeded here, for a project.

    A new container on the same disk, or another Python on the path, has to be set up again.
    """

    def __init__(self, work: Path, project: str) -> None:
        self._folder = work / project / "setup"
        self._machine = hashlib.sha256(f"{host.boot()}\0{os.environ.get('PATH', '')}".encode()).hexdigest()

    def has(self, setup_key: str) -> bool:
        return self._mark(setup_key).exists()

    def add(self, setup_key: str) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        self._mark(setup_key).touch()

    def _mark(self, setup_key: str) -> Path:
        return self._folder / f"{setup_key[:32]}-{self._machine[:16]}"
