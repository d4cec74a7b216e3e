"""Which inputs a shard gets. The snapshot never changes, so both sides compute the same answer from it."""

import functools
from collections.abc import Iterable, Iterator
from dataclasses import fields
from fnmatch import fnmatchcase

from .records import Inputs, Spec

NONE = "none"
LINES = "lines"
FILES = "files"
_LONGEST_PATTERN = 4096


def of(spec: Spec) -> Inputs:
    """What the spec says about its inputs, checked. Raises ValueError."""
    known = {field.name: type(field.default) for field in fields(Inputs)}
    values = {key: value for key, value in spec.inputs.items() if key in known}
    if any(type(value) is not known[key] for key, value in values.items()):
        raise ValueError("the run's inputs are malformed")
    inputs = Inputs(**values)
    if len(inputs.path) > _LONGEST_PATTERN:
        raise ValueError("the run's inputs are malformed")
    if inputs.kind not in (NONE, LINES, FILES):
        raise ValueError(f"inputs of the kind {inputs.kind[:40]!r} are not known here")
    if inputs.kind != NONE and (inputs.chunk < 1 or inputs.count < 0 or not inputs.path):
        raise ValueError("the run's inputs are malformed")
    return inputs


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
    parts = tuple(part for part in pattern.split("/") if part not in ("", "."))
    return sorted(p for p in paths if _matches(parts, p.decode("utf-8", "surrogateescape").split("/")))


def _matches(pattern: tuple[str, ...], path: list[str]) -> bool:
    """Follows all ways at once: a pattern from elsewhere must not take more than its length times the path's."""
    at = _reached(pattern, frozenset([0]))
    for name in path:
        stay = {n for n in at if n < len(pattern) and pattern[n] == "**"}
        step = {n + 1 for n in at - stay if n < len(pattern) and fnmatchcase(name, pattern[n])}
        at = _reached(pattern, frozenset(stay | step))
        if not at:
            return False
    return len(pattern) in at


@functools.lru_cache(maxsize=1024)
def _reached(pattern: tuple[str, ...], at: frozenset[int]) -> frozenset[int]:
    """``at`` and what follows it where ``**`` stands for no folder at all."""
    found = set(at)
    for n in sorted(at):
        while n < len(pattern) and pattern[n] == "**":
            n += 1
            found.add(n)
    return frozenset(found)
