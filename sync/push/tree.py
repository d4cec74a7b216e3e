"""The tree that a push publishes, between what was published last, what was read now, and what only moved."""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from ..errors import Problem
from ..local.entry import FILE, FOLDER, Entry, Signature
from ..local.index import FileRow, Index, Noted
from ..store.entries import reference
from ..store.lines import Line, Place, chunks_text, content, file_line, folder_line, link_line
from ..store.nouns import MOST_LEANED_ON, Location
from .changes import Look, is_below
from .known import Known, is_snapshot
from .reading import Chunks


class _Fresh(NamedTuple):
    """A file that was read now."""

    noted: Noted
    chunks: Chunks


class Tree:
    """What ``seen`` found, as a snapshot's lines. Content of files that are as they were comes from the index, a page at
    a time: a tree may have a hundred thousand of them, and one that changed."""

    def __init__(self, seen: Look, index: Index) -> None:
        self._seen = seen
        self._index = index
        self._known_as = {reference(name): name for name in index.objects()}
        self._anew: set[bytes] = set()
        self._moves_content = False
        self._to_read = {entry.path for entry in seen.changed}
        self._moved = {
            entry.path: Noted(entry.signature, seen.scan.started_ns)
            for entry in (seen.scan.entries if seen.moved else ())
            if entry.path in seen.moved
        }
        self._fresh: dict[bytes, _Fresh] = {}
        self._kept: list[bytes] = []
        self._rows: list[FileRow] = []
        self._place: Place | None = None

    def settle_places(self, known: Known) -> bool:
        """Finds the unchanged files whose content is to be stored anew: because the mailbox lacks it, or because it lies
        in snapshots and these have become too many to lean on. Returns whether they have."""
        before = self._seen.before
        used = self._index.leaned_on()
        leaned_on = {name for each in used if is_snapshot(name := self._known_as.get(each, ""))}
        if before is not None:
            leaned_on |= {before.snapshot, *before.leans_on}
        compact = len(leaned_on) > MOST_LEANED_ON
        known.lean_on(set() if compact else leaned_on, others=not compact)
        unwanted = used - self._known_as.keys()
        if compact:
            unwanted |= {reference(name) for name in leaned_on}
        if unwanted:
            self._anew = {
                path
                for path, what in self._index.all_contents()
                if not unwanted.isdisjoint(what.objects.split())
            }
            moved = self._seen.moved
            files = (entry.path for entry in self._seen.scan.entries if entry.kind == FILE)
            unchanged = {path for path in files if moved.get(path, path) in self._anew} - self._to_read
            self._to_read |= unchanged
            self._moves_content = bool(unchanged)
        return compact

    @property
    def moves_content(self) -> bool:
        """Whether content is stored anew although no file differs."""
        return self._moves_content

    def to_read(self) -> list[Entry]:
        """The files whose content is to be read, sorted by path."""
        return [entry for entry in self._seen.scan.entries if entry.path in self._to_read]

    def has_read(self, path: bytes, signature: Signature, chunks: Chunks) -> None:
        self._fresh[path] = _Fresh(Noted(signature, self._seen.scan.started_ns), chunks)

    def keep_what_cannot_be_seen(self, problems: Iterable[Problem]) -> None:
        """What was published before and cannot be read now stays as it was: it is unknown, not deleted.

        Unless something else is in its place. ``problems`` came up since the scan.
        """
        unknown = {problem.path for problem in (*self._seen.scan.problems, *problems)}
        if not unknown:
            return
        here = {entry.path for entry in self._seen_entries()}
        folders = {folder for path in here for folder in _above(path)}
        wanted = [
            path
            for path in self._seen.recorded
            if path not in here
            and is_below(path, unknown)
            and path not in folders
            and not is_below(path, here)
        ]
        contents = self._index.contents(wanted)
        self._kept = [path for path in wanted if self._known_as.keys() >= set(contents[path].objects.split())]

    def differs(self) -> bool:
        """Whether the tree is another than the last published one; times alone make no difference."""
        seen = self._seen
        recorded = seen.recorded
        if seen.before is None or seen.others != seen.before.others:
            return True
        if self._files() != recorded.keys():
            return True
        contents = self._index.contents(self._fresh)
        return any(
            contents[path].chunks != chunks_text(now.chunks)
            or recorded[path].signature.executable != now.noted.signature.executable
            for path, now in self._fresh.items()
        )

    def lines(self, place: Place, packs: Iterable[str]) -> Iterator[Line]:
        """The snapshot's lines, for ``SnapshotWriter.finish``; ``packs`` are the names of those that were written now."""
        self._place = place
        names = self._known_as | {reference(name): name for name in packs}
        objects: dict[str, tuple[str, ...]] = {}
        before = self._index.contents({*self._fresh, *self._seen.moved.values()})
        stored = self._index.all_contents()
        for entry in self._entries():
            path = entry.path
            if entry.kind == FOLDER:
                yield folder_line(path)
                continue
            if entry.kind != FILE:
                yield link_line(path, entry.target)
                continue
            signature = entry.signature
            if path in self._fresh:
                (signature, _), chunks = noted, _ = self._fresh[path]
                what = before.get(path)
                if what is None or path in self._anew or what.chunks != chunks_text(chunks):
                    what = content(chunks, place)
                self._rows.append(FileRow(path, noted, what))
            elif path in self._moved:
                what = before[self._seen.moved[path]]
                self._rows.append(FileRow(path, self._moved[path], what))
            else:
                each, what = next(stored)
                while each != path:
                    each, what = next(stored)
            if what.objects not in objects:
                objects[what.objects] = tuple(names[name] for name in what.objects.split())
            yield file_line(path, signature.executable, what, objects[what.objects])

    def remember(self, riding: Mapping[str, Location], *, as_before: bool) -> None:
        """Makes the index speak of this tree. ``riding`` is content in the snapshot itself, whose place is known only now.

        ``as_before``: nothing was published, because the files differ in nothing but their times.
        """
        if as_before:
            self._index.note_files({path: now.noted for path, now in self._fresh.items()})
            return
        here = self._files()
        self._index.forget_files(path for path in self._seen.recorded if path not in here)
        self._index.remember_files(self._settled(row, riding) for row in self._rows)

    def _settled(self, row: FileRow, riding: Mapping[str, Location]) -> FileRow:
        fresh = self._fresh.get(row.path)
        place = self._place
        if place is None or fresh is None or not any(sha256 in riding for sha256, _ in fresh.chunks):
            return row
        return row._replace(content=content(fresh.chunks, lambda sha256: riding.get(sha256) or place(sha256)))

    def _files(self) -> set[bytes]:
        return {entry.path for entry in self._entries() if entry.kind == FILE}

    def _entries(self) -> list[Entry]:
        """Everything that goes into the snapshot, sorted by path."""
        entries = self._seen_entries()
        if self._kept:
            entries += [Entry(path, FILE, self._seen.recorded[path].signature) for path in self._kept]
            entries.sort(key=lambda entry: entry.path)
        return entries

    def _seen_entries(self) -> list[Entry]:
        """What the scan saw, without what could then not be read."""
        return [
            entry
            for entry in self._seen.scan.entries
            if entry.path not in self._to_read or entry.path in self._fresh
        ]


def _above(path: bytes) -> Iterator[bytes]:
    """The folders that the path lies in."""
    while path := path.rpartition(b"/")[0]:
        yield path
