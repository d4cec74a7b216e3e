"""A mailbox in memory for tests of the store: trees go in as dictionaries and come out as entries or folders."""

import os
import random
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sync.remotes.memory import MemoryRemote
from sync.store.lines import blocks, lines
from sync.store.materialise import Laid, materialise, to_end
from sync.store.nouns import DIRECTORY, FILE, LINK, Entry, Location, Root
from sync.store.reader import Reader
from sync.store.writer import SnapshotWriter, placed_elsewhere

BASE = "project"


@dataclass(frozen=True)
class File:
    data: bytes = b""
    executable: bool = False


@dataclass(frozen=True)
class Link:
    target: bytes


@dataclass(frozen=True)
class Folder:
    """An empty one."""


Tree = Mapping[bytes, File | Link | Folder]


class Shelf:
    """The outlet of one writer, and its mailbox. ``puts`` are name and size of each file since the last save."""

    def __init__(self, *, writer: str = "laptop", pack_size: int = 1024 * 1024) -> None:
        self.remote = MemoryRemote()
        self.remote.make_folders([f"{BASE}/packs", f"{BASE}/snapshots", f"{BASE}/runs/r"])
        self.writer = writer
        self.pack_size = pack_size
        self.seq = 0
        self.sent = 0
        self.puts: list[tuple[str, int]] = []
        self.locations: dict[str, Location] = {}
        self.cut_into = 1 << 20
        self.unseen = False

    def known(self, sha256: str) -> Location | None:
        return self.locations.get(sha256)

    def put(self, name: str, data: bytes, locations: Mapping[str, Location]) -> None:
        assert self.remote.write(f"{BASE}/{name}", data)
        self.puts.append((name, len(data)))
        self.locations.update(locations)

    def put_snapshot(self, name: str, data: bytes, locations: Mapping[str, Location]) -> None:
        self.put(name, data, locations)

    def save(self, tree: Tree, *, kind: str = "tree") -> Root:
        """Writes the next snapshot. ``sent`` is then the new content in bytes."""
        self.seq += 1
        self.puts = []
        writer = SnapshotWriter(self, writer=self.writer, pack_folder="packs", pack_size=self.pack_size)
        entries = []
        for path, item in tree.items():
            if isinstance(item, Link):
                entries.append(Entry(path=path, kind=LINK, target=item.target))
            elif isinstance(item, Folder):
                entries.append(Entry(path=path, kind=DIRECTORY))
            else:
                file = writer.begin_file()
                for start in range(0, len(item.data), self.cut_into):
                    file.feed(item.data[start : start + self.cut_into])
                chunks = tuple(placed_elsewhere(*chunk) for chunk in file.end())
                size = len(item.data)
                entries.append(Entry(path, FILE, executable=item.executable, size=size, chunks=chunks))
        name = f"snapshots/{self.writer}-{self.seq:08d}-{{sha256}}.snap"
        root = writer.finish(
            name=name,
            kind=kind,
            seq=self.seq,
            tree=lambda place: blocks(lines(entries, place)),
            meta={"n": self.seq},
        )
        self.sent = writer.sent
        return root

    def another(self) -> MemoryRemote:
        """The mailbox as another machine sees it; its ``calls`` begin empty."""
        return MemoryRemote(self.remote.store)

    def reader(self) -> Reader:
        """A reader with nothing in memory, on another machine."""
        return Reader(self.another(), BASE)

    def entries(self, name: str) -> list[Entry]:
        reader = self.reader()
        return reader.entries(reader.root(name))

    def tree(self, name: str) -> dict[bytes, File | Link | Folder]:
        """What the snapshot ``name`` holds, read from the mailbox alone."""
        reader = self.reader()
        entries = reader.entries(reader.root(name))
        content = {c.sha256: data for c, data in reader.fetch(c for e in entries for c in e.chunks)}
        found: dict[bytes, File | Link | Folder] = {}
        for entry in entries:
            if entry.kind == FILE:
                data = b"".join(content[chunk.sha256] for chunk in entry.chunks)
                assert len(data) == entry.size
                found[entry.path] = File(data, entry.executable)
            else:
                found[entry.path] = Link(entry.target) if entry.kind == LINK else Folder()
        return found

    def lay(self, root: Root, target: Path, **how: Any) -> Laid:
        """Lays the snapshot out with a fresh reader; ``how`` as for ``materialise``."""
        reader = self.reader()
        entries = reader.entries(reader.root(root.name))
        return to_end(materialise(reader, entries, target, **{"unseen": self.unseen, **how}))


def on_disk(folder: Path) -> dict[bytes, File | Link | Folder]:
    """What a folder holds, in the same terms as a saved tree."""
    top = os.fsencode(folder)
    found: dict[bytes, File | Link | Folder] = {}
    for here, folders, files in os.walk(top):
        prefix = b"" if here == top else os.path.relpath(here, top) + b"/"
        for name in [*folders, *files]:
            full = os.path.join(here, name)
            if os.path.islink(full):
                found[prefix + name] = Link(os.readlink(full))
            elif name in files:
                with open(full, "rb") as file:
                    found[prefix + name] = File(file.read(), bool(os.stat(full).st_mode & 0o100))
        if not folders and not files and prefix:
            found[prefix[:-1]] = Folder()
    return found


def noise(size: int, seed: int = 0) -> bytes:
    """The same bytes each time, that no codec can shrink."""
    return random.Random(seed).randbytes(size)


TREE: Tree = {
    b"train.py": File(b"print('training')\n"),
    b"run.sh": File(b"#!/bin/sh\n", executable=True),
    b"empty": File(),
    b"data/big.bin": File(noise(3_000_000)),
    b"data/copy.bin": File(noise(3_000_000)),
    b"data/deep/er/x": File(b"x"),
    b"latest": Link(b"data/big.bin"),
    b"data/up": Link(b"../train.py"),
    b"out": Folder(),
}
"""Something of everything."""
