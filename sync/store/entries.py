"""Entries as lines of JSON: one array a line, sorted by path bytes.

    ["f", path, executable, size, [[sha256, object, block_offset, block_stored, block_raw, codec, offset, length], ...]]
    ["d", path]
    ["l", path, target]

``object`` is the first 16 digits of the SHA-256 in the object's name, resolved through the root's list; empty for
the snapshot itself. Paths that are not UTF-8 carry each odd byte as U+DC80 to U+DCFF (Python's surrogateescape).
What is decoded here came from the mailbox: a path that could leave its folder never becomes an Entry.
"""

import functools
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from sync.errors import CorruptMailbox

from . import bounded_json
from .nouns import DIRECTORY, FILE, LINK, Chunk, Entry, Location, Root
from .pack import check

LONGEST_PATH = 4096
"""Bytes of a path or a link's target: what a Linux call takes, and more than most systems do."""
DEEPEST = 256
"""Parts of a path: deeper trees overrun the recursion of the tools that walk and remove them."""
LARGEST_ENTRIES = 512 * 1024 * 1024
MOST_ENTRIES = 5_000_000
LONGEST_LINE = 32 * 1024 * 1024
"""Bounds of one snapshot's entries: bytes of all, how many they are, and bytes of one, which is what a file of about
120 GB takes. Beyond them it is refused before it fills the memory."""
_REFERENCE = 16
# Made once: ``json.dumps`` with separators makes an encoder at each call.
_json = json.JSONEncoder(separators=(",", ":")).encode


@functools.lru_cache(maxsize=1024)
def reference(name: str) -> str:
    """The short form in which entries name the object ``name``: part of the SHA-256 that its name holds."""
    digest = name.rsplit(".", 1)[0][-64:]
    return digest[:_REFERENCE]


def refusal(path: bytes) -> str | None:
    """Why no snapshot can hold ``path``, as a clause; None where it can."""
    if len(path) > LONGEST_PATH:
        return f"has a path of more than {LONGEST_PATH} bytes"
    if len(path) > DEEPEST and path.count(b"/") >= DEEPEST:
        return f"lies more than {DEEPEST} folders deep"
    return None


def encode_root(root: Root) -> dict[str, Any]:
    """The root as a snapshot's index holds it."""
    entries = [(chunk.sha256, reference(chunk.at.object), *chunk.at[1:]) for chunk in root.entries]
    fields = {
        name: getattr(root, name) for name in ("kind", "seq", "tree", "files", "bytes", "objects", "meta")
    }
    return {**fields, "entries": entries}


def decode_chunk(value: Any, objects: Mapping[str, str]) -> Chunk:
    """Raises CorruptMailbox on anything but a chunk as ``encode_root`` and ``lines`` write it. ``objects`` maps short to full names."""
    if not isinstance(value, list) or len(value) != 8:
        raise CorruptMailbox("A chunk reference in a snapshot is malformed.")
    sha256, short, *numbers = value
    offset, stored, raw, codec, start, length = numbers
    if not is_sha256(sha256) or not isinstance(short, str) or not isinstance(codec, str):
        raise CorruptMailbox("A chunk reference in a snapshot is malformed.")
    if any(type(number) is not int for number in (offset, stored, raw, start, length)):
        raise CorruptMailbox("A chunk reference in a snapshot is malformed.")
    if short not in objects:
        raise CorruptMailbox("A snapshot refers to an object that its root does not list.")
    return Chunk(sha256, check(Location(objects[short], offset, stored, raw, codec, start, length)))


def decode(lines: Iterable[bytes], objects: Mapping[str, str]) -> Iterator[Entry]:
    """The entries, checked: safe relative paths, strictly sorted, sizes that add up, nothing below a file or link."""
    previous = b""
    leaves: list[bytes] = []
    for line in lines:
        entry = _decode_line(line, objects)
        if entry.path <= previous:
            raise CorruptMailbox("The entries of a snapshot are not sorted, or one path occurs twice.")
        previous = entry.path
        # Sorted bytes put "a-b" between "a" and "a/b", so every leaf that is a prefix stays on the stack.
        while leaves and not entry.path.startswith(leaves[-1]):
            leaves.pop()
        if any(entry.path.startswith(leaf + b"/") for leaf in leaves):
            raise CorruptMailbox("A snapshot holds a path below a file or a link.")
        leaves.append(entry.path)
        yield entry


def _decode_line(line: bytes, objects: Mapping[str, str]) -> Entry:
    try:
        match bounded_json.loads(line):
            case ["f", str(path), executable, size, list(chunks)] if (
                type(executable) is int and executable in (0, 1) and type(size) is int
            ):
                entry = Entry(
                    path=safe_path(path),
                    kind=FILE,
                    executable=bool(executable),
                    size=size,
                    chunks=tuple(decode_chunk(chunk, objects) for chunk in chunks),
                )
                if sum(chunk.at.length for chunk in entry.chunks) != size:
                    raise CorruptMailbox("A file in a snapshot has another size than its chunks.")
                return entry
            case ["d", str(path)]:
                return Entry(path=safe_path(path), kind=DIRECTORY)
            case ["l", str(path), str(target)]:
                raw = _bytes(target)
                if not raw or b"\0" in raw or len(raw) > LONGEST_PATH:
                    raise CorruptMailbox("A link in a snapshot has no usable target.")
                return Entry(path=safe_path(path), kind=LINK, target=raw)
            case _:
                raise CorruptMailbox("A snapshot holds a malformed entry.")
    except (ValueError, RecursionError) as error:
        raise CorruptMailbox("A snapshot holds a malformed entry.") from error


def safe_path(path: str) -> bytes:
    """The bytes of a path that stays inside its folder on any system; raises CorruptMailbox otherwise."""
    try:
        raw = _bytes(path)
    except ValueError as error:
        raise CorruptMailbox(f"A snapshot holds the unsafe path {path[:80]!r}.") from error
    parts = raw.split(b"/")
    if not raw or refusal(raw) or b"\0" in raw or any(part in (b"", b".", b"..") for part in parts):
        raise CorruptMailbox(f"A snapshot holds the unsafe path {path[:80]!r}.")
    return raw


def _bytes(text: str) -> bytes:
    """What ``text`` stands for. Raises ValueError where nothing, or where the same bytes are written otherwise."""
    raw = text.encode("utf-8", "surrogateescape")
    if not text.isascii() and raw.decode("utf-8", "surrogateescape") != text:
        raise ValueError("bytes that are UTF-8 are written as bytes that are not")
    return raw


def is_sha256(value: object) -> bool:
    return isinstance(value, str) and len(value) == 64 and set(value) <= set("0123456789abcdef")


class TreeHash:
    """SHA-256 over what a tree holds, whatever packs it lies in. Feed entries, or their lines, in order."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self.files = 0
        self.bytes = 0

    def add(self, entry: Entry) -> None:
        line: list[Any] = [entry.kind, entry.path.decode("utf-8", "surrogateescape")]
        if entry.kind == FILE:
            self.files += 1
            self.bytes += entry.size
            line += [int(entry.executable), [[chunk.sha256, chunk.at.length] for chunk in entry.chunks]]
        elif entry.kind == LINK:
            line.append(entry.target.decode("utf-8", "surrogateescape"))
        self.add_lines((_json(line) + "\n").encode())

    def add_lines(self, lines: bytes) -> None:
        """Takes lines as ``lines.Block.tree`` has them; their files and bytes are the caller's to count."""
        self._hash.update(lines)

    def hexdigest(self) -> str:
        return self._hash.hexdigest()
