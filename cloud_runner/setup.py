"""The run's set-up command: once per machine and content, before any shard."""

import hashlib
import os
import posixpath
import shlex
from collections.abc import Iterable
from pathlib import Path

from sync.store.nouns import FILE, Entry

from . import host, json_file


def key(setup: str, entries: Iterable[Entry]) -> str:
    """Changes when the command does, or a file of the snapshot that the command names, itself or by its folder.

    A command that names none, as ``make`` does, may read any: then every file counts. Rather once too often than once
    too few: a file is also named by the end of its path, as after a ``cd``.
    """
    named = _named(setup)
    files = [entry for entry in entries if entry.kind == FILE]
    counting = [each for each in files if _ways_to_name(each.path.decode("utf-8", "surrogateescape")) & named]
    digest = hashlib.sha256(setup.encode())
    for entry in counting or files:
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

    What a set-up made in the tree (an environment, a build) is part of its success: it stays with the one space that
    it was made in, until that space is laid out for another set-up. One that made nothing there counts for all spaces.
    A new container on the same disk, or another Python on the path, has to be set up again.
    """

    def __init__(self, work: Path, project: str, space: Path) -> None:
        self._folder = work / project / "setup"
        self._tree = os.fsencode(space / "tree")
        self._made = space / "made.json"
        self._machine = hashlib.sha256(f"{host.boot()}\0{os.environ.get('PATH', '')}".encode()).hexdigest()

    def made(self, setup_key: str) -> list[bytes] | None:
        """The paths that the set-up made in the tree; None where it has to run first."""
        record = json_file.read(self._made)
        if record.get("set-up") == self._name(setup_key) and isinstance(record.get("paths"), list):
            paths = [os.fsencode(path) for path in record["paths"]]
            if all(os.path.lexists(os.path.join(self._tree, path)) for path in paths):
                return paths
        return [] if (self._folder / self._name(setup_key)).exists() else None

    def add(self, setup_key: str, made: list[bytes]) -> None:
        if made:
            paths = [os.fsdecode(path) for path in made]
            json_file.write(self._made, {"set-up": self._name(setup_key), "paths": paths})
        else:
            self._folder.mkdir(parents=True, exist_ok=True)
            (self._folder / self._name(setup_key)).touch()

    def forget_made(self) -> None:
        """To be called before what was made is removed."""
        self._made.unlink(missing_ok=True)

    def _name(self, setup_key: str) -> str:
        return f"{setup_key[:32]}-{self._machine[:16]}"
