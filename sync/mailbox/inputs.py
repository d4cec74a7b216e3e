"""Which inputs a shard gets. The snapshot never changes, so both sides compute the same answer from it."""

from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase

from .records import Inputs

NONE = "none"
LINES = "lines"
FILES = "files"


def shard_count(count: int, chunk: int) -> int:
    return -(-count // chunk)


def span(inputs: Inputs, shard: int) -> range:
    """The positions of the shard's inputs among all of the run's."""
    start = shard * inputs.chunk
    return range(start, min(start + inputs.chunk, inputs.count))


def lines(buffered: Iterable[bytes]) -> Iterator[bytes]:
    """The inputs in a JSON-lines file: its lines that are not blank, without their newline."""
    for line in buffered:
        stripped = line.rstrip(b"\r\n")
        if stripped.strip():
            yield stripped


def is_pattern(path: str) -> bool:
    return any(sign in path for sign in "*?[")


def matching(pattern: str, paths: Iterable[bytes]) -> list[bytes]:
    """The paths that the pattern names, sorted by bytes. ``*`` stays within a folder, ``**`` crosses folders."""
    parts = [part for part in pattern.split("/") if part not in ("", ".")]
    return sorted(p for p in paths if _matches(parts, p.decode("utf-8", "surrogateescape").split("/")))


def _matches(pattern: list[str], path: list[str]) -> bool:
    if not pattern:
        return not path
    if pattern[0] == "**":
        return any(_matches(pattern[1:], path[skip:]) for skip in range(len(path) + 1))
    return bool(path) and fnmatchcase(path[0], pattern[0]) and _matches(pattern[1:], path[1:])
