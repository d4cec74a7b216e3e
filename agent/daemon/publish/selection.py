"""``[auto] on``: which of the published files matter to a run, and what their state is in one hash. Pure."""

import hashlib
from collections.abc import Callable, Iterable, Mapping

from sync.local.ignore import NO_RULE, Level, read_rules, top
from sync.store.lines import Content, chunks_text
from sync.store.nouns import FILE, LINK, Entry


class Selection:
    """The files that match patterns as in ``.gitignore``: the last that matches a file, or a folder above it, decides.

    Without any pattern all files match; where the first takes some away (``!*.md``), all others do.
    """

    def __init__(self, patterns: Iterable[str]) -> None:
        wanted = list(patterns)
        rules, _ = read_rules("\n".join(wanted).encode("utf-8", "surrogateescape"), "[auto] on")
        self._all = not wanted
        self._others = bool(rules) and rules[0].pattern.negated
        self._folders: dict[bytes, tuple[Level, int]] = {b"": (top().add(rules), NO_RULE)}

    def matches(self, path: bytes) -> bool:
        """``path`` of a file or link, relative to the project's folder, with ``/``."""
        if self._all:
            return True
        folder, _, name = path.rpartition(b"/")
        level, decided = self._folder(folder)
        decided = max(decided, level.file(name))
        return self._others if decided == NO_RULE else not level.rules[decided].pattern.negated

    def _folder(self, path: bytes) -> tuple[Level, int]:
        """How the rules stand in a folder, and the last that matches it or one above it."""
        if path not in self._folders:
            above, _, name = path.rpartition(b"/")
            level, decided = self._folder(above)
            self._folders[path] = (level.enter(name), max(decided, level.folder(name)))
        return self._folders[path]


def fingerprint(
    selection: Selection, files: Iterable[tuple[bytes, Content]], links: Mapping[bytes, bytes]
) -> str:
    """One hash of paths and contents of all that is selected. ``files`` come sorted by path; ``links`` have targets, and
    empty folders, which do not count, none."""
    digest = hashlib.sha256()
    for path, content in files:
        if selection.matches(path):
            _take(digest.update, path, content.chunks.encode())
    for path in sorted(links):
        if links[path] and selection.matches(path):
            _take(digest.update, b"link", path, links[path])
    return digest.hexdigest()


def fingerprint_of(selection: Selection, entries: Iterable[Entry]) -> str:
    """As ``fingerprint``, of what a snapshot lists."""
    files: list[tuple[bytes, Content]] = []
    links: dict[bytes, bytes] = {}
    for entry in entries:
        if entry.kind == FILE:
            chunks = chunks_text((chunk.sha256, chunk.at.length) for chunk in entry.chunks)
            files.append((entry.path, Content(entry.size, chunks, "", "")))
        elif entry.kind == LINK:
            links[entry.path] = entry.target
    return fingerprint(selection, files, links)


def _take(update: Callable[[bytes], object], *parts: bytes) -> None:
    for part in parts:
        update(b"%d:" % len(part) + part)
