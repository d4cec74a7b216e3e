"""Section 5 of ``docs/protocol.md`` from "References" on: the tree that a snapshot holds, verified as it is read."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .blocks import CODECS, MIB, Refused, index, need, sha256, unpack, whole_number

OBJECT = re.compile(
    r"(?:packs|snapshots|runs/[a-z0-9][a-z0-9-]{0,79})/[a-zA-Z0-9.-]{0,80}([0-9a-f]{64})\.(?:pack|snap)"
)
_READS_AT_ONCE = 8


@dataclass(frozen=True)
class Entry:
    """``kind`` is f, d or l; ``path`` and ``target`` are the bytes that a file system takes."""

    kind: str
    path: bytes
    executable: bool = False
    size: int = 0
    references: tuple[tuple[Any, ...], ...] = ()
    target: bytes = b""


@dataclass
class Snapshot:
    """``name`` is a path below the project's folder; ``root`` is as in the file, checked.

    strict   refuses where any reference is found not to be true; else goes by another to the same chunk or block
    """

    project: Path
    name: str
    strict: bool = False
    root: dict[str, Any] = field(init=False)
    entries: list[Entry] = field(init=False)

    def __post_init__(self) -> None:
        match = OBJECT.fullmatch(self.name)
        need(match and self.name.endswith(".snap"), f"{self.name!r} cannot be a snapshot")
        path = self.project / self.name
        need(path.stat().st_size <= 256 * MIB, "the file is too large")
        data = path.read_bytes()
        need(match and sha256(data) == match[1], f"{self.name} does not match its name")
        found = index(data)
        self.root = root = found.get("root", {})
        need(isinstance(root, dict), "the root is no object")
        texts = (found.get("writer"), root.get("kind"))
        need(all(isinstance(text, str) for text in texts), "writer or kind is no text")
        need(isinstance(root.get("meta"), dict), "meta is no object")
        for key in ("seq", "files", "bytes"):
            need(whole_number(root.get(key), 0, 2**53), f"{key} is no count")
        need(isinstance(root.get("entries"), list) and isinstance(root.get("objects"), list), "no lists")
        self._objects = {"": self.name}
        for name in root["objects"]:
            match = OBJECT.fullmatch(name) if isinstance(name, str) else None
            need(match, "an object cannot be named so")
            assert match is not None
            need(self._objects.setdefault(match[1][:16], name) == name, "two objects share 16 digits")
        self._blocks: dict[tuple[Any, ...], bytes] = {}
        self._of_chunk: dict[str, dict[tuple[Any, ...], None]] = {}
        self._of_block: dict[tuple[str, int], dict[tuple[Any, ...], None]] = {}
        self.entries = list(self._read())

    def content(self, references: tuple[tuple[Any, ...], ...]) -> Iterator[bytes]:
        """The chunks that are referred to, in order."""
        for reference in references:
            try:
                chunk = self._chunk(reference)
            except (Refused, OSError):
                others = () if self.strict else self._others(reference)
                found = next(filter(None, map(self._chunk_or_none, others)), None)
                if found is None:
                    raise
                chunk = found
            yield chunk

    def _others(self, reference: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
        """What else the snapshot says of where that chunk lies."""
        for digest, short, start, *_, offset, length in self._of_chunk[reference[0]]:
            if length == reference[-1]:
                for said in self._of_block[short, start]:
                    yield digest, short, start, *said, offset, length

    def _chunk_or_none(self, reference: tuple[Any, ...]) -> bytes | None:
        try:
            return self._chunk(reference)
        except (Refused, OSError):
            return None

    def _chunk(self, reference: tuple[Any, ...]) -> bytes:
        digest, short, *at, offset, length = reference
        key = (self._objects[short], *at)
        if key not in self._blocks:
            if len(self._blocks) >= _READS_AT_ONCE:
                self._blocks.clear()
            self._blocks[key] = self._block(*key)
        chunk = self._blocks[key][offset : offset + length]
        need(sha256(chunk) == digest, "a chunk does not match its SHA-256")
        return chunk

    def _block(self, name: str, start: int, stored: int, raw: int, codec: str) -> bytes:
        with open(self.project / name, "rb") as file:
            file.seek(start)
            data = file.read(stored)
        need(len(data) == stored, f"{name} is cut short")
        return unpack(codec, data, raw)

    def _reference(self, value: Any) -> tuple[Any, ...]:
        need(isinstance(value, list) and len(value) == 8, "a reference is a list of eight")
        digest, short, start, stored, raw, codec, offset, length = value
        need(isinstance(digest, str) and re.fullmatch("[0-9a-f]{64}", digest), "no SHA-256")
        need(isinstance(short, str) and short in self._objects, "an object that the root does not list")
        need(whole_number(start, 0, 2**40), "block_offset")
        need(whole_number(stored, 1, 8 * MIB) and whole_number(raw, 1, 8 * MIB), "the size of a block")
        need(whole_number(offset, 0, raw) and whole_number(length, 1, raw - offset), "beyond the block")
        need(codec in CODECS, "unknown codec")
        self._of_chunk.setdefault(digest, {})[tuple(value)] = None
        said = self._of_block.setdefault((short, start), {})
        said[stored, raw, codec] = None
        need(not self.strict or len(said) == 1, "one block is described in two ways")
        return tuple(value)

    def _read(self) -> Iterator[Entry]:
        references = tuple(self._reference(each) for each in self.root["entries"])
        need(sum(each[7] for each in references) <= 512 * MIB, "the entry stream is too long")
        stream = b"".join(self.content(references))
        need(not stream or stream.endswith(b"\n"), "the entry stream is cut short")
        tree: list[bytes] = []
        before = b""
        taken: set[bytes] = set()
        files = size = 0
        for line in stream.split(b"\n")[:-1]:
            need(len(line) <= 32 * MIB and len(tree) < 5_000_000, "the entry stream is too long")
            entry, hashed = self._entry(line)
            need(entry.path > before, "not sorted, or one path twice")
            parents = entry.path.split(b"/")
            need(
                not any(b"/".join(parents[:n]) in taken for n in range(1, len(parents))),
                "a path below what is no folder, or is listed as an empty one",
            )
            taken.add(entry.path)
            before = entry.path
            files, size = files + (entry.kind == "f"), size + entry.size
            tree.append(json.dumps(hashed, separators=(",", ":")).encode() + b"\n")
            yield entry
        said = (self.root.get("tree"), self.root["files"], self.root["bytes"])
        need(said == (sha256(b"".join(tree)), files, size), "the tree is not what the root says")

    def _entry(self, line: bytes) -> tuple[Entry, list[Any]]:
        """The entry, and what of it the tree hash takes."""
        try:
            match json.loads(line.decode()):
                case ["f", str(path), executable, size, list(listed)]:
                    need(whole_number(executable, 0, 1) and whole_number(size, 0, 2**53), "no number")
                    references = tuple(self._reference(each) for each in listed)
                    need(
                        sum(each[7] for each in references) == size, "a file of another size than its chunks"
                    )
                    entry = Entry("f", safe(path), bool(executable), size, references)
                    return entry, ["f", path, executable, [[each[0], each[7]] for each in references]]
                case ["d", str(path)]:
                    return Entry("d", safe(path)), ["d", path]
                case ["l", str(path), str(target)]:
                    raw = as_bytes(target)
                    need(raw and b"\0" not in raw and len(raw) <= 4096, "a link without a usable target")
                    return Entry("l", safe(path), target=raw), ["l", path, target]
        except (ValueError, RecursionError) as error:
            raise Refused(f"a malformed entry: {error}") from error
        raise Refused("a malformed entry")


def as_bytes(text: str) -> bytes:
    """What a path or a link's target stands for; one spelling only."""
    raw = text.encode("utf-8", "surrogateescape")
    need(raw.decode("utf-8", "surrogateescape") == text, "bytes are written in two ways")
    return raw


def safe(path: str) -> bytes:
    raw = as_bytes(path)
    parts = raw.split(b"/")
    need(len(raw) <= 4096 and len(parts) <= 256 and b"\0" not in raw, "a path that no snapshot holds")
    need(not any(part in (b"", b".", b"..") for part in parts), "a path that could leave its folder")
    return raw
