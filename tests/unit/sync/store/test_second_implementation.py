"""A reader written from ``docs/protocol.md`` alone reads what the store wrote, and the page names what it needs."""

import hashlib
import json
import struct
import zlib
from pathlib import Path
from typing import Any

import pytest

from sync.mailbox.layout import parse_run_file, parse_snapshot
from sync.store import codec
from tests.unit.sync.store.shelf import BASE, File, Folder, Link, Shelf, Tree, noise

PAGE = Path(__file__).parents[4] / "docs" / "protocol.md"
TREE: Tree = {
    b"a-b": File(b"1"),
    b"a/b": File(b"2" * 1000, executable=True),
    b"big": File(noise(3_000_000)),
    b"\xff/\xc3\xa9": File(b"odd name"),
    b"empty": File(),
    b"link": Link(b"a/\xfe"),
    b"folder": Folder(),
}


class PlainReader:
    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    def _file(self, name: str) -> bytes:
        data = self._shelf.remote.read(f"{BASE}/{name}")
        assert hashlib.sha256(data).hexdigest() == name.rsplit(".", 1)[0][-64:]
        return data

    @staticmethod
    def _unpack(name: str, stored: bytes, size: int) -> bytes:
        if name == "stored":
            return stored
        if name == "zlib":
            return zlib.decompress(stored)
        zstd = codec.zstd()
        assert zstd is not None
        return zstd.decompress(stored, size)

    def tree(self, name: str) -> tuple[dict[bytes, File | Link | Folder], str]:
        """The tree, and its hash as the root names it, after the hash was computed anew."""
        data = self._file(name)
        assert data[:8] == b"HYBSNAP\x01"
        start, stored, size, short, magic = struct.unpack("<QII4s8s", data[-28:])
        assert magic == data[:8] and start + stored == len(data) - 28
        codec_name = {b"zstd": "zstd", b"zlib": "zlib", b"stor": "stored"}[short]
        root = json.loads(self._unpack(codec_name, data[start : start + stored], size))["root"]
        objects = {"": name} | {path.rsplit(".", 1)[0][-64:][:16]: path for path in root["objects"]}

        def content(references: list[Any]) -> bytes:
            pieces = []
            for sha256, where, start, stored, raw, kind, offset, length in references:
                block = self._unpack(kind, self._file(objects[where])[start : start + stored], raw)
                pieces.append(block[offset : offset + length])
                assert hashlib.sha256(pieces[-1]).hexdigest() == sha256
            return b"".join(pieces)

        found: dict[bytes, File | Link | Folder] = {}
        tree_hash = hashlib.sha256()
        for line in content(root["entries"]).splitlines():
            kind, path, *rest = json.loads(line)
            key = path.encode("utf-8", "surrogateescape")
            if kind == "f":
                executable, size, references = rest
                found[key] = File(content(references), bool(executable))
                rest = [executable, [[reference[0], reference[7]] for reference in references]]
                assert size == sum(length for _, length in rest[1])
            elif kind == "l":
                found[key] = Link(rest[0].encode("utf-8", "surrogateescape"))
            else:
                found[key] = Folder()
            tree_hash.update(json.dumps([kind, path, *rest], separators=(",", ":")).encode() + b"\n")
        assert tree_hash.hexdigest() == root["tree"]
        return found, root["tree"]


def test_the_page_is_enough_to_read_a_snapshot() -> None:
    shelf = Shelf()
    for tree in (TREE, {**TREE, b"one more": File(b"text")}):
        root = shelf.save(tree)
        assert PlainReader(shelf).tree(root.name) == (tree, root.tree)


def rows() -> list[str]:
    """The names in the page's tree, with something in the place of each placeholder."""
    values = {
        "<laptop>": "k3f9",
        "<worker>": "w7ab",
        "<sha256>": "0" * 64,
        "<run>": "a-run",
        "<shard>": "3",
        "<epoch>": "2",
        ".<n>-<seq>": ".1-000001",
        "snapshots/k3f9-<seq>": "snapshots/k3f9-00000001",
        "tick-<n>": "tick-000001",
        "<n>": "1",
    }
    names = []
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if line.startswith(("| `runs/", "| `snapshots/")):
            name = line.split("`")[1]
            for placeholder, value in values.items():
                name = name.replace(placeholder, value)
            names.append(name)
    return names


@pytest.mark.parametrize("path", rows())
def test_every_name_in_the_page_is_one_that_the_code_knows(path: str) -> None:
    folder, _, name = path.rpartition("/")
    if name in ("spec.json", "0" * 64 + ".pack"):
        return
    assert (parse_snapshot(name) if folder == "snapshots" else parse_run_file(name)) is not None


def test_the_page_names_every_kind() -> None:
    text = " ".join(rows())
    for kind in (
        "hello",
        "claim",
        "yield",
        "broken",
        "tick",
        "start",
        "done",
        "failed",
        "left",
        "out",
        "ckpt",
    ):
        assert f"w7ab.{kind}" in text
    for kind in ("spec", "stop", "accepted", "released"):
        assert f"/{kind}" in text
