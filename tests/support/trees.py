"""Builds project trees, also nasty ones, and tells whether two trees are the same.

A tree is written as a mapping from path to content: bytes for a file, ``Link`` for a symbolic link, ``FOLDER``
for an empty directory, ``Script`` for an executable file. Paths are bytes or text, with ``/``.
"""

import hashlib
import os
import random
import stat
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple


class Link(NamedTuple):
    target: bytes


class Script(NamedTuple):
    content: bytes


class _Folder:
    pass


FOLDER: Final = _Folder()
Content = bytes | str | Link | Script | _Folder
Fingerprint = dict[bytes, tuple[str, bool, bytes]]


def make_tree(root: Path, tree: Mapping[bytes | str, Content] | Mapping[str, Content]) -> Path:
    """Writes the tree into ``root``, which is made; parents are made as needed. Returns ``root``."""
    root.mkdir(parents=True, exist_ok=True)
    for relative, content in tree.items():
        path = os.path.join(os.fsencode(root), os.fsencode(relative))
        os.makedirs(os.path.dirname(path), exist_ok=True)
        match content:
            case Link():
                os.symlink(content.target, path)
            case Script():
                _write(path, content.content)
                os.chmod(path, 0o755)
            case bytes():
                _write(path, content)
            case str():
                _write(path, content.encode())
            case _:
                os.makedirs(path, exist_ok=True)
    return root


def nasty_tree(root: Path) -> list[bytes]:
    """Every name and type that a POSIX file system holds and a snapshot keeps. Returns what was made, sorted."""
    tree: dict[bytes | str, Content] = {
        b"plain.txt": b"plain",
        b"empty": b"",
        b"script.sh": Script(b"#!/bin/sh\n"),
        b"not-utf8-\xff\xfe.bin": b"\xff",
        b"folder-\xe9/in-it": b"latin-1",
        b"line\nbreak\r": b"n",
        b"tab\there": b"t",
        b" space both ends ": b"s",
        b"trailing dot.": b"d",
        b"-leading-dash": b"d",
        b"~tilde": b"t",
        b"$(dollar) `tick` \"quote\" 'single' \\back*?[x]": b"q",
        b"percent%2e%2e": b"p",
        b"control-\x01\x7f": b"c",
        "caf\u00e9": b"composed",
        "cafe\u0301": b"decomposed",
        "\U0001f600 \u202e\u200b": b"emoji, right to left, zero width",
        b"l" * 255: b"long",
        b"CaseTwin": b"upper",
        b"casetwin": b"lower",
        b"CON": b"reserved on Windows",
        b"aux.txt": b"reserved on Windows",
        b"c:colon": b"colon",
        b".tmp-writer-1": b"looks like a temporary name",
        b"packs/%064d.pack" % 0: b"looks like ours",
        b"d" + b"/d" * 110: b"deep",
        b"empty folder": FOLDER,
        b"nested/empty": FOLDER,
        b"a": FOLDER,
        b"a.b": b"sorts between a and a/",
        b"link": Link(b"plain.txt"),
        b"dangling": Link(b"nowhere"),
        b"loop": Link(b"loop"),
        b"absolute": Link(b"/etc/hostname"),
        b"escaping": Link(b"../../../etc/passwd"),
        b"folder link": Link(b"nested"),
        b"link-\xff": Link(b"target-\xff"),
    }
    make_tree(root, tree)
    return sorted(os.fsencode(path) for path in tree)


def noise(size: int, seed: int = 0) -> bytes:
    """Bytes that do not compress, the same for the same ``seed``."""
    return random.Random(seed).randbytes(size)


def make_fifo(root: Path, relative: str) -> Path:
    """A named pipe, which hangs whoever opens it carelessly."""
    path = root / relative
    os.mkfifo(path)
    return path


def fingerprint(root: Path) -> Fingerprint:
    """What two equal trees have in common: path to kind, exec bit, and content hash or link target.

    Directories count only where they are empty. Named pipes and the like are of kind ``special``.
    """
    found: Fingerprint = {}
    top = os.fsencode(root)
    for folder, folders, files in os.walk(top):
        for name in folders[:]:
            if os.path.islink(os.path.join(folder, name)):
                folders.remove(name)
                files.append(name)
        relative = (
            b"" if folder == top else os.path.relpath(folder, top).replace(os.sep.encode(), b"/") + b"/"
        )
        if not folders and not files and relative:
            found[relative[:-1]] = ("dir", False, b"")
        for name in files:
            path = os.path.join(folder, name)
            status = os.lstat(path)
            if stat.S_ISLNK(status.st_mode):
                found[relative + name] = ("link", False, os.readlink(path))
            elif stat.S_ISREG(status.st_mode):
                executable = os.name != "nt" and bool(status.st_mode & stat.S_IXUSR)
                found[relative + name] = ("file", executable, _hash(path))
            else:
                found[relative + name] = ("special", False, b"")
    return found


def _write(path: bytes, content: bytes) -> None:
    with open(path, "wb") as file:
        file.write(content)


def _hash(path: bytes) -> bytes:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def reads_everything() -> bool:
    """Whether permissions mean nothing to whoever runs the tests, as for root; so it is too where there are none."""
    with tempfile.NamedTemporaryFile() as file:
        os.chmod(file.name, 0)
        return os.access(file.name, os.R_OK)
