"""What differs between the trees of two snapshots: paths with sizes, and the text of small files line by line."""

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from sync.store.nouns import FILE, LINK, Entry, Root
from sync.store.reader import Reader

from .console import path_text

_LARGEST_TEXT = 64 * 1024
_MOST_TEXTS = 50
_MOST_LINES = 400
"""Of one file's difference."""


@dataclass(frozen=True, kw_only=True)
class Change:
    """``what`` is ``changed``, ``added`` or ``removed``. ``before`` and ``after`` are bytes, None where there is no such file.
    ``diff`` is a unified diff; empty for what is large, or no text."""

    path: str
    what: str
    before: int | None
    after: int | None
    diff: str = ""


def changes(reader: Reader, before: Root, after: Root) -> list[Change]:
    """Sorted by path. Raises what the reader raises, but for content that cannot be had: then there is no ``diff``."""
    if before.tree == after.tree:
        return []
    old, new = ({entry.path: entry for entry in reader.entries(root)} for root in (before, after))
    differing = [path for path in sorted(old.keys() | new.keys()) if not _same(old.get(path), new.get(path))]
    texts = _texts(reader, islice(_small(differing, old, new), 2 * _MOST_TEXTS))
    return [_change(path, old.get(path), new.get(path), texts) for path in differing]


def _same(old: Entry | None, new: Entry | None) -> bool:
    if old is None or new is None:
        return False
    if (old.kind, old.executable, old.size, old.target) != (new.kind, new.executable, new.size, new.target):
        return False
    return [chunk.sha256 for chunk in old.chunks] == [chunk.sha256 for chunk in new.chunks]


def _small(paths: Iterable[bytes], old: Mapping[bytes, Entry], new: Mapping[bytes, Entry]) -> Iterator[Entry]:
    """Files that are there in both trees, and small in both."""
    for path in paths:
        both = [tree[path] for tree in (old, new) if path in tree]
        if len(both) == 2 and all(each.kind == FILE and each.size <= _LARGEST_TEXT for each in both):
            yield from both


def _texts(reader: Reader, entries: Iterable[Entry]) -> dict[tuple[str, ...], str]:
    """Of those that are text, by their chunks."""
    wanted = list(entries)
    pieces = dict(_fetched(reader, wanted))
    found = {}
    for entry in wanted:
        try:
            found[_chunks(entry)] = b"".join(pieces[each] for each in _chunks(entry)).decode()
        except UnicodeDecodeError:
            continue
    return {chunks: text for chunks, text in found.items() if "\0" not in text}


def _fetched(reader: Reader, entries: Sequence[Entry]) -> Iterator[tuple[str, bytes]]:
    for chunk, data in reader.fetch(chunk for entry in entries for chunk in entry.chunks):
        yield chunk.sha256, data


def _chunks(entry: Entry) -> tuple[str, ...]:
    return tuple(chunk.sha256 for chunk in entry.chunks)


def _change(
    path: bytes, old: Entry | None, new: Entry | None, texts: Mapping[tuple[str, ...], str]
) -> Change:
    shown = path_text(path)
    what = "added" if old is None else "removed" if new is None else "changed"
    diff = ""
    if old is not None and new is not None:
        before, after = texts.get(_chunks(old)), texts.get(_chunks(new))
        if old.kind == new.kind == FILE and before is not None and after is not None:
            diff = _unified(shown, before, after)
    return Change(path=shown, what=what, before=_size(old), after=_size(new), diff=diff)


def _unified(path: str, before: str, after: str) -> str:
    lines = difflib.unified_diff(
        before.splitlines(), after.splitlines(), f"a/{path}", f"b/{path}", lineterm="", n=2
    )
    shown = list(islice(lines, _MOST_LINES + 1))
    if len(shown) > _MOST_LINES:
        shown[_MOST_LINES] = "…"
    return "\n".join(shown)


def _size(entry: Entry | None) -> int | None:
    if entry is None:
        return None
    return len(entry.target) if entry.kind == LINK else entry.size
